// The database on this device. It holds dates and ciphertext; what opens it is in vault.js.
// keep: key, package, clock and counters by name. drafts: one record per visit, until the portal has confirmed it.
// photos: one record per photo of a visit, likewise.
let name = "gongyu-visits";

// Another kind of work keeps a database of its own; said once, before anything is read.
export function choose(other) {
  if (other) name = other;
}

// One step per version. Steps only ever add: what waits here must survive every renewal of the app.
const STEPS = [
  (database) => {
    database.createObjectStore("keep");
    database.createObjectStore("drafts", { keyPath: "visit" });
  },
  (database) => { database.createObjectStore("photos", { keyPath: "photo" }); },
];

let opening = null;

function open() {
  if (!opening) {
    opening = window.idb.openDB(name, STEPS.length, {
      upgrade: (database, from) => STEPS.slice(from).forEach((step) => step(database)),
      // A newer app in another tab wants the database: let go, and open again when it is needed.
      blocking: () => close(),
      terminated: () => { opening = null; },
    });
    opening.catch(() => { opening = null; });
  }
  return opening;
}

export function close() {
  const was = opening;
  opening = null;
  return was ? was.then((database) => database.close(), () => {}) : Promise.resolve();
}

// Some systems close the database while the page lives: once more before anybody is told.
async function use(act) {
  try {
    return await act(await open());
  } catch (error) {
    if (["InvalidStateError", "AbortError", "UnknownError"].indexOf(error.name) < 0) throw error;
    opening = null;
    return act(await open());
  }
}

export const read = (place) => use((database) => database.get("keep", place));
export const write = (place, value) => use((database) => database.put("keep", value, place));
export const forget = (place) => use((database) => database.delete("keep", place));
export const draft = (visit) => use((database) => database.get("drafts", visit));
export const drafts = () => use((database) => database.getAll("drafts"));
export const putDraft = (record) => use((database) => database.put("drafts", record));
export const dropDraft = (visit) => use((database) => database.delete("drafts", visit));
export const photos = () => use((database) => database.getAll("photos"));
export const putPhoto = (record) => use((database) => database.put("photos", record));
export const dropPhoto = (photo) => use((database) => database.delete("photos", photo));
// All that the portal has not confirmed yet; each with begunAt.
export const waiting = async () => [...(await drafts()), ...(await photos())];

export async function destroy() {
  await use(async (database) => {
    await database.clear("keep");
    await database.clear("drafts");
    await database.clear("photos");
  });
  await close();
  await window.idb.deleteDB(name);
}

// One change at a time, also when two tabs are open.
let chain = Promise.resolve();
export function inTurn(act) {
  if (navigator.locks) return navigator.locks.request(name, act);
  const turn = chain.then(act, act);
  chain = turn.catch(() => {});
  return turn;
}
