// A value opened in its place: Enter or leaving it saves, Escape puts it back.
function wire(form) {
  form.dataset.on = "1";
  const field = form.querySelector("[data-focus]");
  // What the server wrote, not what somebody may have typed before this part arrived.
  const before = field.options ? ([...field.options].find((one) => one.defaultSelected) ?? field.options[0]).value : field.defaultValue;
  let busy = false;
  const cancel = (back) => {
    const link = form.querySelector("[data-inline-cancel]");
    const url = link.getAttribute("hx-get") + (back ? "&back=1" : "");
    busy = true;
    window.htmx.ajax("GET", url, { target: link.getAttribute("hx-target"), swap: "outerHTML" });
  };
  form.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      cancel(true);
    } else if (event.key === "Enter" && event.target === field) {
      event.preventDefault();
      form.elements.back.value = "1";
      form.requestSubmit();
    }
  });
  form.addEventListener("htmx:beforeRequest", () => { busy = true; });
  form.addEventListener("htmx:afterRequest", () => { busy = false; });
  form.addEventListener("focusout", ({ relatedTarget }) => {
    if (busy || form.contains(relatedTarget)) return;
    // Leaving for another window leaves the focus where it is.
    setTimeout(() => {
      if (busy || !form.isConnected || form.contains(document.activeElement)) return;
      if (field.value === before && !field.matches("[aria-invalid]")) cancel(false);
      else form.requestSubmit();
    });
  });
  // Only now: keys typed before somebody listens would do nothing.
  field.focus();
}

export function start(forms) {
  forms.forEach((form) => form.dataset.on || wire(form));
}
