// Drafts live on the server: `data-draft-url` gets `text` two seconds after typing stops and answers {time, stamp, other}.
// `other` is what another window of the same person wrote and this one has now replaced; it stays at hand.
import { csrf, say } from "./words.js";

const PAUSE = 2000;

function wire(area) {
  area.dataset.on = "1";
  const box = document.querySelector(`[data-draft-of="${CSS.escape(area.id)}"]`);
  const part = (name) => box?.querySelector(`[data-draft-${name}]`);
  const [place, drop, other] = [part("state"), part("drop"), part("other")];
  let stamp = area.dataset.draftStamp;
  // What the server wrote: what is typed before this part arrives is not saved yet.
  let saved = area.dataset.draftUnsaved ? null : area.defaultValue;
  let timer = 0;
  let sent = false;
  let flight = null;
  const tell = (text) => { if (place) place.textContent = text; };
  const post = async (fields, leaving) => {
    flight = leaving ? null : new AbortController();
    const answer = await fetch(area.dataset.draftUrl, {
      method: "POST",
      headers: { "X-CSRFToken": csrf(), "HX-Request": "true" },
      body: new URLSearchParams({ draft: area.dataset.draft ?? "", seen: stamp ?? "", ...fields }),
      keepalive: leaving,
      signal: flight?.signal,
    });
    if (!answer.ok || answer.headers.get("HX-Redirect")) throw new Error(String(answer.status));
    return answer.json();
  };
  const save = async (leaving, force = false) => {
    clearTimeout(timer);
    const text = area.value;
    if ((text === saved && !force) || sent || !area.isConnected) return;
    tell(say("drafting"));
    try {
      const answer = await post({ text }, leaving);
      const replaced = answer.other && answer.other !== part("text")?.textContent;
      [saved, stamp] = [text, answer.stamp];
      tell(text.trim() ? say(replaced ? "draftOther" : "drafted", answer) : "");
      if (drop) drop.hidden = !text.trim();
      if (!other) return;
      part("text").textContent = answer.other ?? "";
      other.hidden = !answer.other;
    } catch (error) {
      if (error.name !== "AbortError") tell(say("undrafted"));
    }
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE, false);
  };
  area.addEventListener("input", () => {
    sent = false;
    later();
  });
  // What is on its way into its form is no draft any more; when it did not arrive, it is one again.
  area.form?.addEventListener("submit", () => {
    sent = true;
    clearTimeout(timer);
    flight?.abort();
  });
  area.form?.addEventListener("htmx:afterRequest", ({ detail }) => {
    const { status } = detail.xhr;
    if ((status >= 200 && status < 400) || detail.requestConfig.verb !== "post") return;
    sent = false;
    later();
  });
  drop?.addEventListener("click", async () => {
    clearTimeout(timer);
    area.value = saved = "";
    stamp = "";
    tell("");
    drop.hidden = true;
    if (other) other.hidden = true;
    area.focus();
    await post({ drop: "1" }).catch(() => tell(say("undrafted")));
  });
  part("swap")?.addEventListener("click", () => {
    area.value = part("text").textContent;
    other.open = false;
    area.focus();
    // As if from another window: what stood here until now becomes the other text.
    stamp = "";
    save(false, true);
  });
  addEventListener("pagehide", () => save(true));
  if (area.value !== saved) later();
}

export function start(areas) {
  areas.forEach((area) => area.dataset.on || wire(area));
}
