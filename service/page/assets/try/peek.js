// The answer in one line at the bottom of a phone's screen, while the whole of it is below what is seen.

import { icon } from "../lib/dom.js";

export class Peek {
  #seen = false;
  #filled = false;

  /** `outcome`: where the whole answer is shown. */
  constructor(app, outcome) {
    this.app = app;
    this.element = app.el("button", { type: "button", class: "peek", id: "peek", hidden: true, on: { click: () => outcome.scrollIntoView({ block: "start" }) } });
    const watch = new IntersectionObserver((entries) => {
      this.#seen = entries.at(-1).isIntersecting;
      this.#update();
    });
    watch.observe(outcome);
  }

  /** A prediction, or null for none. */
  show(prediction) {
    this.#filled = prediction !== null;
    if (this.#filled) {
      const { category, confidence, decision } = prediction;
      this.element.className = `peek ${decision.action}`;
      this.element.replaceChildren(
        icon(decision.action === "accept" ? "yes" : "person"),
        this.app.el("span", { class: "peek-label" }, category.label),
        this.app.el("span", { class: "numbers" }, this.app.percent(confidence)),
      );
    }
    this.#update();
  }

  #update() {
    this.element.hidden = this.#seen || !this.#filled;
  }
}
