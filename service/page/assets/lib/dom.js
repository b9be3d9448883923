// Elements made from data. Text only ever becomes text: nothing here parses HTML.

const PROPERTIES = new Set(["value", "checked", "indeterminate", "files"]);

/**
 * The page's `el(tag, props, ...children)`. Props: `on` {event: handler}, `style` {property: value}, `dataset`,
 * `t` (a key of the words, or [key, values]: the text then follows the language), `ta` {attribute: the same},
 * true or false for attributes without value; null leaves one out. Children: elements, text, lists of both; null and false are left out.
 */
export function maker(language) {
  return function el(tag, props, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props ?? {})) {
      if (value !== null && value !== undefined) {
        give(element, name, value, language);
      }
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  };
}

function give(element, name, value, language) {
  if (name === "on") {
    for (const [event, handler] of Object.entries(value)) {
      element.addEventListener(event, handler);
    }
  } else if (name === "style") {
    for (const [property, setting] of Object.entries(value)) {
      element.style.setProperty(property, setting);
    }
  } else if (name === "dataset") {
    Object.assign(element.dataset, value);
  } else if (name === "t") {
    language.bind(element, value);
  } else if (name === "ta") {
    for (const [attribute, said] of Object.entries(value)) {
      language.bind(element, said, attribute);
    }
  } else if (PROPERTIES.has(name)) {
    element[name] = value;
  } else if (typeof value === "boolean" && !name.startsWith("aria-")) {
    element.toggleAttribute(name, value);
  } else {
    element.setAttribute(name, value);
  }
}

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  yes: "M4 10.5 8.5 15 16 6",
  no: "M5 5l10 10M15 5 5 15",
  person: "M10 10a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM3.5 17c.6-3.2 3.2-5 6.5-5s5.9 1.8 6.5 5",
  warning: "M10 3 18 17H2zM10 8v4M10 14.3v.2",
  info: "M10 18a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM10 9v5M10 6v.2",
  photo: "M3 5h14v11H3zM3 13l4-4 3.5 3.5L13 10l4 4M12.5 8v.1",
};

/** A small line icon, hidden from screen readers: the words beside it say the same. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
