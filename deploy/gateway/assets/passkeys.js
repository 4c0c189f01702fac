// Passkeys (WebAuthn level 3): asks the shop for options, lets the browser use or make one, and posts the plain form
// that the button stands in. What is wrong with it is said by the page that answers.
"use strict";

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const withBytes = (list) => (list ?? []).map((each) => ({ ...each, id: toBytes(each.id) }));

async function optionsFrom(path) {
  const answer = await fetch(path, { method: "POST", headers: { Accept: "application/json" } });
  if (answer.status === 403) location.assign(`/confirm?next=${encodeURIComponent(location.pathname)}`);
  if (!answer.ok) throw new Error(`options: ${answer.status}`);
  return answer.json();
}

function credentialFor(options) {
  const challenge = toBytes(options.challenge);
  if (options.user === undefined) {
    const allowCredentials = withBytes(options.allowCredentials);
    return navigator.credentials.get({ publicKey: { ...options, challenge, allowCredentials } });
  }
  const user = { ...options.user, id: toBytes(options.user.id) };
  const excludeCredentials = withBytes(options.excludeCredentials);
  return navigator.credentials.create({ publicKey: { ...options, challenge, user, excludeCredentials } });
}

// The form of WebAuthn level 3 section 5.1.8; older browsers have no toJSON().
function asJson(credential) {
  const given = credential.response;
  const response = { clientDataJSON: toText(given.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (given[name]) response[name] = toText(given[name]);
  }
  if (given.getTransports) response.transports = given.getTransports();
  const { id, type, authenticatorAttachment } = credential;
  const clientExtensionResults = credential.getClientExtensionResults();
  return JSON.stringify({ id, rawId: toText(credential.rawId), type, authenticatorAttachment, clientExtensionResults, response });
}

async function run(button) {
  const told = button.nextElementSibling;
  told.textContent = "";
  try {
    const credential = await credentialFor(await optionsFrom(button.dataset.passkeyOptions));
    button.form.elements.credential.value = asJson(credential);
    button.form.submit();
  } catch {
    told.textContent = button.dataset.passkeyFailed; // refused, cancelled or late: the browser does not say which
  }
}

if (window.PublicKeyCredential) {
  for (const part of document.querySelectorAll("[data-passkeys]")) part.hidden = false;
  for (const part of document.querySelectorAll("[data-no-passkeys]")) part.hidden = true;
}
for (const button of document.querySelectorAll("button[data-passkey-options]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    if (button.form.reportValidity()) run(button);
  });
}
