// Security keys (WebAuthn): the browser's part of adding one and of signing in with it.
// The server's options and the key's answer travel as JSON with base64url where the browser wants bytes.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const known = (list) => list?.map((key) => ({ ...key, id: bytes(key.id) }));

const acts = {
  async create({ publicKey }) {
    const key = await navigator.credentials.create({
      publicKey: {
        ...publicKey,
        challenge: bytes(publicKey.challenge),
        user: { ...publicKey.user, id: bytes(publicKey.user.id) },
        excludeCredentials: known(publicKey.excludeCredentials),
      },
    });
    return answer(key, { attestationObject: text(key.response.attestationObject), transports: key.response.getTransports?.() ?? [] });
  },
  async get({ publicKey }) {
    const key = await navigator.credentials.get({
      publicKey: { ...publicKey, challenge: bytes(publicKey.challenge), allowCredentials: known(publicKey.allowCredentials) },
    });
    const { authenticatorData, signature, userHandle } = key.response;
    return answer(key, {
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : null,
    });
  },
};

function answer(key, response) {
  return {
    id: key.id,
    rawId: text(key.rawId),
    type: key.type,
    authenticatorAttachment: key.authenticatorAttachment ?? null,
    clientExtensionResults: key.getClientExtensionResults(),
    response: { clientDataJSON: text(key.response.clientDataJSON), ...response },
  };
}

for (const form of document.querySelectorAll("[data-key]")) {
  const failed = form.querySelector("[data-key-failed]");
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    failed.hidden = true;
    try {
      form.elements.credential.value = JSON.stringify(await acts[form.dataset.key](JSON.parse(form.dataset.options)));
      form.submit();
    } catch {
      failed.textContent = form.dataset.failed;
      failed.hidden = false;
      failed.focus?.();
    }
  }, { capture: true });
}
