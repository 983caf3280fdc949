// Drafts live on the server: `data-draft-url` gets `text` two seconds after typing stops and answers {"time": "10:24"}.
import { csrf, say } from "./words.js";

const PAUSE = 2000;

function wire(area) {
  area.dataset.on = "1";
  let timer = 0;
  let saved = area.value;
  const place = document.querySelector(`[data-draft-state="${CSS.escape(area.id)}"]`);
  const tell = (text) => { if (place) place.textContent = text; };
  const save = async (leaving) => {
    clearTimeout(timer);
    const text = area.value;
    if (text === saved || area.form?.dataset.sent) return;
    tell(say("drafting"));
    try {
      const answer = await fetch(area.dataset.draftUrl, {
        method: "POST",
        headers: { "X-CSRFToken": csrf(), "HX-Request": "true" },
        body: new URLSearchParams({ text }),
        keepalive: leaving,
      });
      if (!answer.ok || answer.headers.get("HX-Redirect")) throw new Error(String(answer.status));
      saved = text;
      tell(say("drafted", { time: (await answer.json()).time }));
    } catch {
      tell(say("undrafted"));
    }
  };
  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE, false);
  });
  addEventListener("pagehide", () => save(true));
}

export function start(areas) {
  areas.forEach((area) => area.dataset.on || wire(area));
}
