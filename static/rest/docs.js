// Shows the OpenAPI document of this server.
(function () {
  "use strict";
  var place = document.getElementById("docs");
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.document,
    deepLinking: true,
    docExpansion: "list",
    validatorUrl: null
  });
})();
