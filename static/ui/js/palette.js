// The command palette: a combobox whose list the server fills.
const options = (box) => [...box.querySelectorAll('[role="option"]:not([aria-disabled])')];

function select(box, input, at) {
  const all = options(box);
  const index = all.length ? (at + all.length) % all.length : -1;
  all.forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
  if (index < 0) return input.removeAttribute("aria-activedescendant");
  input.setAttribute("aria-activedescendant", all[index].id);
  all[index].scrollIntoView({ block: "nearest" });
}

function wire(box) {
  const input = box.querySelector("input");
  box.dataset.on = "1";
  const at = () => options(box).findIndex((option) => option.getAttribute("aria-selected") === "true");
  box.addEventListener("htmx:afterSwap", () => select(box, input, 0));
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      select(box, input, at() + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      options(box)[Math.max(0, at())]?.click();
    }
  });
  box.addEventListener("click", (event) => event.target.closest('[role="option"]') && box.close());
}

export function show(box) {
  if (!box.dataset.on) wire(box);
  const input = box.querySelector("input");
  input.value = "";
  box.showModal();
  input.focus();
  input.dispatchEvent(new CustomEvent("palette:open"));
}
