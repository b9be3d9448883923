// The active row in full, and the categories that a person can choose for it with a key.

import { icon } from "../lib/dom.js";
import { decisionBadge, decisionReason, truthLine } from "../lib/prediction.js";

/** Keys 1 to 9 choose the so-manieth category. */
export const KEYS = 9;
const TEXT_CHARACTERS = 600;
const TITLE_CHARACTERS = 2000;

export class Review {
  #app;
  #labels;
  #onChoose;
  #photoUrl = null;
  #row;
  #shown;

  /** `labels`: those of the version that answered; `onChoose(code)`: a category was chosen, null to take it back. */
  constructor(app, labels, onChoose) {
    this.#app = app;
    this.#labels = labels;
    this.#onChoose = onChoose;
    this.element = app.el("section", { class: "card row-review", ta: { "aria-label": "batch.row_review" } });
  }

  /** Show another row, or the same as it is now; nothing is made anew without a change, so that the focus stays. */
  show(row) {
    const { el } = this.#app;
    const shown = row && [row.state, row.choice, row.truth, row.photo?.name, this.#labels.count, this.#labels.lang, this.#app.lang()].join(" ");
    if (row === this.#row && shown === this.#shown) return;
    if (row !== this.#row) this.#forgetPhoto();
    this.#row = row;
    this.#shown = shown;
    this.element.replaceChildren();
    if (row === null) {
      this.element.append(el("p", { class: "hint", t: "batch.no_row" }));
      return;
    }
    this.element.append(this.#listing(row), this.#said(row));
    if (row.isRight !== null) this.element.append(truthLine(this.#app, { label: this.#labels.label(row.truth) }, row.isRight));
    if (row.answer) this.element.append(this.#choices(row), this.#other(row), el("p", { class: "hint keys", t: "batch.keys" }));
    if (row.photo) this.#photo(row);
  }

  #listing(row) {
    const { el, t, number } = this.#app;
    const place = t("batch.row", { number: number(row.number + 1) });
    return el(
      "div",
      { class: "row-listing" },
      row.photo && el("div", { class: "row-photo" }),
      el(
        "div",
        { class: "row-text" },
        el("p", { class: "hint" }, row.id ? `${place} · ${row.id}` : place),
        el("h3", {}, shortened(row.title, TITLE_CHARACTERS) || t("batch.no_title")),
        row.description && el("p", { class: "row-description" }, shortened(row.description)),
        row.photoMissing && el("p", { class: "hint" }, t("batch.photo_missing")),
      ),
    );
  }

  #said(row) {
    const { el, t } = this.#app;
    if (row.error) {
      return el("p", { class: "notice bad" }, icon("warning"), el("span", {}, errorSentence(this.#app, row.error)));
    }
    if (!row.answer) return el("p", { class: "hint" }, t("batch.waiting"));
    const { decision, confidence } = row.answer;
    return el(
      "div",
      { class: `decision ${decision.action}` },
      decisionBadge(this.#app, decision),
      el("p", {}, decisionReason(this.#app, { decision, confidence })),
    );
  }

  #choices(row) {
    const { el, percent } = this.#app;
    const standing = row.final;
    return el(
      "ol",
      { class: "choices" },
      row.answer.top.slice(0, KEYS).map(({ code, confidence }, index) =>
        el(
          "li",
          {},
          el(
            "button",
            { type: "button", class: "quiet choice", "aria-pressed": String(code === standing), dataset: { code }, on: { click: () => this.#onChoose(code) } },
            el("kbd", {}, String(index + 1)),
            el("span", { class: "choice-label" }, this.#labels.label(code)),
            el("span", { class: "numbers" }, percent(confidence, 1)),
          ),
        ),
      ),
    );
  }

  #other(row) {
    const { el, t } = this.#app;
    const listed = row.answer.top.slice(0, KEYS).map(({ code }) => code);
    const choose = (event) => event.target.value && this.#onChoose(event.target.value);
    const select = el(
      "select",
      { id: "other-category", on: { change: choose } },
      el("option", { value: "" }, t("batch.other_none")),
      this.#labels.sorted().map(({ code, label }) => el("option", { value: code }, label)),
    );
    if (row.choice !== null && !listed.includes(row.choice)) select.value = row.choice;
    return el(
      "div",
      { class: "row" },
      el("label", { for: "other-category" }, t("batch.other")),
      select,
      row.choice !== null && el("button", { type: "button", class: "quiet", t: "batch.take_back", on: { click: () => this.#onChoose(null) } }),
    );
  }

  async #photo(row) {
    const place = this.element.querySelector(".row-photo");
    try {
      if (this.#photoUrl === null) {
        const blob = await row.photo.read();
        if (row !== this.#row) return;
        this.#photoUrl = URL.createObjectURL(blob);
      }
      place.replaceChildren(this.#app.el("img", { src: this.#photoUrl, alt: this.#app.t("batch.photo"), on: { error: () => place.remove() } }));
    } catch {
      place.remove(); // the row says that it cannot be read
    }
  }

  #forgetPhoto() {
    if (this.#photoUrl !== null) URL.revokeObjectURL(this.#photoUrl);
    this.#photoUrl = null;
  }
}

/** What went wrong with one row, for a person. */
export function errorSentence(app, { code, status }) {
  return app.has(`batch.error.${code}`) ? app.t(`batch.error.${code}`) : app.sentence(code, status);
}

function shortened(text, characters = TEXT_CHARACTERS) {
  return text.length > characters ? `${text.slice(0, characters)} …` : text;
}
