// Clocks: the server gives deadlines and its own time as epoch seconds; here they are only counted and worded.
import { say } from "./words.js";

const root = document.documentElement;
const offset = Number(root.dataset.now || 0) - Date.now() / 1000;
const SOON = 1800;
const SHARE = 0.25;
const serverNow = () => (root.dataset.now ? Date.now() / 1000 + offset : Date.now() / 1000);

function span(seconds) {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
  return say("span", { days: Math.floor(minutes / 1440), hours: Math.floor((minutes % 1440) / 60) });
}

export function refreshClocks() {
  const icons = document.getElementById("sla-t")?.content.children;
  for (const badge of document.querySelectorAll("[data-sla]")) {
    const left = badge.dataset.sla - serverNow();
    const target = Number(badge.dataset.target);
    const state = left <= 0 ? "over" : left > SOON && (!target || left > SHARE * target) ? "ok" : "soon";
    const text = say(left <= 0 ? "over" : "left", { span: span(left) });
    const place = badge.querySelector("[data-w]");
    if (place.textContent !== text) place.textContent = text;
    if (target) {
      const share = left <= 0 ? 100 : Math.max(0, Math.min(100, Math.round((100 * left) / target)));
      badge.querySelector("rect")?.setAttribute("width", share);
    }
    const before = ["ok", "soon", "over"].find((name) => badge.classList.contains(`-${name}`));
    if (before === state) continue;
    badge.classList.replace(`-${before}`, `-${state}`);
    if (icons) badge.querySelector(".i").replaceWith(icons[["ok", "soon", "over"].indexOf(state)].cloneNode(true));
    if (state === "over" && badge.dataset.own !== undefined) {
      const title = badge.closest("tr, li, section")?.querySelector(".main-a, .row-t, h2")?.textContent.trim();
      document.getElementById("alerts").textContent = say("breached", { what: title ?? "" });
    }
  }
}

// How long a call lasts, as mm:ss.
function refreshCalls() {
  for (const place of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor(serverNow() - place.dataset.since));
    place.textContent = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

refreshCalls();
setInterval(() => document.hidden || refreshCalls(), 1000);
setInterval(() => document.hidden || refreshClocks(), 10000);
document.addEventListener("visibilitychange", () => document.hidden || refreshClocks());
