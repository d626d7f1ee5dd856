// The on-site kit: the schools taken along with their indicators and notes, each painted as the portal described it.
import { fill, read } from "../offline/form.js";
import { element, makeShell } from "../offline/shell.js";
import * as vault from "../offline/vault.js";

export function start(main) {
  if (!window.idb || !window.crypto || !crypto.subtle) return;
  let sheets = [];
  const addresses = { standing: main.dataset.standing, drafts: main.dataset.operations, onlyFinished: true };
  const shell = makeShell(main, addresses, {
    opened, list, typed: () => {}, collect, lacking: () => "", handedIn, tell, text,
  });
  const { find, form, words } = shell;

  function opened(content) {
    sheets = content ? content.sheets : [];
    paintSheets();
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
      row.said.forEach(([term, told]) => {
        const pair = document.createElement("div");
        pair.append(element("dt", term), element("dd", told));
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

  // The schools taken along, each with its list and a way to add a note.
  function paintSheets() {
    find("sheets").replaceChildren(...[].concat(...sheets.map((sheet) => {
      const rows = element("ul", "", "rows");
      rows.dataset.sheet = sheet.sheet;
      const add = element("button", words("add-note"), "button button-second");
      add.type = "button";
      add.addEventListener("click", () => openRow(sheet, newNote(sheet, `note:${vault.newId()}`)));
      return [element("h2", sheet.name), rows, add];
    })));
  }

  // The indicators and notes of each school, and what became of each.
  function list(waiting) {
    sheets.forEach((sheet) => {
      const begun = waiting.filter((one) => one.record.pupil === sheet.sheet);
      const added = begun.filter((one) => !sheet.rows.some((row) => row.key === one.content.row))
        .map((one) => newNote(sheet, one.content.row, one.content.fields.with_whom));
      shell.rows(find("sheets").querySelector(`[data-sheet="${sheet.sheet}"]`), [...sheet.rows, ...added].map((row) => {
        const found = begun.find((one) => one.content.row === row.key);
        const sent = shell.queue.sent.find((one) => one.name === row.key && one.pupil === sheet.sheet);
        const state = found ? found.record.state : sent && sent.state === "clash" ? "clash" : row.done ? "written" : "new";
        return [row.key, row.title, row.detail, state, () => openRow(sheet, row, found)];
      }));
    });
  }

  function newNote(sheet, key, detail = "") {
    return { key, title: words("note"), detail, form: sheet.note, fields: {}, base: 0 };
  }

  function openRow(sheet, row, found) {
    const isNote = row.key.startsWith("note:");
    const begun = { name: row.key, row: row.key, title: row.title, fields: { ...row.fields }, bases: {}, touched: [], messages: {} };
    shell.current = {
      sheet, row, place: sheet.sheet,
      visit: found ? found.record.visit : isNote ? row.key.slice(5) : vault.newId(),
      content: found ? found.content : begun,
    };
    paint(row);
    fill(form, shell.current.content.fields);
    shell.open(row.title, `${sheet.name} · ${row.detail}`, found && found.record);
  }

  function collect() {
    const { row, content } = shell.current;
    content.fields = read(form);
    content.touched = Object.keys(content.fields);
    content.touched.forEach((name) => { content.bases[name] = row.base || 0; });
    if (row.key.startsWith("item:")) content.fields.item = row.key.slice(5);
  }

  // What was handed in is what this device shows from now on.
  async function handedIn() {
    const { sheet, row, content } = shell.current;
    row.fields = content.fields;
    row.done = true;
    if (sheet.rows.indexOf(row) < 0) {
      row.detail = content.fields.with_whom || "";
      sheet.rows = [...sheet.rows.filter((one) => one.key !== row.key), row];
    }
    await shell.repack({ sheets });
  }

  function tell(one) {
    return one.state === "clash" ? [words("choose"), "warn"] : null;
  }

  function text(content) {
    const said = Object.keys(content.fields).filter((name) => content.fields[name].length).map((name) => `${name}: ${content.fields[name]}`);
    return [content.title, ...said].join("\n");
  }
}
