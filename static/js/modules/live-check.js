// Tells what is wrong while a form is being typed; the server checks, nothing is kept.
export function start(element) {
  const form = element.closest("form");
  let waiting = 0;
  let asked = 0;
  const ask = async () => {
    const number = (asked += 1);
    try {
      const answer = await fetch(element.dataset.to, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
      });
      if (!answer.ok || number !== asked) return;
      const { problems } = await answer.json();
      element.textContent = problems.length ? problems.join(" ") : element.dataset.right;
    } catch (error) {
      // No network: the check comes with the sending.
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 600);
  });
}
