// One cell of the confusion matrix in words, with listings of the catalogue that show it.

import { isAborted } from "../lib/api.js";
import { failure } from "../lib/notice.js";

const EXAMPLES = 3;
const TEXT_CHARACTERS = 120;

export class ConfusedPair {
  #app;
  #labels;
  #version;
  #said;
  #examples;
  #pair = null;
  #asking = null;

  constructor(app, labels, version) {
    this.#app = app;
    this.#labels = labels;
    this.#version = version;
    this.id = "models-pair";
    this.#said = app.el("p", { id: this.id, role: "status" }, app.t("models.pair_none"));
    this.#examples = app.el("div", { class: "pair-examples" });
    this.element = app.el("div", { class: "confused-pair" }, this.#said, this.#examples);
  }

  /** `pair`: {category, predicted, count, listings}: codes, listings of both, listings of the category. */
  show(pair) {
    const { t, number, percent, el } = this.#app;
    this.#asking?.abort();
    this.#pair = pair;
    const { category, predicted, count, listings } = pair;
    const share = listings ? percent(count / listings) : "–";
    this.#said.replaceChildren(
      el("strong", {}, this.#labels.label(category)),
      el("span", { class: "arrow" }, " → "),
      el("strong", {}, this.#labels.label(predicted)),
      el("br", {}),
      t(category === predicted ? "models.pair_right" : "models.pair_wrong", { count: number(count), listings: number(listings), share }),
    );
    this.#examples.replaceChildren(el("p", { class: "hint" }, t("models.pair_click")));
  }

  /** Ask the catalogue for listings of this pair. */
  async fetchExamples() {
    const { el, t } = this.#app;
    const { category, predicted } = this.#pair;
    this.#asking?.abort();
    this.#asking = new AbortController();
    this.#examples.replaceChildren(el("p", { class: "hint" }, t("shell.loading")));
    const query = { category, predicted, count: EXAMPLES, version: this.#version, lang: true };
    try {
      const { listings, tried } = await this.#app.api("/catalogue/listings", { query, signal: this.#asking.signal });
      const none = el("p", { class: "hint" }, t("models.pair_no_examples", { tried: this.#app.number(tried) }));
      this.#examples.replaceChildren(listings.length ? el("ul", {}, listings.map((one) => this.#example(one))) : none);
    } catch (error) {
      if (!isAborted(error)) this.#examples.replaceChildren(failure(this.#app, error, () => this.fetchExamples()));
    }
  }

  #example({ designation, description, image, prediction }) {
    const { el, t, percent, show, picture } = this.#app;
    const photo = image && el("img", { alt: "", width: "56", height: "56", loading: "lazy" });
    if (photo) picture(image).then((address) => photo.setAttribute("src", address), () => photo.remove());
    const tryIt = () => show("try", { designation, description, image });
    return el(
      "li",
      { class: "pair-example" },
      photo,
      el(
        "div",
        {},
        el("p", { class: "pair-title" }, designation || (description ?? "").slice(0, TEXT_CHARACTERS)),
        el("p", { class: "hint" }, t("models.confident", { confidence: percent(prediction.confidence, 1) })),
        el("button", { type: "button", class: "quiet", t: "models.try", on: { click: tryIt } }),
      ),
    );
  }
}
