// The key of this device. It is made here, can never be exported, and lies wrapped by the person's own code.
import * as store from "./store.js";

const ROUNDS = 600000;
export const TRIES = 5;
export const LEAST = 6;
const ALGORITHM = "AES-GCM";
const encoder = new TextEncoder();

const random = (length) => crypto.getRandomValues(new Uint8Array(length));

export function newId() {
  const bytes = random(16);
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const digits = Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  return digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

// Six equal signs or a run such as 123456 are no code.
export function isWeak(code) {
  const signs = Array.from(code.toLowerCase());
  if (signs.length < LEAST || new Set(signs).size < 3) return true;
  const steps = new Set(signs.slice(1).map((sign, place) => sign.charCodeAt(0) - signs[place].charCodeAt(0)));
  return steps.size === 1;
}

async function wrapping(code, salt, rounds) {
  const typed = await crypto.subtle.importKey("raw", encoder.encode(code.normalize("NFKC")), "PBKDF2", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds },
    typed,
    { name: ALGORITHM, length: 256 },
    false,
    ["wrapKey", "unwrapKey"],
  );
}

// A new key: what is to be stored, without the key itself.
export async function make(code, person) {
  const salt = random(16);
  const iv = random(12);
  const key = await crypto.subtle.generateKey({ name: ALGORITHM, length: 256 }, true, ["encrypt", "decrypt"]);
  const wrapped = await crypto.subtle.wrapKey("raw", key, await wrapping(code, salt, ROUNDS), { name: ALGORITHM, iv });
  return { person, salt, iv, wrapped, rounds: ROUNDS, failures: 0, device: newId(), number: 0 };
}

// The key behind a code; null when the code is wrong.
export async function open(kept, code) {
  const outer = await wrapping(code, kept.salt, kept.rounds);
  try {
    return await crypto.subtle.unwrapKey(
      "raw", kept.wrapped, outer, { name: ALGORITHM, iv: kept.iv }, ALGORITHM, false, ["encrypt", "decrypt"],
    );
  } catch (error) {
    return null;
  }
}

// A sealed value opens only at its place: the record it was made for.
export async function sealBytes(key, bytes, place) {
  const iv = random(12);
  const data = await crypto.subtle.encrypt({ name: ALGORITHM, iv, additionalData: encoder.encode(place) }, key, bytes);
  return { iv, data };
}

export const unsealBytes = (key, sealed, place) => crypto.subtle.decrypt(
  { name: ALGORITHM, iv: sealed.iv, additionalData: encoder.encode(place) }, key, sealed.data,
);

export const seal = (key, value, place) => sealBytes(key, encoder.encode(JSON.stringify(value)), place);

export async function unseal(key, sealed, place) {
  return JSON.parse(new TextDecoder().decode(await unsealBytes(key, sealed, place)));
}

// The key behind a code. A try is counted before it is made, so that closing the page gains none; the last wrong one
// wipes everything. null when the code is wrong; kept.failures says how often.
export async function unlock(kept, code) {
  kept.failures += 1;
  await store.write("vault", kept);
  const key = await open(kept, code);
  if (key) {
    kept.failures = 0;
    await store.write("vault", kept);
  } else if (kept.failures >= TRIES) await store.destroy();
  return key;
}
