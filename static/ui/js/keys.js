// Single keys: never in a field, while composing, with modifiers, under a dialog, or when switched off.
const off = document.body.dataset.shortcuts === "off";
const inField = (node) => node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName);
const typing = (node) => inField(node) && !/^(checkbox|radio|button|submit)$/.test(node.type ?? "");
const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")].filter((row) => row.offsetParent);
const link = (row) => row.querySelector("[data-main]") ?? row.querySelector("a");
let waiting = 0;

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + step))];
  link(next)?.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function pick(shift) {
  const row = document.activeElement.closest?.("[data-row]");
  const box = row?.querySelector("[data-pick]");
  if (!box) return false;
  box.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: shift }));
  return true;
}

const open = (id) => document.querySelector(`[data-open="${id}"]`)?.click();
const shown = (node) => node.offsetParent !== null && !node.disabled;
const folded = (node) => {
  const menu = node.closest("details.menu:not([open])");
  return menu && !node.matches("summary") ? menu : null;
};
// What stands in a closed menu counts as shown while the menu's own button is; what is in the open goes first.
function pressed(letter) {
  const all = [...document.querySelectorAll(`[data-key="${CSS.escape(letter)}"]`)].filter((node) => !node.disabled);
  return all.find((node) => !folded(node) && shown(node)) ?? all.find((node) => folded(node) && shown(folded(node)));
}

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
  const modal = document.querySelector("dialog[open]");
  if ((event.ctrlKey || event.metaKey) && !event.altKey && key.toLowerCase() === "k") {
    if (!document.getElementById("palette") || modal) return;
    event.preventDefault();
    open("palette");
    return;
  }
  if ((event.ctrlKey || event.metaKey) && key === "Enter" && target.form && target.matches("textarea")) {
    event.preventDefault();
    target.form.requestSubmit(target.form.querySelector("[data-send]") ?? undefined);
    return;
  }
  if (off || modal || event.ctrlKey || event.metaKey || event.altKey || typing(target)) return;
  const letter = key.toLowerCase();
  let done = true;
  if (waiting && Date.now() - waiting < 1200) {
    waiting = 0;
    const place = document.querySelector(`[data-go="${CSS.escape(letter)}"]`);
    if (place) place.click();
    done = Boolean(place);
  } else if (letter === "g" && !event.shiftKey) waiting = Date.now();
  else if (key === "/") {
    const box = document.getElementById("q");
    box?.focus();
    box?.select();
  } else if (key === "?") open("keys-help");
  else {
    const button = pressed(letter);
    if (button && !event.shiftKey) button.click();
    else if (letter === "j" || letter === "k") done = move(letter === "j" ? 1 : -1);
    else if (letter === "x") done = pick(event.shiftKey);
    else done = false;
  }
  if (done) event.preventDefault();
});
