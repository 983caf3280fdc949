// Tips for controls: on hover and focus, gone with Escape, reachable by the pointer.
let tip = null;
let owner = null;

function hide() {
  tip?.remove();
  owner?.removeAttribute("aria-describedby");
  tip = owner = null;
}

function show(control) {
  if (owner === control) return;
  hide();
  owner = control;
  tip = document.createElement("div");
  tip.className = "tip";
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.textContent = control.dataset.tip;
  document.body.append(tip);
  control.setAttribute("aria-describedby", "tip");
  const at = control.getBoundingClientRect();
  const size = tip.getBoundingClientRect();
  const below = at.bottom + 6 + size.height < innerHeight;
  tip.style.left = `${Math.max(8, Math.min(innerWidth - size.width - 8, at.left + at.width / 2 - size.width / 2))}px`;
  tip.style.top = `${below ? at.bottom + 6 : at.top - size.height - 6}px`;
}

document.addEventListener("mouseover", (event) => {
  const control = event.target.closest?.("[data-tip]");
  if (control) show(control);
  else if (!event.target.closest?.(".tip") && owner !== document.activeElement) hide();
});
document.addEventListener("focusin", (event) => (event.target.matches("[data-tip]") ? show(event.target) : hide()));
document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
document.addEventListener("scroll", hide, true);
