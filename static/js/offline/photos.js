// Photos of visits on this device, where the family allows them: made small, sealed beside the draft, sent once the visit is
// with the portal. One goes from here only when the portal has it, does not take it any more, or its author throws it away.
import { smaller } from "../modules/shrink.js";
import { ask, stopAt } from "./queue.js";
import * as store from "./store.js";
import * as vault from "./vault.js";

export const MOST = 3;
const MOST_HERE = 30;
const MOST_BYTES = 3e6;
// A photo takes longer than a text on a poor network.
const PATIENCE = 120000;

const place = (photo) => `photo ${photo}`;
const namePlace = (photo) => `name of photo ${photo}`;

export async function ofVisit(visit) {
  return (await store.photos()).filter((one) => one.visit === visit).sort((one, other) => one.begunAt - other.begunAt);
}

export const open = (key, one) => vault.unsealBytes(key, one.sealed, place(one.photo));
export const nameOf = (key, one) => vault.unseal(key, one.name, namePlace(one.photo));

// Keep a picture for a visit; "" or the name of the word that says why not.
export async function keep(key, { visit, pupil, name, at }, file) {
  const here = await store.photos();
  if (here.filter((one) => one.visit === visit).length >= MOST) return "photo-most";
  if (here.length >= MOST_HERE) return "photo-many";
  const small = await smaller(file, true).catch(() => null);
  if (!small) return "photo-unread";
  if (small.size > MOST_BYTES) return "photo-large";
  const photo = vault.newId();
  try {
    await store.putPhoto({
      photo, visit, pupil, begunAt: at, size: small.size, refused: "",
      sealed: await vault.sealBytes(key, await small.arrayBuffer(), place(photo)),
      name: await vault.seal(key, name, namePlace(photo)),
    });
  } catch (error) {
    if (error.name === "QuotaExceededError") return "photo-full";
    throw error;
  }
  return "";
}

// Send what waits, visit by visit as they were begun. say(word, name) tells what became of one that was not kept.
export async function sendAll(key, token, { address, file }, say) {
  const atHome = (await store.drafts()).filter((one) => one.state !== "closed").map((one) => one.visit);
  const due = (await store.photos()).filter((one) => !one.refused && atHome.indexOf(one.visit) < 0);
  for (const one of due.sort((first, second) => first.begunAt - second.begunAt)) {
    const body = new FormData();
    body.append("photo", one.photo);
    body.append("visit", one.visit);
    body.append("files", new Blob([await open(key, one)], { type: "image/jpeg" }), file);
    const letter = { method: "POST", body, headers: { "X-CSRFToken": token } };
    const { status, told } = await ask(address.replace("PUPIL", one.pupil), letter, PATIENCE);
    await land(key, one, status, told, say);
  }
}

async function land(key, one, status, told, say) {
  const isKept = status === 200 || status === 201;
  const isOver = told.state === "not_allowed" || status === 410;
  if (!isKept && !isOver) stopAt(status, told);
  // Not written down yet: somebody has to choose between two texts first.
  if (status === 409) return;
  if (isKept || isOver) await store.dropPhoto(one.photo);
  else await store.putPhoto({ ...one, refused: told.message || " " });
  if (!isKept) say(isOver ? told.state : "refused", await nameOf(key, one));
}
