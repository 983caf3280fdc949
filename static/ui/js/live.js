// One tick for all live parts, and only when it disturbs nobody.
const PERIOD = Number(document.body.dataset.live || 30) * 1000;

function quiet() {
  if (document.hidden || document.querySelector("dialog[open], details.menu[open], [data-pick]:checked")) return false;
  const chosen = getSelection();
  return !chosen || chosen.isCollapsed;
}

setInterval(() => {
  if (quiet()) document.body.dispatchEvent(new CustomEvent("live:tick"));
}, PERIOD);

// A part whose own field has the focus waits for the next tick, and never loses what is typed.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig?.triggeringEvent?.type !== "live:tick") return;
  const target = event.detail.target;
  if (target.contains(document.activeElement) && target !== document.body) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.requestConfig?.triggeringEvent?.type === "live:tick" && !quiet()) event.detail.shouldSwap = false;
});

// A screen on the wall: nobody sits before it, so it says itself when its figures are old. `data-at`: when the server read
// them; an answer without content says that they still hold. All by the server's clock.
const freshFor = Number(document.body.dataset.freshFor || 0);
const stale = document.querySelector("[data-stale]");
if (freshFor && stale) {
  const begun = Number(document.documentElement.dataset.now) - performance.now() / 1000;
  const now = () => begun + performance.now() / 1000;
  let held = 0;
  document.addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.xhr?.status === 204) held = now(); });
  setInterval(() => {
    const at = Math.max(held, Number(document.querySelector("[data-at]")?.dataset.at || 0));
    stale.hidden = now() - at <= freshFor;
    if (!stale.hidden) {
      const zone = { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false };
      stale.querySelector("[data-stale-since]").textContent = new Date(at * 1000).toLocaleTimeString("zh-CN", zone);
    }
  }, 1000);
}
