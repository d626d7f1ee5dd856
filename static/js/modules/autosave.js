// Keeps what is typed in a form in this browser until the form has been sent and the server answered with another page.
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

function load(key) {
  try {
    const draft = JSON.parse(localStorage.getItem(key));
    if (draft && Date.now() - draft.at < DAYS_KEPT * 86400000) return draft;
    localStorage.removeItem(key);
  } catch (error) {
    // Private windows may have no storage: the form still works.
  }
  return null;
}

function keep(key, entries) {
  try {
    localStorage.setItem(key, JSON.stringify({ at: Date.now(), entries }));
    return true;
  } catch (error) {
    return false;
  }
}

function drop(key) {
  try {
    localStorage.removeItem(key);
  } catch (error) {
    // Nothing was stored.
  }
}

function restored(form, key) {
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
    drop(key);
    fields(form).forEach((one) => one.dispatchEvent(new Event("input", { bubbles: true })));
    banner.remove();
  });
  banner.append(text, button);
  form.prepend(banner);
}

export function start(form) {
  const key = PREFIX + form.dataset.draftKey;
  const early = fields(form).filter(changed);
  const draft = load(key);
  // A page that came back with errors already holds what was typed.
  if (draft && !form.querySelector(".errors")) {
    const shown = JSON.stringify(read(form));
    fill(form, draft.entries, early);
    if (JSON.stringify(read(form)) !== shown) restored(form, key);
  }
  let waiting = 0;
  const state = form.querySelector("[data-draft-state]");
  const save = () => {
    // Nothing differs from what the server sent: there is nothing to keep.
    if (!fields(form).some(changed) && !form.querySelector(".errors")) {
      drop(key);
      return;
    }
    if (!keep(key, read(form)) || !state) return;
    const time = new Date().toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });
    state.textContent = form.dataset.saved.replace("{time}", time);
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(save, 300);
  });
  if (early.length) save();
  window.addEventListener("pagehide", () => {
    // What the portal has taken as it stands needs no copy here.
    if (waiting && !form.dataset.sent && !form.dataset.kept) save();
  });
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    save();
    form.dataset.sent = "1";
    try {
      sessionStorage.setItem("sent", key);
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
