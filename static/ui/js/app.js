// Start of all behaviour. Everything works without it; nothing here holds a rule.
import { refreshClocks } from "./sla.js";
import "./keys.js";
import "./tip.js";
import "./live.js";
import { csrf, say, words } from "./words.js";

const $ = (selector, root = document) => root.querySelector(selector);

// Toasts: only for what the user just did.
function toast(message, { tone = "ok", undo = "" } = {}) {
  const shelf = $("#toasts");
  const mould = $("#toast-t");
  if (!shelf || !mould || !message) return;
  const box = mould.content.firstElementChild.cloneNode(true);
  $("span", box).textContent = message;
  if (tone === "danger") box.classList.add("-danger");
  if (undo) {
    const button = $("[data-undo]", box);
    button.hidden = false;
    button.addEventListener("click", () => {
      box.remove();
      window.htmx?.ajax("POST", undo, { swap: "none" });
    });
  }
  shelf.append(box);
  expire(box, tone === "danger" ? 0 : 8000);
}

function expire(box, after) {
  // A toast under the pointer or holding the focus stays; errors stay until dismissed.
  if (!after) return;
  const look = () => (box.matches(":hover, :focus-within") ? setTimeout(look, 2000) : box.remove());
  setTimeout(look, after);
}

document.addEventListener("toast", (event) => toast(event.detail.message, event.detail));

// A link that goes on with what the list is filtered by now, htmx having changed the address since.
for (const name of ["click", "auxclick"]) {
  document.addEventListener(name, (event) => {
    const link = event.target.closest?.("a[data-keeps-query]");
    if (link) link.search = location.search;
  });
}

// htmx: CSRF, waiting, failing.
const slow = new WeakMap();
// "every 2s" and "load" come without an event.
const polled = (event) => !event || event.type === "live:tick";
const targetOf = (detail) => (detail.target instanceof Element && detail.target !== document.body ? detail.target : null);

document.addEventListener("htmx:configRequest", (event) => {
  const { headers, triggeringEvent } = event.detail;
  headers["X-CSRFToken"] = csrf();
  // The server does not count polling as work of the user.
  if (polled(triggeringEvent)) headers["Careline-Live"] = "1";
  else alive();
});
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const target = targetOf(detail);
  if (target && !polled(detail.requestConfig.triggeringEvent))
    slow.set(detail.xhr, setTimeout(() => target.setAttribute("aria-busy", "true"), 150));
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  clearTimeout(slow.get(detail.xhr));
  targetOf(detail)?.removeAttribute("aria-busy");
});
const quiet = (detail) => detail.requestConfig && polled(detail.requestConfig.triggeringEvent);
document.addEventListener("htmx:responseError", ({ detail }) => {
  if (quiet(detail)) return;
  const ref = detail.xhr.getResponseHeader("X-Request-ID") ?? String(detail.xhr.status);
  toast(detail.xhr.status === 403 ? say("forbidden") : say("failed", { ref }), { tone: "danger" });
});
document.addEventListener("htmx:timeout", ({ detail }) => quiet(detail) || toast(say("slow"), { tone: "danger" }));
document.addEventListener("htmx:sendError", ({ detail }) => quiet(detail) || toast(say("offline"), { tone: "danger" }));
document.addEventListener("htmx:load", ({ detail }) => prepare(detail.elt));

// Dialogs, menus, confirming.
function ask(element, go) {
  const box = $("#confirm");
  if (!box) return go();
  const { confirm, confirmTitle, confirmYes } = element.dataset;
  $("#confirm-b").textContent = confirm;
  const heading = $("#confirm-h");
  heading.dataset.usual ??= heading.textContent;
  heading.textContent = confirmTitle ?? heading.dataset.usual;
  const yes = $("[data-yes]", box);
  yes.dataset.usual ??= yes.textContent;
  yes.textContent = confirmYes ?? yes.dataset.usual;
  yes.onclick = () => {
    box.close();
    go();
  };
  box.showModal();
}

