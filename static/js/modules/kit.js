// The on-site kit: opens with the inspector's code, shows the schools taken along, keeps what is typed, sends what is handed in.
import { fill, read } from "../offline/form.js";
import { FLAG } from "../offline/leaving.js";
import * as queues from "../offline/queue.js";
import * as store from "../offline/store.js";
import * as vault from "../offline/vault.js";
import { makeWords } from "../offline/words.js";

const DAY = 86400000;
const KEPT_DAYS = 7;
const LAST_DAY = 14;
const IDLE = 30 * 60000;

export function start(main) {
  if (!window.idb || !window.crypto || !crypto.subtle) return;
  store.choose(main.dataset.database);
  const find = (name) => main.querySelector(`[data-${name}]`);
  const words = makeWords(find("words"));
  const form = find("form");
  const addresses = { standing: main.dataset.standing, drafts: main.dataset.operations, onlyFinished: true };
  let kept, key, queue, sheets = [], current = null, saving = 0, madeAt = 0;

  const show = (name) => ["unlock", "list", "write"].forEach((one) => { find(one).hidden = one !== name; });
  const refused = (error) => words({ QuotaExceededError: "full", VersionError: "newer" }[error.name] || "storage");

  function message(text, kind = "warn", link = "") {
    if (Array.from(find("messages").querySelectorAll("p")).some((one) => one.textContent === text)) return;
    const strip = document.createElement("div");
    strip.className = `banner banner-${kind}`;
    const line = document.createElement("p");
    const inner = link ? document.createElement("a") : line;
    inner.textContent = text;
    if (link) {
      inner.href = link;
      line.append(inner);
    }
    strip.append(line);
    find("messages").append(strip);
  }

  async function net() {
    const away = queue && ["offline", "busy"].indexOf(queue.reason) >= 0;
    find("net").textContent = away || !navigator.onLine ? words("network") : words("online");
    if (!queue) return;
    const waiting = await store.drafts();
    find("count").textContent = waiting.length ? words("count", { count: waiting.length }) : words("none");
    find("why").textContent = queue.reason && waiting.length ? words(queue.reason) : "";
  }

  function element(name, text, kind = "") {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function choices(asked, field) {
    field.append(element("legend", asked.label));
    asked.choices.forEach(([value, label], place) => {
      const choice = element("div", "", asked.kind === "checkbox" ? "choice options" : "choice");
      const input = document.createElement("input");
      Object.assign(input, { type: asked.kind, name: asked.name, value, id: `${asked.name}-${place}` });
      const own = element("label", label);
      own.htmlFor = input.id;
      choice.append(input, own);
      field.append(choice);
    });
  }

  // The fields of an indicator or a note, as the portal described them.
  function paint(row) {
    const place = find("fields");
    place.replaceChildren();
    if (row.said && row.said.length) {
      const said = element("section", "", "card");
      const facts = element("dl", "", "facts");
      row.said.forEach(([term, text]) => {
        const pair = document.createElement("div");
        pair.append(element("dt", term), element("dd", text));
        facts.append(pair);
      });
      said.append(element("h3", words(row.computed ? "computed" : "said")), facts);
      place.append(said);
    }
    row.form.forEach((asked) => {
      const many = asked.kind === "radio" || asked.kind === "checkbox";
      const field = element(many ? "fieldset" : "div", "", many ? "field boxed" : "field");
      if (many) choices(asked, field);
      else {
        const label = element("label", asked.label);
        const input = document.createElement(asked.kind === "area" ? "textarea" : "input");
        Object.assign(input, { name: asked.name, id: asked.name, className: "input" });
        if (asked.kind === "area") input.rows = 5;
        else input.type = asked.kind;
        label.htmlFor = asked.name;
        field.append(label, input);
      }
      place.append(field);
    });
  }

  function line(row, state, act) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = "#main";
    link.className = "row";
    const text = element("span", "", "row-text");
    text.append(element("b", row.title), element("small", row.detail));
    link.append(text, element("span", words(state), "row-end"));
    link.addEventListener("click", (event) => {
      event.preventDefault();
      act();
    });
    item.append(link);
    return item;
  }

  // The schools with their indicators and notes, and what became of each.
  async function list() {
    const waiting = await store.drafts();
    const texts = await Promise.all(waiting.map((record) => queue.content(record)));
    const place = find("sheets");
    place.replaceChildren();
    sheets.forEach((sheet) => {
      const rows = element("ul", "", "rows");
      const begun = waiting.map((record, number) => ({ record, content: texts[number] }))
        .filter((one) => one.record.pupil === sheet.sheet);
      const shown = [...sheet.rows, ...begun.filter((one) => !sheet.rows.some((row) => row.key === one.content.row))
        .map((one) => ({ key: one.content.row, title: words("note"), detail: one.content.fields.with_whom || "", form: sheet.note }))];
      shown.forEach((row) => {
        const found = begun.find((one) => one.content.row === row.key);
        const sent = queue.sent.find((one) => one.name === row.key && one.pupil === sheet.sheet);
        const state = found ? found.record.state : sent && sent.state === "clash" ? "clash" : row.done ? "written" : "new";
        rows.append(line(row, state, () => openRow(sheet, row, found)));
      });
      const add = element("button", words("add-note"), "button button-second");
      add.type = "button";
      add.addEventListener("click", () => {
        const id = vault.newId();
        openRow(sheet, { key: `note:${id}`, title: words("note"), detail: "", form: sheet.note, fields: {}, base: 0 });
      });
      place.append(element("h2", sheet.name), rows, add);
    });
    await net();
  }

  function openRow(sheet, row, found) {
    const [kind, name] = [row.key.slice(0, 4), row.key.slice(5)];
    current = found ? { sheet, row, visit: found.record.visit, content: found.content } : {
      sheet, row, visit: kind === "note" ? name : vault.newId(),
      content: { name: row.key, row: row.key, title: row.title, fields: { ...row.fields }, bases: {}, touched: [], messages: {} },
    };
    find("name").textContent = row.title;
    find("about").textContent = `${sheet.name} · ${row.detail}`;
    paint(row);
    fill(form, current.content.fields);
    problems(current.content.messages || {}, found && found.record.state, current.content.message);
    find("state").textContent = "";
    show("write");
    window.scrollTo(0, 0);
    find("name").setAttribute("tabindex", "-1");
    find("name").focus();
  }

  function problems(messages, state, said) {
    form.querySelectorAll("[data-error]").forEach((one) => one.remove());
    const told = Object.keys(messages).map((name) => [form.querySelector(`[name="${name}"]`), messages[name]]);
    if (["closed", "refused"].indexOf(state) >= 0) told.unshift([null, words(`${state}-why`)]);
    if (said) told.unshift([null, said]);
    told.forEach(([control, text]) => {
      const wrong = element("p", text, "error");
      wrong.dataset.error = "";
      wrong.setAttribute("role", "alert");
      const field = control && control.closest(".field");
      (field || form).prepend(wrong);
    });
    const first = form.querySelector("[data-error]");
    if (first) first.scrollIntoView({ block: "center" });
  }

  // Keep what the form says now; the portal gets it when it is handed in and there is a network.
  let keeping = Promise.resolve(true);
  function keep(finish) {
    keeping = keepNow(finish);
    return keeping;
  }

  async function keepNow(finish) {
    clearTimeout(saving);
    saving = 0;
    const { sheet, row, visit, content } = current;
    content.fields = read(form);
    content.touched = Object.keys(content.fields);
    content.touched.forEach((name) => { content.bases[name] = row.base || 0; });
    if (row.key.startsWith("item:")) content.fields.item = row.key.slice(5);
    try {
      await queue.save(visit, sheet.sheet, content, finish, Date.now());
      find("state").textContent = words("saved");
      return true;
    } catch (error) {
      find("state").textContent = refused(error);
      message(refused(error), "bad");
      return false;
    }
  }

  // What was handed in is what this device shows from now on.
  async function remember() {
    const { sheet, row, content } = current;
    row.fields = content.fields;
    row.done = true;
    if (sheet.rows.indexOf(row) < 0) {
      row.detail = content.fields.with_whom || "";
      sheet.rows = [...sheet.rows.filter((one) => one.key !== row.key), row];
    }
    await store.write("package", { madeAt, sealed: await vault.seal(key, { sheets }, "package") });
  }

  async function handIn(event) {
    event.preventDefault();
    if (!(await keep(true))) return;
    await remember();
    current = null;
    message(words("handed-in"), "good");
    show("list");
    await list();
    if (navigator.onLine) queue.now();
  }

  async function back() {
    if (saving) keep(false);
    if (!(await keeping)) return;
    current = null;
    show("list");
    await list();
  }

  async function told() {
    await net();
    queue.sent.filter((one) => !one.isTold).forEach((one) => {
      one.isTold = true;
      if (one.state === "clash") message(words("choose"), "warn", one.address);
    });
    if (!find("list").hidden) await list();
  }

  async function exportAll() {
    const waiting = await store.drafts();
    const texts = await Promise.all(waiting.map((record) => queue.content(record)));
    const place = find("exported");
    place.hidden = false;
    place.querySelector("textarea").value = texts.map((content) => {
      const said = Object.keys(content.fields).filter((name) => content.fields[name].length).map((name) => `${name}: ${content.fields[name]}`);
      return [content.title, ...said].join("\n");
    }).join("\n\n");
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

  async function unlock(event) {
    event.preventDefault();
    const { code } = find("unlock").elements;
    key = await vault.unlock(kept, code.value);
    code.value = "";
    if (!key) {
      find("tries").textContent = words("wrong-code", { count: vault.TRIES - kept.failures });
      if (kept.failures >= vault.TRIES) await destroy();
      return;
    }
    queue = queues.makeQueue(key, kept, addresses, told);
    const taken = await store.read("package");
    if (taken) {
      madeAt = taken.madeAt;
      sheets = (await vault.unseal(key, taken.sealed, "package")).sheets;
    }
    show("list");
    await list();
    queue.now();
  }

  async function begins() {
    kept = await store.read("vault");
    find("cannot").hidden = true;
    await net();
    if (!kept) {
      message(words("nothing"), "info");
      return;
    }
    const days = (Date.now() + ((await store.read("clock")) || 0) - kept.takenAt) / DAY;
    if (days >= LAST_DAY) return void (await destroy());
    if (days >= KEPT_DAYS) {
      await store.forget("package");
      message(words("expired"), "bad");
    }
    show("unlock");
    find("unlock").elements.code.focus();
  }

  find("unlock").addEventListener("submit", unlock);
  form.addEventListener("submit", handIn);
  form.addEventListener("input", () => {
    clearTimeout(saving);
    saving = setTimeout(() => keep(false), 300);
  });
  find("back").addEventListener("click", back);
  find("send").addEventListener("click", () => queue.now());
  find("export").addEventListener("click", exportAll);
  find("destroy").addEventListener("click", async () => {
    if (window.confirm(words("ask-destroy", { count: (await store.drafts()).length }))) await destroy();
  });
  window.addEventListener("online", () => queue && queue.now());
  window.addEventListener("offline", () => net());
  let hiddenAt = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      hiddenAt = Date.now();
      if (saving) keep(false);
    } else if (key && Date.now() - hiddenAt > IDLE) location.reload();
  });
  begins().catch((error) => message(refused(error), "bad"));
}
