// What every page that works without a network does alike: it opens with the person's code, keeps what is typed, sends what
// waits, says in words what went wrong, and wipes itself. What the page shows, and what it asks for, is the page's own.
import { FLAG } from "./leaving.js";
import * as queues from "./queue.js";
import * as store from "./store.js";
import * as vault from "./vault.js";
import { makeWords } from "./words.js";

const DAY = 86400000;
const KEPT_DAYS = 7;
const LAST_DAY = 14;
const IDLE = 30 * 60000;
const WARN_HOURS = 1;
// What has not gone out after two days is asked for.
const NAG_HOURS = 48;
// States of a record that need words of their own when it is opened again.
const TOLD_STATES = ["closed", "gone", "refused"];

export const clockTime = (at) => new Date(at + 8 * 3600000).toISOString();
const timeOfDay = (at) => clockTime(at).slice(11, 16);

export function element(name, text, kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

// page: opened(package) when the code was right; list(waiting) paints what was taken along, waiting being [{ record, content }];
// typed(event) and collect() bring what the form says into shell.current; lacking() is the name of a must that is empty or "";
// handedIn() after the device has it; tell(sent) is [text, kind] or null; text(content) is what is exported of a record.
// thenSend(token), where there is one, sends what goes after the records. shell.current: { visit, place, content } of the record on the screen; place is what is put into the address of sending.
export function makeShell(main, addresses, page) {
  const find = (name) => main.querySelector(`[data-${name}]`);
  const words = makeWords(find("words"));
  const form = find("form");
  const shell = { find, words, form, key: null, queue: null, current: null };
  const rows = new WeakMap();
  let kept, offset = 0, saving = 0, sending = 0, hiddenAt = 0, failed = false, latest = Promise.resolve(true);
  store.choose(main.dataset.database);

  shell.now = () => Date.now() + offset;
  const show = (name) => ["unlock", "list", "write"].forEach((one) => { find(one).hidden = one !== name; });
  const state = (text) => { find("state").textContent = text; };
  // What storage refuses is said in words; the text stays on the page.
  const refused = (error) => words({ QuotaExceededError: "full", VersionError: "newer" }[error.name] || "storage");

  function message(text, kind = "warn", link = "") {
    if (Array.from(find("messages").querySelectorAll("p")).some((one) => one.textContent === text)) return;
    const strip = element("div", "", `banner banner-${kind}`);
    const line = element("p", link ? "" : text);
    if (link) line.append(Object.assign(element("a", text), { href: link }));
    strip.append(line);
    find("messages").append(strip);
  }

  function age(since) {
    const hours = Math.floor((shell.now() - since) / 3600000);
    if (hours < 1) return words("now");
    return hours < 48 ? words("hours", { count: hours }) : words("days", { count: Math.floor(hours / 24) });
  }

  // The portal has told its time by now, or had before.
  async function tellClock() {
    offset = (await store.read("clock")) || 0;
    const hours = Math.round(offset / 3600000);
    if (Math.abs(offset) >= WARN_HOURS * 3600000) message(words("clock", { count: Math.abs(hours) }));
  }

  // A newer app lies ready when the page is opened again.
  async function renew() {
    const registered = navigator.serviceWorker && await navigator.serviceWorker.getRegistration();
    if (registered) await registered.update().catch(() => {});
  }

  async function net() {
    const { queue } = shell;
    const away = queue && ["offline", "busy"].indexOf(queue.reason) >= 0;
    find("net").textContent = away || !navigator.onLine ? words("network") : words("online");
    if (!queue) return;
    const waiting = await store.waiting();
    const oldest = Math.min(...waiting.map((one) => one.begunAt));
    find("count").textContent = waiting.length
      ? words("count", { count: waiting.length, age: age(oldest) }) : words("none");
    find("why").textContent = queue.reason && waiting.length ? words(queue.reason) : "";
    if (shell.now() - oldest >= NAG_HOURS * 3600000) message(words("nag"));
    const left = KEPT_DAYS - Math.floor((shell.now() - kept.takenAt) / DAY);
    if (waiting.length && left > 0 && left <= 2) message(words("warn", { count: left }), "bad");
  }

  async function waiting() {
    const records = await store.drafts();
    const contents = await Promise.all(records.map((record) => shell.queue.content(record)));
    return records.map((record, number) => ({ record, content: contents[number] }));
  }

  async function list() {
    page.list(await waiting());
    await net();
  }

  shell.list = list;

  function makeRow() {
    const item = document.createElement("li");
    const link = Object.assign(element("a", "", "row"), { href: "#main" });
    const text = element("span", "", "row-text");
    text.append(element("b", ""), element("small", ""));
    link.append(text, element("span", "", "row-end"));
    link.addEventListener("click", (event) => {
      event.preventDefault();
      rows.get(item)();
    });
    item.append(link);
    return item;
  }

  // Paint a list of [key, title, detail, state, act]. A row stays the element it was: a list is told anew whenever something
  // was sent, and a tap must not be lost because the row under the finger was made anew meanwhile.
  shell.rows = (place, told) => {
    const before = new Map(Array.from(place.children, (item) => [item.dataset.key, item]));
    const items = told.map(([key, title, detail, named, act]) => {
      const item = before.get(key) || makeRow();
      item.dataset.key = key;
      [["b", title], ["small", detail], [".row-end", words(named)]].forEach(([name, text]) => {
        const part = item.querySelector(name);
        if (part.textContent !== text) part.textContent = text;
      });
      rows.set(item, act);
      return item;
    });
    if (items.length !== before.size || items.some((item, number) => item !== place.children[number])) {
      place.replaceChildren(...items);
    }
  };

  // Show the form of shell.current; record: what waits of it on this device.
  shell.open = (title, about, record) => {
    const { content } = shell.current;
    find("name").textContent = title;
    find("about").textContent = about;
    problems(content.messages || {}, record && record.state, content.message);
    state("");
    show("write");
    window.scrollTo(0, 0);
    find("name").setAttribute("tabindex", "-1");
    find("name").focus();
  };

  function problems(messages, named, said) {
    form.querySelectorAll("[data-error]").forEach((one) => one.remove());
    const told = Object.keys(messages).map((name) => [form.querySelector(`[name="${name}"]`), messages[name]]);
    if (TOLD_STATES.indexOf(named) >= 0) told.unshift([null, words(`${named}-why`)]);
    if (said) told.unshift([null, said]);
    told.forEach(([control, text]) => {
      const line = element("p", text, "error");
      line.dataset.error = "";
      line.setAttribute("role", "alert");
      const field = control && control.closest(".field");
      (field || form).prepend(line);
      const more = field && field.closest("details");
      if (more) more.open = true;
    });
    const first = form.querySelector("[data-error]");
    if (first) first.scrollIntoView({ block: "center" });
  }

  shell.message = message;

  // Keep what the form says now; the portal gets it when there is a network.
  function keep(finish) {
    latest = keepNow(finish);
    return latest;
  }

  shell.keep = keep;

  async function keepNow(finish) {
    clearTimeout(saving);
    saving = 0;
    const { visit, place, content } = shell.current;
    page.collect();
    try {
      await shell.queue.save(visit, place, content, finish, shell.now());
      failed = false;
      state(words("saved", { time: timeOfDay(Date.now()) }));
      return true;
    } catch (error) {
      failed = true;
      state(refused(error));
      message(refused(error), "bad");
      return false;
    }
  }

  // Where drafts go to the portal as well they go a little after the last change.
  function soon() {
    clearTimeout(sending);
    if (!addresses.onlyFinished) sending = setTimeout(() => { if (navigator.onLine) shell.queue.now(); }, 3000);
  }

  function typed(event) {
    if (!shell.current || !event.target.name) return;
    page.typed(event);
    clearTimeout(saving);
    saving = setTimeout(() => keep(false).then(soon), 300);
  }

  async function handIn(event) {
    event.preventDefault();
    const lacks = page.lacking();
    problems(lacks ? { [lacks]: words(`${lacks}-missing`) } : {});
    if (lacks || !(await keep(true))) return;
    await page.handedIn();
    form.reset();
    message(words("handed-in"), "good");
    await leave();
    if (navigator.onLine) shell.queue.now();
  }

  async function back() {
    if (saving) keep(false);
    if (!(await latest)) return;
    await leave();
    soon();
  }

  async function leave() {
    shell.current = null;
    show("list");
    await list();
  }

  async function told() {
    const { queue } = shell;
    await net();
    await tellClock();
    if (queue.reason === "outdated") await renew();
    queue.sent.filter((one) => !one.isTold).forEach((one) => {
      one.isTold = true;
      const said = page.tell(one);
      if (said) message(...said, one.address);
    });
    if (!find("list").hidden) await list();
    if (!find("write").hidden && shell.current) await toldOfCurrent();
  }

  async function toldOfCurrent() {
    const { current, queue } = shell;
    const record = await store.draft(current.visit);
    if (!record) return;
    const content = await queue.content(record);
    current.content.bases = content.bases;
    if (!queue.reason && record.state === "open" && record.change === record.sentChange && !saving) {
      state(words("both", { time: timeOfDay(Date.now()) }));
    }
    if (["wrong", ...TOLD_STATES].indexOf(record.state) >= 0) problems(content.messages || {}, record.state, content.message);
  }

  async function exportAll() {
    const text = (await waiting()).map((one) => page.text(one.content)).join("\n\n");
    const place = find("exported");
    place.hidden = false;
    place.querySelector("textarea").value = text;
    find("file").href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  }

  async function destroy() {
    await store.destroy();
    try { localStorage.removeItem(FLAG); } catch (error) { /* nothing was kept */ }
    if (shell.queue) shell.queue.stop();
    shell.key = shell.queue = shell.current = null;
    show("");
    find("messages").replaceChildren();
    message(words("wiped"), "good");
  }

  async function askDestroy() {
    const count = (await store.waiting()).length;
    if (window.confirm(words("ask-destroy", { count }))) await destroy();
  }

  async function unlock(event) {
    event.preventDefault();
    const { code } = find("unlock").elements;
    shell.key = await vault.unlock(kept, code.value);
    code.value = "";
    if (!shell.key) {
      find("tries").textContent = words("wrong-code", { count: vault.TRIES - kept.failures });
      if (kept.failures >= vault.TRIES) await destroy();
      return;
    }
    const { key } = shell;
    const queue = queues.makeQueue(key, kept, addresses, told, page.thenSend);
    queue.sent = ((await store.read("sent")) || []).map((one) => ({ ...one, isTold: true }));
    const taken = await store.read("package");
    if (taken) queue.sent = queue.sent.filter((one) => one.at >= taken.madeAt);
    shell.queue = queue;
    page.opened(taken && await vault.unseal(key, taken.sealed, "package"));
    show("list");
    await list();
    queue.now();
  }

  // The package anew, as old as it was.
  shell.repack = async (content) => {
    const taken = await store.read("package");
    if (taken) await store.write("package", { ...taken, sealed: await vault.seal(shell.key, content, "package") });
  };

  // After seven days what was taken along goes; after fourteen, by the portal's clock, all goes.
  async function expiry() {
    let days = (shell.now() - kept.takenAt) / DAY;
    if (days < KEPT_DAYS) return true;
    const standing = await queues.standing(addresses.standing).catch(() => null);
    if (standing) offset = (await store.read("clock")) || 0;
    days = (shell.now() - kept.takenAt) / DAY;
    if (days < KEPT_DAYS) return true;
    await store.forget("package");
    message(words("expired"), "bad");
    if (days < LAST_DAY) return true;
    if (standing) await destroy();
    else message(words("check-expired"), "bad");
    return false;
  }

  // The worker shows this page at any address whose answer did not come.
  function elsewhere() {
    if (location.pathname === main.dataset.page) return;
    find("elsewhere").hidden = false;
    find("wait").addEventListener("click", () => location.reload());
  }

  async function begins() {
    elsewhere();
    kept = await store.read("vault");
    find("cannot").hidden = true;
    await net();
    if (!kept) {
      message(words("nothing"), "info");
      return;
    }
    offset = (await store.read("clock")) || 0;
    if (!(await expiry())) return;
    await tellClock();
    show("unlock");
    find("unlock").elements.code.focus();
  }

  function seenAgain() {
    const isLong = Date.now() - hiddenAt > IDLE;
    if (shell.key && isLong) {
      if (!shell.current || !saving) location.reload();
    } else if (shell.queue) shell.queue.now();
  }

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "hidden") return seenAgain();
    hiddenAt = Date.now();
    return saving && keep(false);
  });
  ["online", "offline"].forEach((name) => window.addEventListener(name, () => {
    net();
    if (shell.queue && navigator.onLine) shell.queue.now();
  }));
  window.addEventListener("pagehide", () => { if (saving) keep(false); });
  window.addEventListener("beforeunload", (event) => { if (failed) { event.preventDefault(); event.returnValue = ""; } });
  form.addEventListener("input", typed);
  form.addEventListener("submit", handIn);
  find("unlock").addEventListener("submit", unlock);
  find("back").addEventListener("click", back);
  find("send").addEventListener("click", () => shell.queue.now());
  find("export").addEventListener("click", exportAll);
  find("destroy").addEventListener("click", askDestroy);
  begins().catch((error) => {
    find("cannot").hidden = true;
    message(refused(error), "bad");
  });
  return shell;
}
