// Visits on this device: the families taken along, the form at the door, what became of each.
import { fill, missing, people, read, setUp } from "../offline/form.js";
import * as photos from "../offline/photos.js";
import { clockTime, element, makeShell } from "../offline/shell.js";
import * as store from "../offline/store.js";
import * as vault from "../offline/vault.js";

// What the page proposes counts as said once the visit is handed in.
const MARKED = ["how", "met", "held_on", "held_time", "household"];

export function start(main) {
  if (!window.idb || !window.crypto || !crypto.subtle) return;
  let families = [], colleagues = {};
  const { standing, drafts, late } = main.dataset;
  const shell = makeShell(main, { standing, drafts, late }, {
    opened, list, typed, collect, lacking, handedIn: () => {}, tell, text, thenSend,
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
    listPhotos();
  }

  // Photos that the portal has not confirmed; a tap throws one away.
  async function listPhotos() {
    const waiting = await store.photos();
    if (!shell.key) return;
    const names = await Promise.all(waiting.map((one) => photos.nameOf(shell.key, one)));
    find("photos-waiting").hidden = !waiting.length;
    shell.rows(find("photo-rows"), waiting.map((one, number) => [
      one.photo, names[number], one.refused || `${Math.ceil(one.size / 1024)} KB`, one.refused ? "refused" : "waiting",
      () => { if (window.confirm(words("ask-photo", { name: names[number] }))) throwAway(one.photo, shell.list); },
    ]));
  }

  async function throwAway(photo, then) {
    await store.dropPhoto(photo);
    then();
  }

  // The pictures of the visit on the screen, each with its button; nothing of it where the family has not allowed any.
  async function showPhotos() {
    const { content, visit } = shell.current;
    find("photos").hidden = !content.photos;
    if (!content.photos) return;
    const shown = await Promise.all((await photos.ofVisit(visit)).map(async (one, number) => {
      const item = document.createElement("li");
      const picture = Object.assign(document.createElement("img"), { width: 120, alt: words("photo", { number: number + 1 }) });
      const data = new Uint8Array(await photos.open(shell.key, one));
      picture.src = `data:image/jpeg;base64,${btoa(Array.from(data, (sign) => String.fromCharCode(sign)).join(""))}`;
      const button = Object.assign(element("button", words("photo-away"), "button button-quiet"), { type: "button" });
      button.addEventListener("click", () => throwAway(one.photo, showPhotos));
      item.append(picture, button);
      return item;
    }));
    if (!shell.current || shell.current.visit !== visit) return;
    find("photos-here").replaceChildren(...shown);
    find("photo").disabled = shown.length >= photos.MOST;
  }

  async function addPhotos(event) {
    const files = Array.from(event.target.files);
    const { content, visit, place } = shell.current;
    const tellPhoto = (text) => { find("photo-state").textContent = text; };
    tellPhoto(words("photo-making"));
    let why = "";
    // The visit is kept first: a photo belongs to one. What is handed in already stays so.
    if (!(await store.draft(visit)) && !(await shell.keep(false))) why = "photo-full";
    const about = { visit, pupil: place, name: content.name, at: shell.now() };
    for (const file of files) why = why || await photos.keep(shell.key, about, file);
    event.target.value = "";
    tellPhoto(why ? words(why) : words("photo-kept"));
    if (shell.current && shell.current.visit === visit) await showPhotos();
  }

  function thenSend(token) {
    const to = { address: main.dataset.photosTo, file: words("photo-file") };
    return photos.sendAll(shell.key, token, to, (state, name) => shell.message(words(`photo-${state}`, { name }), "warn"));
  }

  find("photo").addEventListener("change", addPhotos);

  // What a family's visit starts from: the text on this device, the draft of the portal, the agreed meeting.
  function openFamily(family, found) {
    const content = found ? found.content : begin(family);
    shell.current = { family, visit: found ? found.record.visit : content.visit, place: family.pupil, content };
    find("last").textContent = lastOf(family);
    if (!content.colleagues) content.colleagues = colleagues;
    if (family.photos !== undefined) content.photos = family.photos;
    find("photo-state").textContent = "";
    showPhotos();
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
