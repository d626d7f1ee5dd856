// Serves the shell without a network. Everything else goes to the portal as ever; no page with anybody's data is kept.
// self.SHELL comes from the portal: its version (made of the shell itself), the shell's address, the files it needs.
const PREFIX = "visits-";
const CACHE = PREFIX + self.SHELL.version;

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

async function keptOr(request, otherwise) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request)) || otherwise();
}

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(tidyUp()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  if (self.SHELL.files.indexOf(address.pathname) >= 0 || address.pathname === self.SHELL.page) {
    event.respondWith(keptOr(address.pathname, () => fetch(request)));
  } else if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => keptOr(self.SHELL.page, () => Response.error())));
  }
});
