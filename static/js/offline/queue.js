// What waits on this device, and how it gets to the portal: one operation per change, sent again until it is answered.
// A record holds dates and states in plain, the texts sealed. It goes only when the portal has confirmed its last text.
import * as store from "./store.js";
import * as vault from "./vault.js";

export const FORMAT = 1;
const PATIENCE = 20000;
// Seconds between two tries, at most, by what went wrong; what is not here waits for the person.
const LONGEST_WAIT = { offline: 30, busy: 300, storage: 300 };
// States in which sending again would not help; the text stays, can be exported, and goes when its author says so.
export const STUCK = ["gone", "refused"];

const place = (visit) => `draft ${visit}`;
const opPlace = (visit) => `operation ${visit}`;

export class Stop extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

export async function ask(address, options = {}, longest = PATIENCE) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), longest);
  try {
    const answer = await fetch(address, {
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: patience.signal,
      ...options,
      headers: { Accept: "application/json", ...options.headers },
    });
    return { status: answer.status, told: await answer.json() };
  } catch (error) {
    throw new Stop("offline");
  } finally {
    clearTimeout(timer);
  }
}

export async function standing(address) {
  const { status, told } = await ask(address);
  if (status === 401) throw new Stop(told.reason === "proof" ? "asleep" : "signed-out");
  if (status === 403 || status === 404) throw new Stop("forbidden");
  if (status !== 200) throw new Stop("offline");
  await store.write("clock", Date.parse(told.now) - Date.now());
  return told;
}

// Stops sending where another try later, or something the person does, is needed; a positive answer goes on.
export function stopAt(status, told) {
  if (status === 401) throw new Stop(told.reason === "proof" ? "asleep" : "signed-out");
  if (status === 403 && !told.kept) throw new Stop("forbidden");
  if (status === 400 || status === 408 || status === 429 || status >= 500) throw new Stop("busy");
}

