// Shows or hides what is typed in a password field; hidden again before it is sent.
export function start(element) {
  const input = element.querySelector("input");
  const button = element.querySelector("button");
  const show = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-pressed", String(visible));
  };
  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  if (input.form) input.form.addEventListener("submit", () => show(false));
}
