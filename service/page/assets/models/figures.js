// A version's measured quality: for one cohort of listings, and one kind of evidence.

import { ClassTable } from "./class-table.js";
import { Confusion } from "./confusion.js";
import { Coverage, decisionAt } from "./coverage.js";
import { Labels } from "../lib/labels.js";
import { notice } from "../lib/notice.js";
import { saidPrecision } from "../lib/precision.js";
import { provenance } from "./provenance.js";
import { reliability } from "./reliability.js";

const CASES = ["both", "text", "title", "image"];

export class Figures {
  #app;
  #labels;
  #version = null;
  #cohort = null;
  #case = null;
  #coverage = null;
  #parts;

  constructor(app) {
    this.#app = app;
    this.#labels = new Labels(app);
    const { el } = app;
    this.#parts = { choices: el("div", { class: "row figure-choices" }), tiles: el("dl", { class: "tiles" }), drawn: el("div", { class: "figures" }) };
    this.element = el("section", { class: "version-figures", id: "models-figures" });
  }

  /** Show another version, or the same in another language: `version` is the answer of /models/{version}. */
  async show(version) {
    this.#version = version;
    try {
      await this.#labels.load(version.version);
    } catch {
      // A version that cannot be loaded has figures all the same; its codes stand for themselves.
    }
    if (this.#version === version) this.#draw();
  }

  /** Follow the page's precision. */
  refresh() {
    if (this.#coverage === null) return;
    this.#coverage.refresh();
    this.#drawTiles();
  }

  get #cohorts() {
    return Object.entries(this.#version.metrics?.cohorts ?? {}).filter(([, cohort]) => Object.keys(cohort.cases ?? {}).length);
  }

  #draw() {
    const { el, t } = this.#app;
    const head = el("h3", {}, t("models.figures_of"), " ", el("code", {}, this.#version.version));
    const cohorts = this.#cohorts;
    if (!cohorts.length) {
      this.element.replaceChildren(head, notice(this.#app, "info", "models.no_figures"), provenance(this.#app, this.#version));
      return;
    }
    if (!cohorts.some(([name]) => name === this.#cohort)) this.#cohort = cohorts[0][0];
    this.element.replaceChildren(head, this.#parts.choices, this.#parts.tiles, this.#parts.drawn, provenance(this.#app, this.#version));
    this.#drawCase();
  }

  #drawCase() {
    const { cases } = this.#cohorts.find(([name]) => name === this.#cohort)[1];
    const kept = CASES.filter((name) => cases[name]);
    if (!kept.includes(this.#case)) this.#case = kept[0];
    this.#drawChoices(kept);
    const figures = cases[this.#case];
    this.#coverage = new Coverage(this.#app, figures, this.#version.calibration);
    this.#drawTiles();
    const codes = figures.per_class?.map((one) => one.code) ?? [];
    const drawn = [
      figures.decisions?.length ? this.#coverage.element : null,
      reliability(this.#app, figures),
      figures.per_class?.length ? new ClassTable(this.#app, this.#labels, figures.per_class).element : null,
      figures.confusion?.length
        ? new Confusion(this.#app, this.#labels, { codes, counts: figures.confusion, version: this.#version.version }).element
        : null,
    ].filter(Boolean);
    if (!drawn.length) drawn.push(notice(this.#app, "info", "models.few_figures"));
    this.#parts.drawn.replaceChildren(...drawn);
  }

  #drawChoices(cases) {
    const { el, t } = this.#app;
    const cohort = el(
      "select",
      { id: "models-cohort", on: { change: () => this.#choose("cohort", cohort.value) } },
      this.#cohorts.map(([name]) => el("option", { value: name }, name)),
    );
    cohort.value = this.#cohort;
    const buttons = cases.map((name) =>
      el("button", { type: "button", class: "quiet", dataset: { case: name }, "aria-pressed": String(name === this.#case), on: { click: () => this.#choose("case", name) } }, t(`models.case_${name}`)),
    );
    this.#parts.choices.replaceChildren(
      el("label", { for: "models-cohort" }, t("models.cohort")),
      cohort,
      el("div", { class: "row cases", role: "group", "aria-label": t("models.case") }, buttons),
    );
  }

  #choose(what, value) {
    if (what === "cohort") this.#cohort = value;
    else this.#case = value;
    this.#drawCase();
    this.#parts.choices.querySelector(what === "cohort" ? "select" : `[data-case="${value}"]`).focus();
  }

  #drawTiles() {
    const { el, t, percent, number } = this.#app;
    const figures = this.#cohorts.find(([name]) => name === this.#cohort)[1].cases[this.#case];
    const precision = this.#app.precision() ?? this.#version.calibration?.default_precision ?? null;
    const made = precision === null ? null : decisionAt(figures, precision);
    const interval = ({ low, high }) => t("models.between", { low: percent(low, 1), high: percent(high, 1) });
    const share = (name, value) => value !== undefined && tile(t(`models.${name}`), percent(value, 1));
    const tile = (name, value, hint = null) => el("div", { class: "tile" }, el("dt", {}, name), el("dd", {}, value, hint && el("span", { class: "hint" }, hint)));
    this.#parts.tiles.replaceChildren(
      ...[
        tile(t("models.listings"), number(figures.n)),
        figures.accuracy && tile(t("models.accuracy"), percent(figures.accuracy.value, 1), interval(figures.accuracy)),
        figures.f1_weighted && tile(t("models.f1_weighted"), percent(figures.f1_weighted.value, 1), interval(figures.f1_weighted)),
        share("top3", figures.top3_accuracy),
        share("ece", figures.ece),
        made?.accepted > 0 && tile(t("models.filed_at", { precision: saidPrecision(this.#app, precision) }), percent(made.coverage, 1), t("models.right_of_these", { right: percent(made.achieved.value, 1) })),
      ].filter(Boolean),
    );
  }
}
