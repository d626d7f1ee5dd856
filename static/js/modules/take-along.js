// Takes chosen families, or score sheets, along: offered only where a test write and a test fetch succeed.
import { FLAG } from "../offline/leaving.js";
import * as queue from "../offline/queue.js";
import * as store from "../offline/store.js";
import * as vault from "../offline/vault.js";
import { makeWords } from "../offline/words.js";

const SHELL_PATIENCE = 70000;

// Why this browser cannot; "" when it can.
async function obstacle(standing) {
  const has = window.isSecureContext && window.idb && window.crypto && crypto.subtle && window.caches;
  if (!has || !navigator.serviceWorker || !window.TextEncoder) return ["missing"];
  if (/MicroMessenger/i.test(navigator.userAgent)) return ["wechat"];
  if (/iPhone|iPad|iPod/.test(navigator.userAgent) && !navigator.standalone) return ["ios"];
  try {
    localStorage.setItem("test", "test");
    localStorage.removeItem("test");
  } catch (error) {
    return ["private"];
  }
  try {
    await store.write("test", new Uint8Array(4096));
    if ((await store.read("test")).length !== 4096) return ["private"];
    await store.forget("test");
  } catch (error) {
    return [error.name === "QuotaExceededError" ? "full" : "private"];
  }
  try {
    return ["", await queue.standing(standing)];
  } catch (error) {
    return ["network"];
  }
}

// A worker that cannot keep the shell never becomes ready: wait for either end, and not for ever.
async function shellIsKept(worker, page, scope) {
  const ready = navigator.serviceWorker.register(worker, { scope }).then((registered) => new Promise((done) => {
    const coming = registered.installing || registered.waiting || registered.active;
    const look = () => { if (["activated", "redundant"].indexOf(coming.state) >= 0) done(); };
    coming.addEventListener("statechange", look);
    look();
  }));
  await Promise.race([ready, new Promise((done) => { setTimeout(done, SHELL_PATIENCE); })]);
  return Boolean(await caches.match(page));
}

// The key of this device, new or by the code set before; a string is the name of what went wrong.
async function keyFor(form, person, words) {
  const kept = await store.read("vault");
  const code = form.elements.code.value;
  if (!kept) {
    if (vault.isWeak(code)) return words("weak");
    if (code !== form.elements.again.value) return words("differs");
    const made = await vault.make(code, person);
    return { kept: made, key: await vault.open(made, code) };
  }
  const key = await vault.unlock(kept, code);
  if (key) return { kept, key };
  if (kept.failures < vault.TRIES) return words("wrong-code", { count: vault.TRIES - kept.failures });
  setTimeout(() => location.reload(), 3000);
  return words("wiped");
}

export async function start(element) {
  store.choose(element.dataset.database);
  const name = element.dataset.name || "pupil";
  const words = makeWords(element.querySelector("[data-words]"));
  const form = element.querySelector("form");
  const cannot = element.querySelector("[data-cannot]");
  const problem = form.querySelector("[data-problem]");
  const tell = (text) => {
    problem.hidden = !text;
    problem.firstElementChild.textContent = text;
    if (text) problem.scrollIntoView();
  };
  const [why, told] = await obstacle(element.dataset.standing);
  const kept = why && why !== "network" ? null : await store.read("vault");
  element.querySelector("[data-resume]").hidden = !kept;
  if (why) {
    cannot.querySelector("p").textContent = words(why);
    return;
  }
  if (kept && kept.person !== told.person) {
    if ((await store.waiting()).length) {
      cannot.querySelector("p").textContent = words("other-person");
      return;
    }
    await store.destroy();
  } else if (kept) {
    form.querySelector("[data-again]").hidden = true;
    form.querySelector("[data-new]").hidden = true;
    form.querySelector("[data-old]").hidden = false;
  }
  cannot.hidden = true;
  form.hidden = false;

  async function take() {
    const chosen = Array.from(form.querySelectorAll(`[name=${name}]:checked`), (one) => one.value);
    if (!chosen.length) return words("nobody");
    if (chosen.length > Number(element.dataset.most)) return words("many");
    const found = await keyFor(form, told.person, words);
    if (typeof found === "string") return found;
    const { status, told: taken } = await queue.ask(`${element.dataset.package}?${chosen.map((one) => `${name}=${one}`).join("&")}`);
    if (status !== 200) return words("network");
    const shell = await shellIsKept(element.dataset.worker, element.dataset.page, element.dataset.scope || "/");
    if (!shell) return words("no-shell");
    const { now: toldAt, format, ...content } = taken;
    const now = Date.parse(toldAt);
    found.kept.takenAt = now;
    await store.write("vault", found.kept);
    await store.write("package", { madeAt: now, sealed: await vault.seal(found.key, content, "package") });
    await store.write("clock", now - Date.now());
    if (navigator.storage && navigator.storage.persist) await navigator.storage.persist().catch(() => {});
    localStorage.setItem(FLAG, JSON.stringify({
      page: element.dataset.page, database: element.dataset.database, leave: element.dataset.leave,
      waiting: words("waiting"), open: words("open"), ask: words("ask"),
    }));
    location.assign(element.dataset.page);
    return "";
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    tell("");
    take().catch((error) => words(error.name === "QuotaExceededError" ? "full" : "network")).then((text) => {
      button.disabled = false;
      if (text) tell(text);
    });
  });
}
