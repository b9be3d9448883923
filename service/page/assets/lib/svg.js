// SVG elements made from data, as dom.js makes HTML.

const NAMESPACE = "http://www.w3.org/2000/svg";

/** An SVG element; attributes that are null are left out, children may be text. */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== false));
  return element;
}
