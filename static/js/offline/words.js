// Sentences come with the page, in its language: words("count", { count: 2 }).
export function makeWords(template) {
  return (name, values = {}) => Object.keys(values).reduce(
    (text, key) => text.replace(`{${key}}`, values[key]),
    template.content.querySelector(`[data-word="${name}"]`).textContent,
  );
}
