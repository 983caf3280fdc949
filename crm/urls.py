"""The front door: which app answers under which path."""

from django.urls import URLPattern, URLResolver, include, path, register_converter

from crm.health import healthz, readyz
from crm.metrics import metrics
from foundation.common.ids import IdConverter
from foundation.rest.docs_views import docs, openapi
from foundation.rest.oauth import token

register_converter(IdConverter, "id")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("workspace.urls")),
    path("", include("staff.exports.urls")),
    path("", include("staff.urls")),
    path("accounts/", include("staff.account_urls")),
    path("", include("outreach.urls")),
    path("", include("interactions.urls")),
    path("", include("billing.urls")),
    path("", include("complaints.urls")),
    path("", include("complaints.public_urls")),
    path("api/careline/v1/", include("complaints.urls.api")),
    path("api/openapi.json", openapi, name="openapi"),
    path("api/docs/", docs, name="api-docs"),
    path("oauth/token", token, name="oauth-token"),
    path("tmf-api/", include("foundation.rest.urls")),
    path("", include("customers.imports.urls")),
    path("", include("customers.segments.urls")),
    path("", include("customers.value.urls")),
    path("", include("customers.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("_styleguide/", include("foundation.ui.urls")),
]
