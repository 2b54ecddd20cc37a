// Elements of the page. Whatever comes from the data becomes text, never HTML.

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function choice(label, options, selected, onchange) {
  const select = html(
    "select",
    { onchange: () => onchange(select.value) },
    options.map(([value, text]) => html("option", { value, selected: value === selected }, text)),
  );
  return html("label", { class: "choice" }, html("span", {}, label), select);
}

// Below 0, above 0, or neither: a class that colours an amount.
function sign(value) {
  return value < 0 ? "negative" : value > 0 ? "positive" : "";
}
