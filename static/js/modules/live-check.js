// Tells what is wrong while a form is being typed, at its field; the server checks, nothing is kept.
// Another kind of rule shows its own fields at once.
export function start(element) {
  const form = element.closest("form");
  let waiting = 0;
  let asked = 0;
  let told = [];
  const tell = (id, message) => {
    const field = document.getElementById(id);
    const place = field?.closest(".field");
    if (!place || place.querySelector(".error")) return;
    const line = document.createElement("p");
    line.className = "error";
    line.id = `${id}-live`;
    line.textContent = message;
    field.before(line);
    field.setAttribute("aria-errormessage", line.id);
    field.setAttribute("aria-invalid", "true");
    told.push([field, line]);
  };
  const ask = async () => {
    const number = (asked += 1);
    try {
      const answer = await fetch(element.dataset.to, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
      });
      if (!answer.ok || number !== asked) return;
      const { problems, fields } = await answer.json();
      for (const [field, line] of told) {
        line.remove();
        field.removeAttribute("aria-errormessage");
        field.removeAttribute("aria-invalid");
      }
      told = [];
      for (const [id, message] of Object.entries(fields)) tell(id, message);
      element.textContent = problems.length ? problems.join(" ") : element.dataset.right;
    } catch (error) {
      // No network: the check comes with the sending.
    }
  };
  form.addEventListener("change", (event) => {
    if (event.target.name.endsWith("-kind")) form.querySelector("[name=more]")?.click();
  });
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 600);
  });
}
