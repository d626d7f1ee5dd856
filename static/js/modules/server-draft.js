// Keeps what is typed about a visit with the portal as well, under the id of the form, and then lets this browser's copy go.
// Without a network the copy of autosave.js stays; it is sent when the network is back.
import { read } from "../offline/form.js";
import { FORMAT } from "../offline/queue.js";
import { newId } from "../offline/vault.js";

const PAUSE = 2000;

export function start(element) {
  const form = element.closest("form");
  const device = newId();
  const bases = JSON.parse(element.dataset.bases);
  const touched = new Set();
  let number = 0, waiting = 0, typed = 0, busy = false;

  function operation() {
    const said = read(form);
    form.querySelectorAll("[type=hidden]").forEach((one) => { delete said[one.name]; });
    const fields = {};
    Object.keys(said).forEach((name) => {
      fields[name] = { value: said[name], base: touched.has(name) ? bases[name] || 0 : null };
    });
    number += 1;
    return {
      format: FORMAT, op: newId(), visit: form.elements.client_id.value, device, number,
      at: new Date().toISOString(), finish: false, fields,
    };
  }

  // Opened again, the page goes on with the draft.
  function kept(told) {
    Object.assign(bases, told.revisions);
    form.dataset.kept = "1";
    try {
      localStorage.removeItem(`draft:${form.dataset.draftKey}`);
    } catch (error) { /* this browser kept nothing */ }
    history.replaceState(history.state, "", `${element.dataset.page}&draft=${told.address.split("/").pop()}`);
    const time = new Date().toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });
    form.querySelector("[data-draft-state]").textContent = element.dataset.saved.replace("{time}", time);
  }

  async function send() {
    clearTimeout(waiting);
    if (busy || form.dataset.sent || !touched.size || !navigator.onLine) return;
    busy = true;
    const now = typed;
    try {
      const answer = await fetch(element.dataset.drafts, {
        method: "POST",
        credentials: "same-origin",
        redirect: "error",
        headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": form.elements.csrf_token.value },
        body: JSON.stringify(operation()),
      });
      const told = await answer.json();
      if (told.kept && now === typed && !form.dataset.sent) kept(told);
      else if (told.kept) Object.assign(bases, told.revisions);
    } catch (error) { /* no network: this browser's copy stays */ }
    busy = false;
    if (now !== typed) later();
  }

  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(send, PAUSE);
  }

  form.addEventListener("input", (event) => {
    if (!event.target.name) return;
    typed += 1;
    delete form.dataset.kept;
    touched.add(event.target.name);
    later();
  });
  form.addEventListener("submit", () => clearTimeout(waiting));
  window.addEventListener("online", send);
}