document.addEventListener("htmx:confirm", (event) => {
  const element = event.target.closest("[data-confirm]");
  if (!element || element.dataset.confirmed) return;
  event.preventDefault();
  ask(element, () => event.detail.issueRequest(true));
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  const asking = event.submitter?.dataset.confirm ? event.submitter : form.dataset.confirm ? form : null;
  const byHtmx = form.matches("[hx-post],[hx-get]") || event.submitter?.matches("[hx-post],[hx-get]");
  if (asking && !byHtmx && !form.dataset.confirmed) {
    event.preventDefault();
    ask(asking, () => {
      form.dataset.confirmed = "1";
      form.requestSubmit(event.submitter);
      delete form.dataset.confirmed;
    });
    return;
  }
  if (byHtmx || event.defaultPrevented || form.method === "dialog") return;
  // A second click must not send a second time.
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// A wording goes where the cursor stands; what is there stays.
function insert(area, { dataset }) {
  area.setRangeText(dataset.text, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = false; });
  area.focus();
}

async function open(id) {
  const box = document.getElementById(id);
  if (!box || box.open) return;
  if (id === "palette") (await import("./palette.js")).show(box);
  else box.showModal();
}

document.addEventListener("click", async (event) => {
  const on = (selector) => event.target.closest(selector);
  const opener = on("[data-open]");
  if (opener) {
    event.preventDefault();
    open(opener.dataset.open);
  }
  on("[data-close]")?.closest("dialog")?.close();
  on("[data-toast-x]")?.closest("[data-toast]").remove();
  const focuses = on("[data-focuses]");
  if (focuses) setTimeout(() => document.getElementById(focuses.dataset.focuses)?.focus());
  const inserts = on("[data-inserts]");
  if (inserts) insert(document.getElementById(inserts.dataset.inserts), inserts);
  if (event.target instanceof HTMLDialogElement && event.target.id === "palette") event.target.close();
  const chosen = on("a.menu-a");
  document.querySelectorAll("details.menu[open]").forEach((menu) => (menu.contains(event.target) && !chosen) || (menu.open = false));
  const copied = on("[data-copy]");
  if (copied) {
    await navigator.clipboard.writeText(copied.dataset.copy);
    toast(say("copied"));
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open]") ?? $("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  $("summary", menu).focus();
});

// What a page or a swapped part brings with it.
const all = (root, selector) => [...(root.matches(selector) ? [root] : []), ...root.querySelectorAll(selector)];

function prepare(root) {
  if (!(root instanceof Element)) return;
  if (root.closest("[data-bulk]") || $("[data-bulk]", root)) import("./bulk.js").then((part) => part.start(root));
  const drafts = all(root, "[data-draft-url]");
  if (drafts.length) import("./draft.js").then((part) => part.start(drafts));
  const inline = all(root, "[data-inline]");
  if (inline.length) import("./inline.js").then((part) => part.start(inline));
  all(root, "[data-echo]").forEach(echo);
  all(root, "[data-reveal]").forEach(conceal);
  all(root, "[data-upload]").forEach(drop);
  all(root, "[data-fold]").forEach(fold);
  all(root, "[data-toast]").forEach((box) => expire(box, box.classList.contains("-danger") ? 0 : 8000));
  all(root, "[data-focus]").find((one) => !one.closest("[data-inline]"))?.focus();
  const unread = $("[data-title-count]")?.dataset.titleCount;
  document.title = (unread > 0 ? `(${unread}) ` : "") + document.title.replace(/^\(\d+\+?\) /, "");
  refreshClocks();
}

// Native date inputs speak the browser's language, so the value is repeated in ours.
function echo(place) {
  const input = document.getElementById(place.dataset.echo);
  if (!input || place.dataset.on) return;
  place.dataset.on = "1";
  const write = () => {
    const found = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d:\d\d))?/.exec(input.value);
    if (!found) return (place.textContent = "");
    const [, year, month, day, time = ""] = found;
    const weekday = words.tWeekdays.split("|")[new Date(Date.UTC(+year, month - 1, +day)).getUTCDay()];
    place.textContent = `${say("date", { year, month: words.tMonths.split("|")[month - 1], day: +day, weekday })} ${time}`.trim();
  };
  input.addEventListener("input", write);
  write();
}

