// How many listings are filed without a person at the precision that is asked for; the slider asks the whole page's.

import { figureTable } from "./figure-table.js";
import { Plot, ticksBetween } from "./plot.js";
import { LEAST, MOST, STEP, saidPrecision } from "../lib/precision.js";

export class Coverage {
  #app;
  #figures;
  #calibration;
  #said;
  #drawn;
  #slider;

  constructor(app, figures, calibration) {
    this.#app = app;
    this.#figures = figures;
    this.#calibration = calibration;
    const { el, t } = app;
    const own = calibration?.default_precision ?? null;
    this.#slider = el("input", {
      type: "range",
      id: "models-precision",
      min: LEAST,
      max: MOST,
      step: STEP,
      on: { input: () => this.draw(this.asked), change: () => app.setPrecision(this.asked) },
    });
    this.#said = el("output", { class: "coverage-said", for: "models-precision" });
    this.#drawn = el("div", { class: "coverage-drawn" });
    this.element = el(
      "section",
      { class: "card figure", id: "models-coverage" },
      el("h3", {}, t("models.coverage")),
      el("p", { class: "hint" }, t("models.coverage_says")),
      el(
        "div",
        { class: "field" },
        el("label", { for: "models-precision" }, t("models.precision")),
        this.#slider,
        own === null
          ? null
          : el("button", { type: "button", class: "quiet own-precision", on: { click: () => app.setPrecision(null) } }, t("models.precision_own", { precision: saidPrecision(app, own) })),
      ),
      this.#said,
      this.#drawn,
      this.#table(),
    );
    this.refresh();
  }

  /** The slider's precision; 0.005 steps are not exact in binary. */
  get asked() {
    return Math.round(Number(this.#slider.value) * 1000) / 1000;
  }

  /** Follow the page's precision. */
  refresh() {
    const precision = this.#app.precision() ?? this.#calibration?.default_precision ?? 0.95;
    this.#slider.value = precision;
    this.draw(precision);
  }

  draw(precision) {
    this.#slider.setAttribute("aria-valuetext", saidPrecision(this.#app, precision));
    this.#said.textContent = this.#sentence(precision);
    this.#drawn.replaceChildren(this.#plot(precision));
  }

  #sentence(precision) {
    const { t, percent, number } = this.#app;
    const made = decisionAt(this.#figures, precision);
    const asked = saidPrecision(this.#app, precision);
    if (!made?.accepted) return t("models.coverage_none", { asked });
    return t("models.coverage_some", {
      asked,
      coverage: percent(made.coverage, 1),
      right: percent(made.achieved.value, 1),
      low: percent(made.achieved.low, 1),
      high: percent(made.achieved.high, 1),
      n: number(made.accepted),
    });
  }

  #plot(precision) {
    const { t, percent } = this.#app;
    const { sweep = [], decisions = [] } = this.#figures;
    const lowest = Math.min(LEAST, ...sweep.map((one) => one.precision));
    const from = Math.floor(10 * lowest) / 10;
    const plot = new Plot({
      x: { label: t("models.axis_filed"), from: 0, to: 1, ticks: ticksBetween(0, 1, 5) },
      y: { label: t("models.axis_right_filed"), from, to: 1, ticks: ticksBetween(from, 1, Math.round(10 * (1 - from))) },
      label: `${t("models.coverage")}. ${this.#sentence(precision)}`,
      percent: (tick) => percent(tick),
    });
    plot.line([[0, precision], [1, precision]], "asked");
    plot.line(sweep.map((one) => [one.coverage, one.precision]), "found");
    const active = decisionAt(this.#figures, precision);
    for (const made of decisions.filter((one) => one.accepted && one !== active)) this.#mark(plot, made, "other");
    if (active?.accepted) this.#mark(plot, active, "active");
    return plot.element;
  }

  #mark(plot, { precision, coverage, achieved }, kind) {
    const { t, percent } = this.#app;
    const said = t("models.decision", { precision: saidPrecision(this.#app, precision), coverage: percent(coverage, 1), right: percent(achieved.value, 1) });
    const active = kind === "active";
    plot.point([coverage, achieved.value], kind, said, active ? achieved : null, active ? 6 : 4);
  }

  #table() {
    const { t, percent, number } = this.#app;
    const rows = (this.#figures.decisions ?? []).map(({ precision, coverage, achieved, accepted }) => [
      saidPrecision(this.#app, precision),
      percent(coverage, 1),
      number(accepted),
      accepted ? percent(achieved.value, 1) : "–",
      accepted ? `${percent(achieved.low, 1)} – ${percent(achieved.high, 1)}` : "–",
    ]);
    const head = ["asked", "filed", "listings", "right", "interval"].map((name) => t(`models.${name}`));
    return figureTable(this.#app, t("models.coverage"), head, rows);
  }
}

/** What the version decides at a precision: thresholds exist for some, and the next higher one counts. */
export function decisionAt(figures, precision) {
  return (figures.decisions ?? []).find((one) => one.precision >= precision - 1e-9) ?? null;
}
