// Models: the versions, two of them side by side, and what was measured of one.

import { Comparison } from "./comparison.js";
import { Figures } from "./figures.js";
import { failure } from "../lib/notice.js";
import { Versions } from "./versions.js";

export async function mount(panel, app) {
  const models = new Models(app);
  await models.load();
  panel.append(app.el("h2", { t: "models.title" }), app.el("p", { class: "lead", t: "models.lead" }), models.element);
}

class Models {
  #app;
  #models;
  #shown = null; // the version whose figures are wanted; null: the one that the page asks
  #details = new Map();
  #trouble;
  #versions;
  #comparison;
  #figures;

  constructor(app) {
    this.#app = app;
    this.#versions = new Versions(app, (version) => this.#showFigures(version, true));
    this.#comparison = new Comparison(app);
    this.#figures = new Figures(app);
    this.#trouble = app.el("div", { class: "trouble" });
    this.element = app.el("div", { class: "models" }, this.#versions.element, this.#comparison.element, this.#trouble, this.#figures.element);
    app.onLang(() => this.#speak());
    app.onVersion(() => this.#showFigures(null));
    app.onPrecision(() => this.#figures.refresh());
    app.onBack(() => this.#again());
  }

  /** Ask for the versions and the figures of one. Raises ApiError. */
  async load() {
    this.#models = await this.#app.api("/models");
    this.#details.clear();
    await this.#draw();
  }

  async #again() {
    try {
      await this.load();
    } catch (error) {
      this.#trouble.replaceChildren(failure(this.#app, error, () => this.#again()));
    }
  }

  get #wanted() {
    const { serving, promoted, versions } = this.#models;
    return this.#shown ?? this.#app.version() ?? serving ?? promoted ?? versions[0]?.version ?? null;
  }

  async #draw() {
    const wanted = this.#wanted;
    this.#versions.draw(this.#models, wanted);
    this.#comparison.draw(this.#models);
    this.#trouble.replaceChildren();
    if (wanted === null) return;
    if (!this.#details.has(wanted)) {
      this.#details.set(wanted, await this.#app.api(`/models/${encodeURIComponent(wanted)}`));
    }
    if (wanted === this.#wanted) await this.#figures.show(this.#details.get(wanted));
  }

  async #showFigures(version, scroll = false) {
    this.#shown = version;
    try {
      await this.#draw();
      if (scroll) this.#figures.element.scrollIntoView({ block: "start" });
    } catch (error) {
      this.#trouble.replaceChildren(failure(this.#app, error, () => this.#showFigures(version)));
    }
  }

  async #speak() {
    this.#comparison.refresh();
    await this.#showFigures(this.#shown);
  }
}
