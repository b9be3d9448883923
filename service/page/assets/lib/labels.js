// The categories of one version, in the page's language.

/** Codes and labels of a version that need not be the page's own. */
export class Labels {
  #app;
  #entries = new Map();
  #codes = new Map();
  #asked = null;

  constructor(app) {
    this.#app = app;
    this.version = null;
    this.lang = null; // of the labels
  }

  /** Ask for the categories of `version`, null for the one that serves; `this.version` then names it. Without an answer
   * codes stand for themselves. Raises ApiError. */
  async load(version) {
    const asked = `${version} ${this.#app.lang()}`;
    this.#asked = asked;
    const body = await this.#app.api("/categories", { query: { lang: true, version } });
    if (this.#asked !== asked) return; // a newer question was put
    this.version = body.version;
    this.lang = this.#app.lang();
    this.#entries = new Map(body.categories.map((one) => [one.code, one]));
    const named = body.categories.flatMap((one) => Object.values(one.labels).map((label) => [plain(label), one.code]));
    this.#codes = new Map([...named, ...body.categories.map(({ code }) => [plain(code), code])]);
  }

  get count() {
    return this.#entries.size;
  }

  label(code) {
    return this.#entries.get(code)?.label ?? code;
  }

  /** The code of a category that somebody wrote as its code (also `2583.0`) or as its label in any language; else null. */
  code(written) {
    return this.#codes.get(plain(written)) ?? this.#codes.get(plain(written).replace(/\.0+$/, "")) ?? null;
  }

  /** All categories by label, as the language sorts them. */
  sorted() {
    const order = new Intl.Collator(this.#app.lang());
    return [...this.#entries.values()].sort((one, other) => order.compare(one.label, other.label));
  }
}

const plain = (text) => text.normalize("NFC").trim().replace(/\s+/g, " ").toLowerCase();
