// Keeps what is typed in a form in this browser until the form has been sent and the server answered with another page. It lies
// sealed; the key comes with the page, for whoever is signed in. Where a browser cannot seal, nothing is kept here.
import * as vault from "../offline/vault.js";

const PREFIX = "draft:";
const DAYS_KEPT = 7;
const SKIPPED = ["password", "file", "hidden", "submit", "button", "search"];

function fields(form) {
  return Array.from(form.elements).filter((one) => one.name && SKIPPED.indexOf(one.type) < 0);
}

function read(form) {
  const entries = {};
  fields(form).forEach((one) => {
    if (one.type === "checkbox" || one.type === "radio") {
      entries[one.name] = entries[one.name] || [];
      if (one.checked) entries[one.name].push(one.value);
    } else {
      entries[one.name] = one.value;
    }
  });
  return entries;
}

// Whether a field no longer holds what the server sent: typed before this script ran, or put back by the browser.
function changed(one) {
  if (one.type === "checkbox" || one.type === "radio") return one.checked !== one.defaultChecked;
  if (one.options) {
    const options = Array.from(one.options);
    const sent = Math.max(options.findIndex((option) => option.defaultSelected), 0);
    return one.selectedIndex !== sent;
  }
  return one.value !== one.defaultValue;
}

function fill(form, entries, spared) {
  fields(form).forEach((one) => {
    const kept = entries[one.name];
    if (kept === undefined || spared.indexOf(one) >= 0) return;
    if (one.type === "checkbox" || one.type === "radio") one.checked = kept.indexOf(one.value) >= 0;
    else one.value = kept;
    one.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

const bytesOf = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const textOf = (data) => btoa(Array.from(new Uint8Array(data), (one) => String.fromCharCode(one)).join(""));

// Copies that lie open or are too old go, whichever form they are of.
function tidyUp() {
  Object.keys(localStorage).filter((place) => place.startsWith(PREFIX)).forEach((place) => {
    let draft = null;
    try { draft = JSON.parse(localStorage.getItem(place)); } catch (error) { /* none of ours */ }
    if (!draft || !draft.data || Date.now() - draft.at > DAYS_KEPT * 86400000) localStorage.removeItem(place);
  });
}

async function load(place, key) {
  try {
    tidyUp();
    const draft = JSON.parse(localStorage.getItem(place));
    return draft && await vault.unseal(key, { iv: bytesOf(draft.iv), data: bytesOf(draft.data) }, place);
  } catch (error) {
    // Private windows may have no storage, and a cut copy does not open: the form still works.
    return null;
  }
}

async function keep(place, key, entries) {
  const { iv, data } = await vault.seal(key, entries, place);
  try {
    localStorage.setItem(place, JSON.stringify({ at: Date.now(), iv: textOf(iv), data: textOf(data) }));
    return true;
  } catch (error) {
    return false;
  }
}

function drop(place) {
  try {
    localStorage.removeItem(place);
  } catch (error) {
    // Nothing was stored.
  }
}

function restored(form, place) {
  const banner = document.createElement("div");
  banner.className = "banner";
  banner.setAttribute("role", "status");
  const text = document.createElement("p");
  text.textContent = form.dataset.restored;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-quiet";
  button.textContent = form.dataset.discard;
  button.addEventListener("click", () => {
    form.reset();
    drop(place);
    fields(form).forEach((one) => one.dispatchEvent(new Event("input", { bubbles: true })));
    banner.remove();
  });
  banner.append(text, button);
  form.prepend(banner);
}

export async function start(form) {
  if (!window.crypto || !crypto.subtle) return;
  const place = PREFIX + form.dataset.draftKey;
  const key = await crypto.subtle.importKey("raw", bytesOf(form.dataset.seal), "AES-GCM", false, ["encrypt", "decrypt"]);
  const entries = await load(place, key);
  const early = fields(form).filter(changed);
  // A page that came back with errors already holds what was typed.
  if (entries && !form.querySelector(".errors")) {
    const shown = JSON.stringify(read(form));
    fill(form, entries, early);
    if (JSON.stringify(read(form)) !== shown) restored(form, place);
  }
  const state = form.querySelector("[data-draft-state]");
  const saveNow = async () => {
    // Nothing differs from what the server sent: there is nothing to keep.
    if (!fields(form).some(changed) && !form.querySelector(".errors")) {
      drop(place);
      return;
    }
    if (!(await keep(place, key, read(form))) || !state) return;
    const time = new Date().toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });
    state.textContent = form.dataset.saved.replace("{time}", time);
  };
  // Each change at once, so that a page that goes away leaves nothing behind; what comes while one is sealed, after it.
  let asked = 0, isSaving = false;
  const save = async () => {
    asked += 1;
    if (isSaving) return;
    isSaving = true;
    for (let done = 0; done < asked;) {
      done = asked;
      await saveNow();
    }
    asked = 0;
    isSaving = false;
  };
  form.addEventListener("input", save);
  if (early.length) save();
  form.addEventListener("submit", () => {
    save();
    form.dataset.sent = "1";
    try {
      sessionStorage.setItem("sent", place);
    } catch (error) {
      // Without session storage the draft simply stays until it is a week old.
    }
  });
}

// The page after a sent form. Only a page that says the act was done lets the draft go: an expired sign-in must not lose it.
export function clearSent() {
  try {
    const key = sessionStorage.getItem("sent");
    if (!key) return;
    const again = document.querySelector(`[data-draft-key="${CSS.escape(key.slice(PREFIX.length))}"]`);
    const done = !again && document.querySelector("[data-done]");
    if (done) localStorage.removeItem(key);
    if (done || again) sessionStorage.removeItem("sent");
  } catch (error) {
    // No storage, nothing to clear.
  }
}
