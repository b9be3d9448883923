// The page's words in three languages, and numbers as each language writes them.

import { Choice, remember, remembered } from "../lib/store.js";

export const LANGUAGES = ["fr", "en", "de"];
const ATTRIBUTES = ["aria-label", "title", "placeholder"];

function preferred() {
  const wanted = [remembered("lang"), ...navigator.languages.map((one) => one.slice(0, 2))];
  return wanted.find((one) => LANGUAGES.includes(one)) ?? "en";
}

export class Language {
  #words = {};
  #values = new WeakMap();

  constructor(words) {
    this.choice = new Choice(preferred());
    this.add(words);
    this.choice.on((lang) => {
      remember("lang", lang);
      this.apply();
    });
  }

  /** Take up a view's table: key -> {fr, en, de}. */
  add(words) {
    Object.assign(this.#words, words);
  }

  get lang() {
    return this.choice.value;
  }

  has(key) {
    return Object.hasOwn(this.#words, key);
  }

  /** The words of `key`, with each {name} replaced by `values.name`; an unknown key gives itself. */
  t(key, values = {}) {
    const text = this.has(key) ? this.#words[key][this.lang] : key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
  }

  /** Let an element's text, or one of its attributes, follow the language. `said` is a key or [key, values]. */
  bind(element, said, attribute = null) {
    const [key, values] = Array.isArray(said) ? said : [said, {}];
    const name = attribute === null ? "data-t" : `data-t-${attribute}`;
    element.setAttribute(name, key);
    this.#values.set(element, { ...this.#values.get(element), [name]: values });
    this.#write(element, name);
  }

  /** Write every bound text below `root` in the current language. */
  apply(root = document) {
    document.documentElement.lang = this.lang;
    for (const name of ["data-t", ...ATTRIBUTES.map((one) => `data-t-${one}`)]) {
      for (const element of root.querySelectorAll(`[${name}]`)) {
        this.#write(element, name);
      }
    }
  }

  #write(element, name) {
    const text = this.t(element.getAttribute(name), this.#values.get(element)?.[name]);
    if (name === "data-t") {
      element.textContent = text;
    } else {
      element.setAttribute(name.slice("data-t-".length), text);
    }
  }

  number(value, options = {}) {
    return new Intl.NumberFormat(this.lang, options).format(value);
  }

  /** A share of 1 as a percentage that never rounds up to certainty or down to nothing. */
  percent(share, digits = 0) {
    const write = (value, places) =>
      this.number(value, { style: "percent", minimumFractionDigits: places, maximumFractionDigits: places });
    const step = 10 ** -(digits + 2);
    if (share > 0 && share < step / 2) {
      return `< ${write(step, digits)}`;
    }
    if (share < 1 && share > 1 - step / 2) {
      return digits >= 1 ? `> ${write(1 - step, digits)}` : this.percent(share, digits + 1);
    }
    return write(share, digits);
  }

  /** A change of a share in percentage points, with its sign. */
  points(change) {
    return this.number(100 * change, { signDisplay: "exceptZero", maximumFractionDigits: 1 }).replace("-", "\u2212");
  }
}
