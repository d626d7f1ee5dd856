// Loads modules/<name>.js for every [data-module] on the page; each exports start(element). Pages work without any of it.
const loaded = new Map();

function startAll(root) {
  root.querySelectorAll("[data-module]").forEach((element) => {
    for (const name of element.dataset.module.split(" ")) {
      if (!loaded.has(name)) loaded.set(name, import(`./modules/${name}.js`));
      loaded.get(name).then((module) => module.start(element), () => {});
    }
  });
}

const problem = document.querySelector("[data-focus]");
if (problem) problem.focus();

// An open menu closes on Escape and on a tap elsewhere.
document.addEventListener("click", (event) => {
  document.querySelectorAll(".menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelectorAll(".menu[open]").forEach((menu) => {
    menu.open = false;
    menu.querySelector("summary").focus();
  });
});

startAll(document);

let sent = null;
try {
  sent = sessionStorage.getItem("sent");
} catch (error) {
  // No storage: there is no draft either.
}
if (sent) import("./modules/autosave.js").then((module) => module.clearSent(), () => {});

// Signing out takes what forms kept in this browser along; not every browser does so by itself when the portal asks for it.
window.addEventListener("submit", (event) => {
  const goes = (event.submitter && event.submitter.getAttribute("formaction")) || event.target.getAttribute("action") || "";
  if (event.defaultPrevented || !goes.endsWith("/sign-out")) return;
  try {
    Object.keys(localStorage).filter((place) => place.startsWith("draft:")).forEach((place) => localStorage.removeItem(place));
  } catch (error) {
    // No storage: nothing was kept.
  }
});

// A device that took visits along says so on every page.
try {
  if (localStorage.getItem("taken-along")) import("./offline/leaving.js").then((module) => module.start(), () => {});
} catch (error) {
  // No storage: nothing was taken along.
}
