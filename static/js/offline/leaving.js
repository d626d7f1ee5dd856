// On every page of a device that took visits or sheets along: says what still waits here, and asks before signing out wipes it.
export const FLAG = "taken-along";
const DATABASES = ["gongyu-visits", "gongyu-kit"];

export function flag() {
  try {
    return JSON.parse(localStorage.getItem(FLAG));
  } catch (error) {
    return null;
  }
}

// How many records wait, without a key; the database may be gone.
function waiting(database) {
  return new Promise((done) => {
    const opening = indexedDB.open(database);
    opening.onupgradeneeded = () => opening.transaction.abort();
    opening.onerror = () => done(0);
    opening.onsuccess = () => {
      const database = opening.result;
      database.onversionchange = () => database.close();
      try {
        const places = ["drafts", "photos"].filter((place) => database.objectStoreNames.contains(place));
        const asked = database.transaction(places);
        const counts = places.map((place) => asked.objectStore(place).count());
        asked.oncomplete = () => {
          done(counts.reduce((sum, one) => sum + one.result, 0));
          database.close();
        };
      } catch (error) {
        done(0);
        database.close();
      }
    };
  });
}

function banner(words, count) {
  const strip = document.createElement("div");
  strip.className = "banner banner-warn";
  const text = document.createElement("div");
  const line = document.createElement("p");
  const link = document.createElement("a");
  line.textContent = `${words.waiting.replace("{count}", count)} `;
  link.href = words.page;
  link.textContent = words.open;
  line.append(link);
  text.append(line);
  strip.append(text);
  document.querySelector("main").prepend(strip);
}

export async function start() {
  const words = flag();
  if (!words) return;
  const count = await waiting(words.database || DATABASES[0]);
  if (count && location.pathname !== words.page) banner(words, count);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    const goes = (button && button.getAttribute("formaction")) || form.getAttribute("action") || "";
    if (goes.indexOf(words.leave) < 0 && !(button && button.name === "sign_out")) return;
    if (count && !window.confirm(words.ask.replace("{count}", count))) {
      event.preventDefault();
      return;
    }
    // The portal's answer wipes this browser as well; not every browser obeys.
    DATABASES.forEach((database) => indexedDB.deleteDatabase(database));
    localStorage.removeItem(FLAG);
  });
}
