// Visits on this device: the families taken along, the form at the door, what became of each.
import { fill, missing, people, read, setUp } from "../offline/form.js";
import { clockTime, makeShell } from "../offline/shell.js";
import * as vault from "../offline/vault.js";

// What the page proposes counts as said once the visit is handed in.
const MARKED = ["how", "met", "held_on", "held_time", "household"];

export function start(main) {
  if (!window.idb || !window.crypto || !crypto.subtle) return;
  let families = [], colleagues = {};
  const { standing, drafts, late } = main.dataset;
  const shell = makeShell(main, { standing, drafts, late }, {
    opened, list, typed, collect, lacking, handedIn: () => {}, tell, text,
  });
  const { find, form, words } = shell;

  // A package that was taken along before there were colleagues in it is the list of families.
  function opened(content) {
    families = content ? content.families || content : [];
    colleagues = (content && content.colleagues) || {};
  }

  // The list of families, with what became of each.
  function list(waiting) {
    const extra = waiting.filter((one) => !families.some((family) => family.pupil === one.record.pupil))
      .map((one) => ({ pupil: one.record.pupil, name: one.content.name, homes: one.content.homes || [], begun: one }));
    shell.rows(find("families"), [...families, ...extra].map((family) => {
      const found = family.begun || waiting.find((one) => one.record.pupil === family.pupil);
      const done = shell.queue.sent.find((one) => one.pupil === family.pupil);
      const state = found ? found.record.state : done ? (["clash", "late"].indexOf(done.state) >= 0 ? done.state : "written") : "new";
      const detail = [family.meeting && clockTime(Date.parse(family.meeting.at)).slice(5, 16).replace("T", " "), family.priority];
      const key = family.begun ? found.record.visit : family.pupil;
      return [key, family.name, detail.filter(Boolean).join(" · "), state, () => openFamily(family, found)];
    }));
  }

  // What a family's visit starts from: the text on this device, the draft of the portal, the agreed meeting.
  function openFamily(family, found) {
    const content = found ? found.content : begin(family);
    shell.current = { family, visit: found ? found.record.visit : content.visit, place: family.pupil, content };
    find("last").textContent = lastOf(family);
    if (!content.colleagues) content.colleagues = colleagues;
    show(content, family.homes);
    shell.open(family.name, [family.priority, family.meeting && family.meeting.purpose].filter(Boolean).join(" · "), found && found.record);
  }

  // The people to tick are those of the home chosen.
  function show(content, homes) {
    setUp(form, homes, words("home"), content.colleagues);
    fill(form, content.fields);
    people(form, homes);
    fill(form, content.fields);
  }

  function begin(family) {
    const here = clockTime(shell.now());
    const fields = { held_on: here.slice(0, 10), held_time: here.slice(11, 16) };
    const bases = {};
    const meeting = family.meeting;
    const isUsed = (visit) => shell.queue.sent.some((one) => one.visit === visit);
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

  function touch(names) {
    const { content } = shell.current;
    content.touched = Array.from(new Set([...content.touched, ...names]));
  }

  function typed(event) {
    touch([event.target.name]);
    if (event.target.name === "household") people(form, shell.current.family.homes);
  }

  function collect() {
    shell.current.content.fields = read(form);
  }

  function lacking() {
    const lacks = missing(form);
    if (!lacks) touch(MARKED);
    return lacks;
  }

  function tell(one) {
    const [named, kind] = { clash: ["choose", "warn"], late: ["went-late", "warn"] }[one.state] || ["sent", "good"];
    return [words(named, { name: one.name }), kind];
  }

  function text(content) {
    show(content, content.homes || []);
    return `${content.name}\n${read(form, true)}`;
  }
}
