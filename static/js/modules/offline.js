// The shell: opens with the person's code, shows the families taken along, keeps what is typed, sends when it can.
import { fill, missing, people, read, setUp } from "../offline/form.js";
import { FLAG } from "../offline/leaving.js";
import * as queues from "../offline/queue.js";
import * as store from "../offline/store.js";
import * as vault from "../offline/vault.js";
import { makeWords } from "../offline/words.js";

const DAY = 86400000;
const KEPT_DAYS = 7;
const LAST_DAY = 14;
const IDLE = 30 * 60000;
const WARN_HOURS = 1;

export function start(main) {
  if (!window.idb || !window.crypto || !crypto.subtle) return;
  const find = (name) => main.querySelector(`[data-${name}]`);
  const words = makeWords(find("words"));
  const form = find("form");
  const addresses = { standing: main.dataset.standing, drafts: main.dataset.drafts };
  let kept, key, queue, families = [], colleagues = {}, offset = 0, current = null, saving = 0, failed = false, latest = true;

  const now = () => Date.now() + offset;
  const show = (name) => ["unlock", "list", "write"].forEach((one) => { find(one).hidden = one !== name; });
  const clockTime = (at) => new Date(at + 8 * 3600000).toISOString();

  function message(text, kind = "warn", link = "") {
    if (Array.from(find("messages").querySelectorAll("p")).some((one) => one.textContent === text)) return;
    const strip = document.createElement("div");
    strip.className = `banner banner-${kind}`;
    const line = document.createElement("p");
    line.textContent = text;
    if (link) {
      const there = document.createElement("a");
      there.href = link;
      there.textContent = text;
      line.replaceChildren(there);
    }
    strip.append(line);
    find("messages").append(strip);
  }

  // What storage refuses is said in words; the text stays on the page.
  const refused = (error) => words({ QuotaExceededError: "full", VersionError: "newer" }[error.name] || "storage");

  function age(since) {
    const hours = Math.floor((now() - since) / 3600000);
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
    const away = queue && ["offline", "busy"].indexOf(queue.reason) >= 0;
    find("net").textContent = away || !navigator.onLine ? words("network") : words("online");
    if (!queue) return;
    const waiting = await store.drafts();
    const oldest = Math.min(...waiting.map((one) => one.begunAt));
    find("count").textContent = waiting.length
      ? words("count", { count: waiting.length, age: age(oldest) }) : words("none");
    find("why").textContent = queue.reason && waiting.length ? words(queue.reason) : "";
    const left = KEPT_DAYS - Math.floor((now() - kept.takenAt) / DAY);
    if (waiting.length && left > 0 && left <= 2) message(words("warn", { count: left }), "bad");
  }

  // The list of families, with what became of each.
  async function list() {
    const waiting = await store.drafts();
    const rows = find("families");
    rows.replaceChildren();
    const texts = await Promise.all(waiting.map((record) => queue.content(record)));
    const extra = waiting.map((record, place) => ({ record, content: texts[place] }))
      .filter((one) => !families.some((family) => family.pupil === one.record.pupil))
      .map((one) => ({ pupil: one.record.pupil, name: one.content.name, homes: one.content.homes || [] }));
    [...families, ...extra].forEach((family) => {
      const record = waiting.find((one) => one.pupil === family.pupil);
      const done = queue.sent.find((one) => one.pupil === family.pupil);
      const state = record ? record.state : done ? (done.state === "clash" ? "clash" : "written") : "new";
      rows.append(row(family, state, () => openFamily(family, record)));
    });
    await net();
  }

  function row(family, state, act) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `#${family.pupil}`;
    link.className = "row";
    const text = document.createElement("span");
    text.className = "row-text";
    const name = document.createElement("b");
    name.textContent = family.name;
    const detail = document.createElement("small");
    detail.textContent = [family.meeting && clockTime(Date.parse(family.meeting.at)).slice(5, 16).replace("T", " "), family.priority]
      .filter(Boolean).join(" · ");
    text.append(name, detail);
    const end = document.createElement("span");
    end.className = "row-end";
    end.textContent = words(state);
    link.append(text, end);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      act();
    });
    item.append(link);
    return item;
  }

  // What a family's visit starts from: the text on this device, the draft of the portal, the agreed meeting.
  async function openFamily(family, record) {
    const begun = record ? await queue.content(record) : begin(family);
    current = { family, visit: record ? record.visit : begun.visit, content: begun, finish: record ? record.finish : false };
    find("name").textContent = family.name;
    find("about").textContent = [family.priority, family.meeting && family.meeting.purpose].filter(Boolean).join(" · ");
    find("last").textContent = lastOf(family);
    if (!begun.colleagues) begun.colleagues = colleagues;
    setUp(form, family.homes, words("home"), begun.colleagues);
    fill(form, begun.fields);
    people(form, family.homes);
    fill(form, begun.fields);
    problems(begun.messages || {}, record && record.state, begun.message);
    find("state").textContent = "";
    show("write");
    window.scrollTo(0, 0);
    find("name").setAttribute("tabindex", "-1");
    find("name").focus();
  }

  function begin(family) {
    const here = clockTime(now());
    const fields = { held_on: here.slice(0, 10), held_time: here.slice(11, 16) };
    const bases = {};
    const meeting = family.meeting;
    const isUsed = (visit) => queue.sent.some((one) => one.visit === visit);
    let visit = vault.newId();
    if (meeting && !isUsed(meeting.visit)) {
      visit = meeting.visit;
      fields.how = meeting.form;
      if (meeting.home) fields.household = meeting.home;
    }
    if (family.draft && !isUsed(family.draft.visit)) {
      visit = family.draft.visit;
      Object.keys(family.draft.fields).forEach((name) => {
        fields[name] = family.draft.fields[name].value;
        if (family.draft.fields[name].base) bases[name] = family.draft.fields[name].base;
      });
    }
    return { visit, name: family.name, homes: family.homes, fields, bases, touched: Object.keys(bases), messages: {} };
  }

  function lastOf(family) {
    const last = family.last;
    if (!last) return words("no-last");
    const steps = last.steps.map((step) => `${step.done ? "✓" : "○"} ${step.what} ${step.due}`);
    return [last.on, ...last.hopes, ...last.note, ...steps].join("\n");
  }

  function problems(messages, state, said) {
    form.querySelectorAll("[data-error]").forEach((one) => one.remove());
    const told = Object.keys(messages).map((name) => [form.querySelector(`[name="${name}"]`), messages[name]]);
    if (["closed", "gone", "refused"].indexOf(state) >= 0) told.unshift([null, words(`${state}-why`)]);
    if (said) told.unshift([null, said]);
    told.forEach(([control, text]) => {
      const line = document.createElement("p");
      line.className = "error";
      line.dataset.error = "";
      line.setAttribute("role", "alert");
      line.textContent = text;
      const field = control && control.closest(".field");
      if (field) field.prepend(line);
      else form.prepend(line);
      const more = field && field.closest("details");
      if (more) more.open = true;
    });
    const first = form.querySelector("[data-error]");
    if (first) first.scrollIntoView({ block: "center" });
  }

  // Keep what the form says now; the portal gets it when there is a network.
  function keep(finish) {
    latest = keepNow(finish);
    return latest;
  }

  async function keepNow(finish) {
    clearTimeout(saving);
    saving = 0;
    const { family, visit, content } = current;
    content.fields = read(form);
    try {
      await queue.save(visit, family.pupil, content, finish, now());
      failed = false;
      find("state").textContent = words("saved", { time: clockTime(Date.now()).slice(11, 16) });
      return true;
    } catch (error) {
      failed = true;
      find("state").textContent = refused(error);
      message(refused(error), "bad");
      return false;
    }
  }

  let sending = 0;
  function soon() {
    clearTimeout(sending);
    sending = setTimeout(() => { if (navigator.onLine) queue.now(); }, 3000);
  }

  function touched(event) {
    if (!current || !event.target.name) return;
    const { content } = current;
    if (content.touched.indexOf(event.target.name) < 0) content.touched.push(event.target.name);
    if (event.target.name === "household") people(form, current.family.homes);
    clearTimeout(saving);
    saving = setTimeout(() => keep(false).then(soon), 300);
  }

  async function handIn(event) {
    event.preventDefault();
    const lacks = missing(form);
    problems(lacks ? { [lacks]: words(`${lacks}-missing`) } : {});
    if (lacks) return;
    const marked = ["how", "met", "held_on", "held_time", "household"];
    current.content.touched = Array.from(new Set([...current.content.touched, ...marked]));
    if (!(await keep(true))) return;
    current = null;
    form.reset();
    message(words("handed-in"), "good");
    show("list");
    await list();
    if (navigator.onLine) queue.now();
  }

  async function back() {
    if (saving) keep(false);
    if (!(await latest)) return;
    current = null;
    show("list");
    await list();
    soon();
  }

  async function told() {
    await net();
    await tellClock();
    if (queue.reason === "outdated") await renew();
    queue.sent.filter((one) => !one.isTold).forEach((one) => {
      one.isTold = true;
      message(words(one.state === "clash" ? "choose" : "sent", { name: one.name }), one.state === "clash" ? "warn" : "good", one.address);
    });
    if (!find("list").hidden) await list();
    if (!find("write").hidden && current) {
      const record = await store.draft(current.visit);
      const content = record && await queue.content(record);
      if (content) {
        current.content.bases = content.bases;
        if (!queue.reason && record.change === record.sentChange && !saving) {
          find("state").textContent = words("both", { time: clockTime(Date.now()).slice(11, 16) });
        }
        if (["wrong", "closed", "gone", "refused"].indexOf(record.state) >= 0) problems(content.messages || {}, record.state, content.message);
      }
    }
  }

  async function exportAll() {
    const waiting = await store.drafts();
    const texts = await Promise.all(waiting.map((record) => queue.content(record)));
    const text = texts.map((content) => {
      setUp(form, content.homes || [], words("home"), content.colleagues);
      fill(form, content.fields);
      people(form, content.homes || []);
      fill(form, content.fields);
      return `${content.name}\n${read(form, true)}`;
    }).join("\n\n");
    const place = find("exported");
    place.hidden = false;
    place.querySelector("textarea").value = text;
    find("file").href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  }

  async function destroy() {
    await store.destroy();
    try { localStorage.removeItem(FLAG); } catch (error) { /* nothing was kept */ }
    if (queue) queue.stop();
    key = queue = current = null;
    show("");
    find("messages").replaceChildren();
    message(words("wiped"), "good");
  }

  async function askDestroy() {
    const count = (await store.drafts()).length;
    if (window.confirm(words("ask-destroy", { count }))) await destroy();
  }

  function lock() {
    if (current && saving) return;
    location.reload();
  }

  async function unlock(event) {
    event.preventDefault();
    const code = find("unlock").elements.code;
    key = await vault.unlock(kept, code.value);
    code.value = "";
    if (!key) {
      find("tries").textContent = words("wrong-code", { count: vault.TRIES - kept.failures });
      if (kept.failures >= vault.TRIES) await destroy();
      return;
    }
    queue = queues.makeQueue(key, kept, addresses, told);
    queue.sent = ((await store.read("sent")) || []).map((one) => ({ ...one, isTold: true }));
    const taken = await store.read("package");
    const content = taken ? await vault.unseal(key, taken.sealed, "package") : [];
    // A package that was taken along before there were colleagues in it is the list of families.
    families = content.families || content;
    colleagues = content.colleagues || {};
    if (taken && !queue.sent.every((one) => one.at >= taken.madeAt)) queue.sent = queue.sent.filter((one) => one.at >= taken.madeAt);
    show("list");
    await list();
    queue.now();
  }

  // After seven days families go; after fourteen, by the portal's clock, all goes.
  async function expiry() {
    let days = (now() - kept.takenAt) / DAY;
    if (days < KEPT_DAYS) return true;
    const told = await queues.standing(addresses.standing).catch(() => null);
    if (told) offset = (await store.read("clock")) || 0;
    days = (now() - kept.takenAt) / DAY;
    if (days < KEPT_DAYS) return true;
    await store.forget("package");
    message(words("expired"), "bad");
    if (days < LAST_DAY) return true;
    if (told) await destroy();
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

  let hiddenAt = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      hiddenAt = Date.now();
      if (saving) keep(false);
    } else if (key && Date.now() - hiddenAt > IDLE) lock();
    else if (queue) queue.now();
  });
  ["online", "offline"].forEach((name) => window.addEventListener(name, () => {
    net();
    if (queue && navigator.onLine) queue.now();
  }));
  window.addEventListener("pagehide", () => { if (saving) keep(false); });
  window.addEventListener("beforeunload", (event) => { if (failed) { event.preventDefault(); event.returnValue = ""; } });
  form.addEventListener("input", touched);
  form.addEventListener("submit", handIn);
  find("unlock").addEventListener("submit", unlock);
  find("back").addEventListener("click", back);
  find("send").addEventListener("click", () => queue.now());
  find("export").addEventListener("click", exportAll);
  find("destroy").addEventListener("click", askDestroy);
  begins().catch((error) => {
    find("cannot").hidden = true;
    message(refused(error), "bad");
  });
}
