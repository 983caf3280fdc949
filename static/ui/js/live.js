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
