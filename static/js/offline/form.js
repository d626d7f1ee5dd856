// The form of a visit on a device: the page's own fields, with the homes and people of the family chosen.
const controls = (form) => Array.from(form.elements).filter((one) => one.name);

// Several ticks under one name are a list; a single tick is "y" or "".
function isList(form, name) {
  const found = form.querySelectorAll(`[type=checkbox][name="${name}"]`);
  return found.length > 1 || (found.length === 1 && Boolean(found[0].closest(".options")));
}

function option(type, name, value, label, like) {
  const made = like.cloneNode(true);
  const input = made.querySelector("input");
  input.type = type;
  input.name = name;
  input.value = value;
  input.id = `${name}-${value}`;
  input.checked = false;
  const text = made.querySelector("span");
  text.replaceChildren(text.querySelector("svg"), document.createTextNode(label));
  made.dataset.made = "";
  return made;
}

// Choices of this family: whom one may meet, which home where there are two, and who of the school may go along.
export function setUp(form, homes, legend, colleagues) {
  form.reset();
  form.querySelectorAll("[data-made]").forEach((one) => one.remove());
  ["company_1", "company_2"].forEach((name) => Object.keys(colleagues || {}).forEach((key) => {
    const made = new Option(colleagues[key], key);
    made.dataset.made = "";
    form.elements[name].add(made);
  }));
  if (homes.length < 2) return;
  const how = form.querySelector('[name="how"]').closest("fieldset");
  const like = how.querySelector(".option");
  const field = document.createElement("fieldset");
  field.className = "field";
  field.dataset.made = "";
  const title = document.createElement("legend");
  title.textContent = legend;
  const options = document.createElement("div");
  options.className = "options";
  homes.forEach((home) => options.append(option("radio", "household", home.key, home.label, like)));
  field.append(title, options);
  how.before(field);
}

export function people(form, homes) {
  const place = form.querySelector('[name="met"]').closest(".options");
  const like = place.querySelector(".option");
  const ticked = Array.from(place.querySelectorAll(":checked"), (one) => one.value);
  place.querySelectorAll("[data-made]").forEach((one) => one.remove());
  const chosen = form.querySelector('[name="household"]:checked');
  homes.filter((home) => homes.length === 1 || (chosen && chosen.value === home.key)).forEach((home) => {
    home.people.forEach((one) => place.append(option("checkbox", "met", one.id, one.relation, like)));
  });
  place.querySelectorAll("input").forEach((one) => { one.checked = ticked.indexOf(one.value) >= 0; });
}

function labelled(form, one) {
  const field = one.closest("fieldset");
  const inOptions = one.type === "radio" || isList(form, one.name);
  const label = inOptions ? field.querySelector("legend") : form.querySelector(`label[for="${one.id}"]`);
  return label ? label.textContent.trim() : one.name;
}

// What the form says: by name, or as lines of text to read.
export function read(form, asText = false) {
  const said = {};
  const lines = [];
  controls(form).forEach((one) => {
    const ticks = one.type === "checkbox" || one.type === "radio";
    const list = one.type === "checkbox" && isList(form, one.name);
    if (said[one.name] === undefined) said[one.name] = list ? [] : "";
    if (list && one.checked) said[one.name].push(one.value);
    else if (!list && (!ticks || one.checked)) said[one.name] = one.value;
    if (!asText || (ticks ? !one.checked : !one.value)) return;
    const own = ticks && one.closest("label") ? one.closest("label").textContent.trim() : "";
    lines.push(`${labelled(form, one)}: ${ticks ? own || "✓" : one.options ? one.selectedOptions[0].text : one.value}`);
  });
  return asText ? lines.join("\n") : said;
}

export function fill(form, fields) {
  controls(form).forEach((one) => {
    const value = fields[one.name];
    if (value === undefined) return;
    if (one.type === "checkbox" || one.type === "radio") {
      one.checked = Array.isArray(value) ? value.indexOf(one.value) >= 0 : value === one.value;
    } else if (value || !one.options) one.value = value;
  });
  form.querySelectorAll("details").forEach((more) => {
    if (controls(form).some((one) => more.contains(one) && one.type !== "checkbox" && !one.options && one.value)) more.open = true;
  });
}

// The name of the first must that is empty; the portal looks at everything else.
export function missing(form) {
  const how = form.querySelector('[name="how"]:checked');
  if (!how) return "how";
  if (how.value === "no_answer") return "";
  const met = form.querySelector('[name="met"]:checked') || form.querySelector('[name="others_met"]').value.trim();
  return met ? "" : "met";
}