// The queue of whoever holds the key. addresses.onlyFinished: drafts stay here until they are handed in. changed() is called
// whenever a record or the state of the network changed; thenSend(token) sends what goes after the records.
export function makeQueue(key, kept, addresses, changed = () => {}, thenSend = null) {
  let tries = 0;
  let timer = 0;
  let busy = null;
  let again = false;
  const queue = { reason: "", sent: [] };

  queue.content = (record) => vault.unseal(key, record.sealed, place(record.visit));

  // Keep what is typed. finish: the author hands it in.
  queue.save = (visit, pupil, content, finish, at) => store.inTurn(async () => {
    const before = await store.draft(visit);
    const old = before ? await queue.content(before) : null;
    const bases = Object.assign({}, content.bases, old && old.bases);
    const sealed = await vault.seal(key, { ...content, bases, messages: {} }, place(visit));
    const record = before || { visit, pupil, begunAt: at, sentAt: 0, change: 0, sentChange: 0, flight: null };
    // Handed in once more, it is sent once more: what the portal refused then it may take now.
    const state = finish ? "waiting" : STUCK.indexOf(record.state) < 0 ? "open" : record.state;
    await store.putDraft({ ...record, state, finish, sealed, changedAt: at, change: record.change + 1 });
  });

  const isDue = (record) => STUCK.indexOf(record.state) < 0
    && (record.flight || record.change > record.sentChange)
    && (record.finish || (record.state !== "closed" && !addresses.onlyFinished));

  async function takeOff(record) {
    const content = await queue.content(record);
    const fields = {};
    Object.keys(content.fields).forEach((name) => {
      const touched = content.touched.indexOf(name) >= 0;
      fields[name] = { value: content.fields[name], base: touched ? content.bases[name] || 0 : null };
    });
    kept.number += 1;
    await store.write("vault", kept);
    const operation = {
      format: FORMAT, op: vault.newId(), visit: record.visit, device: kept.device, number: kept.number,
      at: new Date().toISOString(), finish: record.finish, fields,
    };
    record.flight = {
      change: record.change,
      finish: record.finish,
      sealed: await vault.seal(key, JSON.stringify(operation), opPlace(record.visit)),
    };
    await store.putDraft(record);
    return record;
  }

  async function send(visit, token) {
    const record = await store.inTurn(async () => {
      const found = await store.draft(visit);
      return found && isDue(found) ? (found.flight ? found : takeOff(found)) : null;
    });
    if (!record) return;
    const body = await vault.unseal(key, record.flight.sealed, opPlace(visit));
    const letter = { method: "POST", body, headers: { "Content-Type": "application/json", "X-CSRFToken": token } };
    let { status, told } = await ask(addresses.drafts.replace("PUPIL", record.pupil), letter);
    // Whoever no longer has the child hands it in for the principal, if the day of the visit was still theirs.
    if ((status === 403 || status === 404) && record.flight.finish && addresses.late) {
      const late = await ask(addresses.late.replace("PUPIL", record.pupil), letter);
      if (late.status !== 404) ({ status, told } = late);
    }
    stopAt(status, told);
    if (status === 422 && told.state === "format") {
      await store.inTurn(() => unpack(visit));
      throw new Stop(told.format > FORMAT ? "outdated" : "ahead");
    }
    await store.inTurn(() => land(visit, record.flight, status, told));
    // What got through shows that the way is open: the next wait is short again.
    tries = 0;
    changed();
  }

  // The portal is of another age than this app: the change waits, and is packed anew once they agree.
  async function unpack(visit) {
    const record = await store.draft(visit);
    if (record) await store.putDraft({ ...record, flight: null });
  }

  async function land(visit, flight, status, told) {
    const record = await store.draft(visit);
    if (!record) return;
    record.flight = null;
    const isKept = status === 200 || status === 201 || ([403, 409].indexOf(status) >= 0 && told.kept);
    if (isKept) {
      record.sentChange = flight.change;
      record.sentAt = Date.now();
      if (flight.finish && record.change === flight.change) {
        const content = await queue.content(record);
        queue.sent.push({ visit, pupil: record.pupil, name: content.name, state: told.state, address: told.address, at: Date.now() });
        await store.write("sent", queue.sent.map((one) => ({ ...one, name: "" })));
        await store.dropDraft(visit);
        return;
      }
    } else if (status === 409) {
      record.state = "closed";
      record.finish = false;
      record.sentChange = flight.change;
    } else if (status === 410) record.state = "gone";
    else if (status === 422 && told.fields) {
      record.state = "wrong";
      record.finish = false;
      record.sentChange = flight.change;
    } else record.state = "refused";
    const content = await queue.content(record);
    Object.assign(content.bases, told.revisions);
    content.messages = told.fields || {};
    content.message = told.message || "";
    record.sealed = await vault.seal(key, content, place(visit));
    await store.putDraft(record);
  }

  async function sendEach() {
    const told = await standing(addresses.standing);
    if (told.person !== kept.person) throw new Stop("other-person");
    const waiting = (await store.drafts()).filter(isDue).sort((one, other) => one.begunAt - other.begunAt);
    for (const record of waiting) await send(record.visit, told.token);
    if (thenSend) await thenSend(told.token);
  }

  // Send what waits. Never throws: queue.reason says why it stopped; "" when everything went.
  queue.sendAll = () => {
    clearTimeout(timer);
    if (busy) {
      again = true;
      return busy;
    }
    busy = (async () => {
      try {
        do {
          again = false;
          await sendEach();
        } while (again);
        queue.reason = "";
        tries = 0;
      } catch (error) {
        queue.reason = error.reason || "storage";
        if (LONGEST_WAIT[queue.reason]) later(LONGEST_WAIT[queue.reason]);
      }
      busy = null;
      changed();
    })();
    return busy;
  };

  // Twice as long each time, and not all devices at once.
  function later(longest) {
    const seconds = Math.min(2 ** tries, longest) * (0.5 + Math.random());
    tries += 1;
    timer = setTimeout(queue.sendAll, seconds * 1000);
  }

  queue.now = () => {
    tries = 0;
    return queue.sendAll();
  };
  queue.stop = () => {
    clearTimeout(timer);
    tries = 0;
  };
  return queue;
}
