// Selecting rows of a list: the bar appears with the first box; "all in this view" is a second step.
import { say } from "./words.js";

const boxes = (form) => [...form.querySelectorAll("[data-pick]")];
let lastBox = null;

function refresh(form) {
  const all = boxes(form);
  const picked = all.filter((box) => box.checked);
  const bar = form.querySelector("[data-bulk-bar]");
  const head = form.querySelector("[data-pick-all]");
  const every = form.querySelector('[name="every"]');
  const full = all.length > 0 && picked.length === all.length;
  if (!full && every) every.value = "";
  if (bar) {
    bar.hidden = picked.length === 0;
    const n = every?.value ? every.dataset.total : picked.length;
    bar.querySelector("[data-bulk-n]").textContent = say(every?.value ? "every" : "picked", { n });
    const more = bar.querySelector("[data-pick-every]");
    if (more) more.hidden = !full || Boolean(every.value);
    if (full) bar.querySelector("[data-pick-total]")?.dispatchEvent(new Event("picked-all"));
  }
  if (head) {
    head.checked = full;
    head.indeterminate = picked.length > 0 && !full;
  }
}

function wire(form) {
  form.dataset.on = "1";
  form.addEventListener("click", (event) => {
    const box = event.target.closest("[data-pick]");
    if (box) {
      const all = boxes(form);
      if (event.shiftKey && lastBox && all.includes(lastBox)) {
        const [from, to] = [all.indexOf(lastBox), all.indexOf(box)].sort((a, b) => a - b);
        all.slice(from, to + 1).forEach((each) => { each.checked = box.checked; });
      }
      lastBox = box;
    }
    if (event.target.closest("[data-pick-none]")) boxes(form).forEach((each) => { each.checked = false; });
    if (event.target.closest("[data-pick-every]")) form.querySelector('[name="every"]').value = "1";
    if (box || event.target.closest("[data-pick-none], [data-pick-every]")) refresh(form);
  });
  form.addEventListener("change", (event) => {
    if (!event.target.matches("[data-pick-all]")) return;
    boxes(form).forEach((box) => { box.checked = event.target.checked; });
    refresh(form);
  });
}

export function start(root) {
  const near = root.closest("[data-bulk]");
  for (const form of near ? [near] : root.querySelectorAll("[data-bulk]")) {
    if (!form.dataset.on) wire(form);
    refresh(form);
  }
}
