// Puts the pass that stands behind the # of the address into the form. It never travels in an address.
export function start(form) {
  if (location.hash.length < 2) return;
  form.elements.token.value = decodeURIComponent(location.hash.slice(1));
  document.querySelectorAll('a[href^="?"]').forEach((link) => {
    link.hash = location.hash;
  });
}
