// Words for scripts stand in data-t-* attributes of #words in the shell, so they are translated like the page.
export const words = document.getElementById("words")?.dataset ?? {};

export const fill = (text, parts) => (text ?? "").replace(/%\((\w+)\)s/g, (_, name) => parts[name] ?? "");

export const say = (key, parts = {}) => fill(words[`t${key[0].toUpperCase()}${key.slice(1)}`], parts);

export const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";