// A revealed value goes back behind its mask when its time is over.
function conceal(place) {
  if (place.dataset.on) return;
  place.dataset.on = "1";
  const end = Date.now() + place.dataset.reveal * 1000;
  const left = $("[data-reveal-left]", place);
  const timer = setInterval(() => {
    const seconds = Math.ceil((end - Date.now()) / 1000);
    if (seconds > 0 && place.isConnected) {
      if (left) left.textContent = seconds;
      return;
    }
    clearInterval(timer);
    place.textContent = place.dataset.masked ?? "";
  }, 1000);
}

function drop(box) {
  const input = $('input[type="file"]', box);
  if (!input || box.dataset.on) return;
  box.dataset.on = "1";
  const over = (on) => (event) => {
    event.preventDefault();
    box.classList.toggle("-over", on);
  };
  box.addEventListener("dragover", over(true));
  box.addEventListener("dragleave", over(false));
  box.addEventListener("drop", (event) => {
    over(false)(event);
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// Long texts open on a click; the button exists only where something is hidden.
function fold(text) {
  if (text.dataset.on || text.scrollHeight <= text.clientHeight + 2) return;
  text.dataset.on = "1";
  text.tabIndex = 0;
  const unfold = () => text.classList.remove("fold");
  text.addEventListener("click", unfold);
  text.addEventListener("keydown", (event) => event.key === "Enter" && unfold());
}

// The session ends after idle seconds; before that, ask. The server sees pages asked for, but neither typing nor clicking:
// it is told of them now and then. `last`: the last work it knows of, in this tab or another.
const idle = Number(document.body.dataset.idle || 0);
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("careline") : null;
let last = Date.now();
function alive() {
  last = Date.now();
  tabs?.postMessage(last);
}
if (tabs) tabs.onmessage = ({ data }) => { last = Math.max(last, data); };
const ending = $("#session-end");
if (idle && ending?.dataset.stayUrl) {
  const askAt = Math.min(120, idle / 3);
  const pause = Math.min(60, idle / 4) * 1000;
  const left = () => idle - (Date.now() - last) / 1000;
  const leave = (to) => location.replace(to ?? location.pathname + location.search);
  const stay = async () => {
    const headers = { "X-CSRFToken": csrf(), "HX-Request": "true", "HX-Current-URL": location.href };
    const answer = await fetch(ending.dataset.stayUrl, { method: "POST", headers }).catch(() => null);
    if (answer?.status === 204) alive();
    return answer;
  };
  let telling = 0;
  const working = ({ isTrusted }) => {
    if (!isTrusted || telling || ending.open || left() <= 0) return;
    telling = setTimeout(() => stay().finally(() => (telling = 0)), Math.max(0, last + pause - Date.now()));
  };
  for (const act of ["keydown", "pointerdown", "input"]) addEventListener(act, working, { capture: true, passive: true });
  alive();
  setInterval(() => {
    if (left() > askAt && ending.open) ending.close();
    if (left() <= askAt && left() > 0 && !ending.open) ending.showModal();
    if (left() <= -5) leave();
  }, 5000);
  ending.addEventListener("close", async () => {
    const answer = await stay();
    if (!answer) toast(say("offline"), { tone: "danger" });
    else if (answer.status !== 204) leave(answer.headers.get("HX-Redirect"));
  });
  $("[data-stay]", ending).addEventListener("click", () => ending.close());
}

prepare(document.body);
