// Blind signatures in the browser: RSABSSA-SHA384-PSS-Randomized of RFC 9474, the half that portal/surveys/blind.py does not see.
// A pass is a random message with the portal's signature; what the portal signs is the message times a random number to the power
// of the exponent, so that it never sees the message. Message and number lie in this browser until the questionnaire closes.
const HASH = 48, RANDOM = 32, EXPONENT = BigInt(65537), ZERO = BigInt(0), ONE = BigInt(1);

const random = (length) => crypto.getRandomValues(new Uint8Array(length));
const sha384 = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-384", data));
const joined = (...parts) => Uint8Array.from(parts.reduce((all, part) => [...all, ...part], []));
export const toText = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
export const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
export const toNumber = (bytes) => BigInt("0x" + Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join(""));

function written(number, length) {
  const digits = number.toString(16).padStart(2 * length, "0");
  return Uint8Array.from({ length }, (_, place) => parseInt(digits.substr(2 * place, 2), 16));
}

function power(base, exponent, modulus) {
  let result = ONE;
  for (; exponent > ZERO; exponent >>= ONE, base = (base * base) % modulus) if (exponent & ONE) result = (result * base) % modulus;
  return result;
}

export function inverse(number, modulus) {
  let [rest, next, found, other] = [modulus, number, ZERO, ONE];
  while (next > ZERO) {
    const times = rest / next;
    [rest, next] = [next, rest - times * next];
    [found, other] = [other, found - times * other];
  }
  if (rest !== ONE) throw new Error("no inverse");
  return found < ZERO ? found + modulus : found;
}

// EMSA-PSS of RFC 8017, 9.1.1, for a modulus whose highest bit is set.
async function encode(message, salt, size) {
  const hash = await sha384(joined(new Uint8Array(8), await sha384(message), salt));
  const block = joined(new Uint8Array(size - salt.length - HASH - 2), [1], salt);
  let mask = [];
  for (let place = 0; mask.length < block.length; place += 1) mask = joined(mask, await sha384(joined(hash, [0, 0, 0, place])));
  const masked = block.map((one, place) => one ^ mask[place]);
  masked[0] &= 127;
  return joined(masked, hash, [188]);
}

// Each number from 1 to below the modulus as likely as any other: that is what makes every pass as likely as any other.
function below(modulus) {
  for (;;) {
    const number = toNumber(random(modulus.length));
    if (number > ZERO && number < toNumber(modulus)) return number;
  }
}

// Blind of the RFC: the message to be signed, and what takes the blinding away again. Salt and number are given by its test only.
export async function blind(message, modulus, salt = random(HASH), number = below(modulus)) {
  const n = toNumber(modulus);
  const away = written(inverse(number, n), modulus.length);
  const encoded = toNumber(await encode(message, salt, modulus.length));
  return { blinded: written((encoded * power(number, EXPONENT, n)) % n, modulus.length), away };
}

// Finalize of the RFC: the signature of the pass; throws when it is not the portal's.
export async function finish(message, modulus, signature, away) {
  const n = toNumber(modulus);
  const made = written((toNumber(signature) * toNumber(away)) % n, modulus.length);
  const key = { kty: "RSA", n: toText(modulus), e: "AQAB", alg: "PS384" };
  const scheme = { name: "RSA-PSS", hash: "SHA-384", saltLength: HASH };
  const portal = await crypto.subtle.importKey("jwk", key, scheme, false, ["verify"]);
  if (!(await crypto.subtle.verify(scheme, portal, made, message))) throw new Error("not signed by the portal");
  return made;
}

async function make(modulus) {
  const message = random(2 * RANDOM);
  const { blinded, away } = await blind(message, modulus);
  return { message: toText(message), blinded: toText(blinded), away: toText(away) };
}

// The page on which a family fetches its pass: begin, go on with it, or learn that it lies on another device.
async function show(box) {
  const { name, school, to, signature } = box.dataset;
  const modulus = toBytes(box.dataset.modulus);
  const kept = JSON.parse(localStorage.getItem(`pass ${name}`) || "null") || (signature ? null : await make(modulus));
  let part = signature ? "elsewhere" : "begin";
  if (!signature) {
    const form = box.querySelector("form");
    form.elements.blinded.value = kept.blinded;
    form.addEventListener("submit", () => localStorage.setItem(`pass ${name}`, JSON.stringify(kept)));
  } else if (kept) {
    const made = await finish(toBytes(kept.message), modulus, toBytes(signature), toBytes(kept.away));
    box.querySelector("[data-part=go] a").href = `${to}#${school}.${kept.message}.${toText(made)}`;
    part = "go";
  }
  box.querySelectorAll("[data-part]").forEach((one) => {
    one.hidden = one.dataset.part !== part;
  });
}

// Without what this needs (no BigInt, no page over HTTPS, no storage) the page stays as it was sent and names the other ways.
export function start(box) {
  show(box).catch(() => {});
}
