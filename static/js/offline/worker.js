// Serves the shell without a network. Everything else goes to the portal as ever; no page with anybody's data is kept.
// self.SHELL comes from the portal: its name on the device, its version (made of the shell itself), the shell's address, the files it needs.
const PREFIX = `${self.SHELL.name}-`;
const CACHE = PREFIX + self.SHELL.version;
// Milliseconds: until a page must have begun to come, until this browser's own stores must have answered, for the files.
const PATIENCE = 10000;
const LOOKING = 3000;
const FILLING = 60000;

const after = (time, answer) => new Promise((done) => { setTimeout(() => done(answer), time); });
const never = new Promise(() => {});

async function fill() {
  const cache = await caches.open(CACHE);
  const page = await fetch(self.SHELL.page, { credentials: "same-origin", cache: "no-store" });
  // Signed out, the portal sends to its door: that is no shell, and the one that is kept stays.
  if (!page.ok || page.redirected) throw new Error("no shell");
  await cache.addAll(self.SHELL.files);
  await cache.put(self.SHELL.page, page);
}

async function tidyUp() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

function kept(address) {
  const looking = caches.open(CACHE).then((cache) => cache.match(address)).catch(() => undefined);
  return Promise.race([looking, after(LOOKING)]);
}

async function keptOr(address, otherwise) {
  return (await kept(address)) || otherwise();
}

// Whether anybody's visits are on this device.
function isTakenAlong() {
  const looking = new Promise((done) => {
    const opening = indexedDB.open(`gongyu-${self.SHELL.name}`);
    opening.onupgradeneeded = () => opening.transaction.abort();
    opening.onerror = () => done(false);
    opening.onsuccess = () => {
      const database = opening.result;
      database.onversionchange = () => database.close();
      const found = (answer) => { done(answer); database.close(); };
      try {
        const asking = database.transaction("keep").objectStore("keep").count("vault");
        asking.onsuccess = () => found(asking.result > 0);
        asking.onerror = () => found(false);
      } catch (error) {
        found(false);
      }
    };
  });
  return Promise.race([looking, after(LOOKING, false)]);
}

// A network that hangs is none: after a while the shell comes, where it has something to show. Without anything to show, and
// when the person loads the page again, the portal is waited for, however slow it is.
async function goTo(request) {
  const asked = fetch(request);
  const late = async () => {
    await after(PATIENCE);
    return (await isTakenAlong()) && (await kept(self.SHELL.page)) || never;
  };
  try {
    return await Promise.race(request.isReloadNavigation ? [asked] : [asked, late()]);
  } catch (error) {
    return keptOr(self.SHELL.page, () => Response.error());
  }
}

self.addEventListener("install", (event) => {
  const late = after(FILLING).then(() => { throw new Error("no network"); });
  event.waitUntil(Promise.race([fill(), late]).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(tidyUp()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  if (self.SHELL.files.indexOf(address.pathname) >= 0 || address.pathname === self.SHELL.page) {
    event.respondWith(keptOr(address.pathname, () => fetch(request)));
  } else if (request.mode === "navigate") {
    event.respondWith(goTo(request));
  }
});
