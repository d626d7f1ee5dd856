// Tells the server that the notice has been shown, once the page is really visible. Without scripts a button does it.
export function start(form) {
  let sent = false;
  const send = () => {
    if (sent || document.visibilityState !== "visible") return;
    sent = true;
    fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      credentials: "same-origin",
      redirect: "manual",
    }).then(
      (answer) => {
        if (answer.type !== "opaqueredirect" && !answer.ok) return;
        if (!form.dataset.done) {
          form.remove();
          return;
        }
        const done = document.createElement("p");
        done.className = "hint";
        done.setAttribute("role", "status");
        done.textContent = form.dataset.done;
        form.replaceWith(done);
      },
      () => {
        // No network: the button stays for another try.
        sent = false;
      },
    );
  };
  document.addEventListener("visibilitychange", send);
  send();
}
