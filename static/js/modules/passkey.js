// Asks the browser for a passkey and sends its answer with the form. Shown only where the browser has passkeys.
function begin(form) {
  const library = window.SimpleWebAuthnBrowser;
  if (!library || !library.browserSupportsWebAuthn()) return;
  const options = JSON.parse(form.dataset.options);
  const problem = form.querySelector("[data-problem]");
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    problem.hidden = true;
    const ask = form.dataset.kind === "new" ? library.startRegistration : library.startAuthentication;
    ask({ optionsJSON: options }).then(
      (answer) => {
        form.elements.answer.value = JSON.stringify(answer);
        form.submit();
      },
      () => {
        problem.hidden = false;
      },
    );
  });
}

export function start(form) {
  if (window.SimpleWebAuthnBrowser) begin(form);
  else window.addEventListener("load", () => begin(form));
}
