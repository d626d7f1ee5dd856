// Hands title and address to the phone's own sharing, or copies the address. Adds nothing to it.
export function start(button) {
  const label = button.querySelector("span");
  const link = document.querySelector('link[rel="canonical"]');
  const address = link ? link.href : location.href;
  if (!navigator.share && !navigator.clipboard) return;
  button.hidden = false;
  label.setAttribute("aria-live", "polite");
  button.addEventListener("click", () => {
    if (navigator.share) {
      navigator.share({ title: button.dataset.title, url: address }).catch(() => {});
      return;
    }
    navigator.clipboard.writeText(address).then(() => { label.textContent = button.dataset.copied; }, () => {});
  });
}
