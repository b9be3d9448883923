// Which rows of the table are shown, in which order, and how many there are of each category.

import { UNANSWERED, tally } from "./agreement.js";

const ORDERS = {
  file: null,
  low: (one, other) => one - other,
  high: (one, other) => other - one,
};
const VERDICTS = ["any", "right", "wrong"];

export class Selection {
  #app;
  #labels;
  #selects;
  #verdict;
  #confirm;
  #table;
  #details;
  #offered = "";

  /** `labels`: those of the version that answered; `onChange()`: other rows are shown; `onConfirm()`: confirm those shown. */
  constructor(app, labels, { onChange, onConfirm }) {
    this.#app = app;
    this.#labels = labels;
    const { el } = app;
    const select = (name, options) => el("select", { id: `batch-${name}`, on: { change: onChange } }, options);
    this.#selects = {
      category: select("category", [el("option", { value: "", t: "batch.every_category" })]),
      order: select("order", Object.keys(ORDERS).map((name) => el("option", { value: name, t: `batch.order_${name}` }))),
      verdict: select("verdict", VERDICTS.map((name) => el("option", { value: name, t: `batch.verdict_${name}` }))),
    };
    const field = ([name, element]) => el("div", { class: "field" }, el("label", { for: element.id, t: `batch.by_${name}` }), element);
    const fields = Object.entries(this.#selects).map(field);
    this.#verdict = fields.at(-1);
    this.#confirm = el("button", { type: "button", class: "quiet", id: "batch-confirm", on: { click: onConfirm } });
    this.#table = el("div", { class: "by-category", role: "region", tabindex: "0", ta: { "aria-label": "batch.by_category_title" } });
    this.#details = el("details", { on: { toggle: onChange } }, el("summary", { t: "batch.by_category_title" }), this.#table);
    this.element = el(
      "div",
      { class: "selection" },
      el("div", { class: "row" }, fields, this.#confirm),
      this.#details,
    );
  }

  /** All rows again, in the file's order. */
  reset() {
    this.#selects.category.value = "";
    this.#selects.order.value = "file";
    this.#selects.verdict.value = "any";
  }

  /** The rows to show, of those that the filter above let through. */
  rows(rows) {
    const category = this.#selects.category.value;
    const verdict = this.#selects.verdict.value;
    const isShown = (row) => (!category || row.category === category) && (verdict === "any" || row.isRight === (verdict === "right"));
    const shown = category || verdict !== "any" ? rows.filter(isShown) : rows;
    const order = ORDERS[this.#selects.order.value];
    if (order === null) return shown;
    // Rows without an answer have no confidence: they come last.
    const answered = shown.filter((row) => row.answer);
    answered.sort((one, other) => order(one.answer.confidence, other.answer.confidence));
    return [...answered, ...shown.filter((row) => !row.answer)];
  }

  /** `rows`: those that the filter above let through; `shown`: what is left of them. */
  draw(rows, shown) {
    const { t, number } = this.#app;
    const counts = tally(rows);
    const isLabelled = rows.some((row) => row.truth !== null) || this.#selects.verdict.value !== "any";
    this.#offer(counts);
    this.#verdict.hidden = !isLabelled;
    const open = shown.filter((row) => row.answer && row.choice === null).length;
    this.#confirm.textContent = t("batch.confirm", { count: number(open) });
    this.#confirm.disabled = open === 0;
    if (this.#details.open) this.#table.replaceChildren(this.#counted(counts, isLabelled));
  }

  #offer(counts) {
    const { el, number } = this.#app;
    const { category } = this.#selects;
    const chosen = category.value;
    const options = counts.map((one) => el("option", { value: one.code }, `${this.#name(one.code)} (${number(one.listings)})`));
    if (chosen && !counts.some((one) => one.code === chosen)) options.push(el("option", { value: chosen }, `${this.#name(chosen)} (0)`));
    const offered = options.map((one) => one.textContent).join("\n");
    if (offered === this.#offered) return; // an open list stays open
    this.#offered = offered;
    category.replaceChildren(category.firstElementChild, ...options);
    category.value = chosen;
  }

  #counted(counts, isLabelled) {
    const { el, t, number } = this.#app;
    const columns = ["listings", "accept", "review", ...(isLabelled ? ["right"] : [])];
    const line = (one) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, this.#name(one.code)),
        columns.map((name) => el("td", { class: "numbers" }, name === "right" ? agreed(this.#app, one) : number(one[name]))),
      );
    return el(
      "table",
      {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("batch.column_category")), columns.map((name) => el("th", { scope: "col" }, t(`batch.count_${name}`))))),
      el("tbody", {}, counts.map(line)),
    );
  }

  #name(code) {
    return code === UNANSWERED ? this.#app.t("batch.without_category") : this.#labels.label(code);
  }
}

function agreed(app, { right, judged }) {
  return judged ? app.t("batch.some_of", { some: app.number(right), all: app.number(judged) }) : "–";
}
