// The screen on the wall: nobody sits before it, so it says itself when its figures are old. `data-at`: when the server
// read them; an answer without content says that they still hold. All by the server's clock.
const { freshFor, zone } = document.body.dataset;
const stale = document.querySelector("[data-stale]");
const begun = Number(document.documentElement.dataset.now) - performance.now() / 1000;
const now = () => begun + performance.now() / 1000;
const time = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
let held = 0;

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.xhr?.status === 204) held = now();
});

setInterval(() => {
  const at = Math.max(held, Number(document.querySelector("[data-at]").dataset.at));
  stale.hidden = now() - at <= Number(freshFor);
  if (!stale.hidden) stale.querySelector("[data-stale-since]").textContent = time.format(new Date(at * 1000));
}, 1000);
