// Says how many characters are left once three quarters are used; never stops the typing.
export function start(element) {
  const input = element.querySelector("textarea, input");
  const words = element.querySelector(".count");
  const limit = Number(element.dataset.limit);
  const resting = words.textContent;
  const update = () => {
    const used = Array.from(input.value.replace(/\r\n/g, "\n")).length;
    const left = limit - used;
    const pattern = left < 0 ? element.dataset.over : element.dataset.left;
    words.textContent = used < limit * 0.75 ? resting : pattern.replace("{count}", String(Math.abs(left)));
    words.classList.toggle("count-over", left < 0);
  };
  let waiting = 0;
  words.setAttribute("aria-live", "polite");
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 400);
  });
  update();
}
