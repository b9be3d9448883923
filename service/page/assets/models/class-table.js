// Precision, recall and F1 of every category, sorted by any of them.

const COLUMNS = ["category", "n", "precision", "recall", "f1"];

export class ClassTable {
  #app;
  #labels;
  #classes;
  #sorted = { by: "f1", descending: false };
  #body;
  #heads = new Map();

  constructor(app, labels, classes) {
    this.#app = app;
    this.#labels = labels;
    this.#classes = classes;
    const { el, t } = app;
    this.#body = el("tbody", {});
    const title = t("models.classes");
    this.element = el(
      "section",
      { class: "card figure", id: "models-classes" },
      el("h3", {}, title),
      el("p", { class: "hint" }, t("models.classes_say")),
      el(
        "div",
        { class: "scrolls tall", tabindex: "0", role: "region", "aria-label": title },
        el(
          "table",
          { class: "figures-table class-table" },
          el("caption", { class: "unseen" }, title),
          el("thead", {}, el("tr", {}, COLUMNS.map((name) => this.#head(name)))),
          this.#body,
        ),
      ),
    );
    this.#draw();
  }

  #head(name) {
    const { el, t } = this.#app;
    const head = el(
      "th",
      { scope: "col", class: name },
      el("button", { type: "button", class: "sort", dataset: { sort: name }, on: { click: () => this.#sort(name) } }, t(`models.${name}`)),
    );
    this.#heads.set(name, head);
    return head;
  }

  #sort(by) {
    const descending = this.#sorted.by === by ? !this.#sorted.descending : by === "n";
    this.#sorted = { by, descending };
    this.#draw();
  }

  #draw() {
    for (const [name, head] of this.#heads) {
      if (name === this.#sorted.by) {
        head.setAttribute("aria-sort", this.#sorted.descending ? "descending" : "ascending");
      } else {
        head.removeAttribute("aria-sort");
      }
    }
    this.#body.replaceChildren(...this.#ordered().map((one) => this.#row(one)));
  }

  /** Classes without a value come last, whatever the direction. */
  #ordered() {
    const { by, descending } = this.#sorted;
    const collator = new Intl.Collator(this.#app.lang());
    const sign = descending ? -1 : 1;
    const label = (one) => this.#labels.label(one.code);
    return [...this.#classes].sort((one, other) => {
      if (by === "category") return sign * collator.compare(label(one), label(other));
      if (one[by] === null || other[by] === null) return (one[by] === null) - (other[by] === null);
      return sign * (one[by] - other[by]) || collator.compare(label(one), label(other));
    });
  }

  #row(one) {
    const { el, number } = this.#app;
    return el(
      "tr",
      { dataset: { code: one.code } },
      el("th", { scope: "row" }, this.#labels.label(one.code), this.#labels.label(one.code) !== one.code && el("span", { class: "hint code" }, one.code)),
      el("td", { class: "numbers" }, number(one.n)),
      ["precision", "recall", "f1"].map((name) => el("td", { class: "numbers" }, this.#share(one[name]))),
    );
  }

  #share(value) {
    const { el, percent } = this.#app;
    if (value === null) return "–";
    const bar = el("span", { class: "meter", "aria-hidden": "true" }, el("span", { style: { width: `${100 * value}%` } }));
    return el("span", { class: "share" }, bar, percent(value));
  }
}
