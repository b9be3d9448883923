// Why the answer is what it is: words that pushed it, parts of the photo that matter, and what if something were missing.

import { isAborted } from "../lib/api.js";
import { Latest } from "../lib/latest.js";
import { failure } from "../lib/notice.js";
import { decisionBadge } from "../lib/prediction.js";

const LEAST = 0.005; // words with less than half a point of confidence are not shown
const LEAST_PART = 0.001; // parts of a photo are many, and each counts less
const LEVELS = 4;
const LISTED = 6;

export class Why {
  /** `listing()` gives the form to explain. */
  constructor(app, listing) {
    this.app = app;
    this.listing = listing;
    this.latest = new Latest();
    this.element = app.el("section", { class: "why", id: "why", hidden: true });
  }

  /** Forget the explanation: the listing is another one. */
  reset() {
    this.latest.stop();
    this.element.hidden = true;
  }

  /** Offer to explain a prediction. `photo`: the address of its photo, or null. */
  offer(prediction, photo) {
    const { el } = this.app;
    const button = el("button", { type: "button", class: "quiet", id: "explain", t: "why.ask", on: { click: () => this.#ask(photo) } });
    this.element.replaceChildren(el("div", { class: "card row" }, button, el("span", { class: "hint", t: "why.hint" })));
    this.element.hidden = false;
  }

  #ask(photo) {
    this.element.setAttribute("aria-busy", "true");
    this.element.querySelector("button").disabled = true;
    this.latest.start((signal) => this.#explain(photo, signal));
  }

  async #explain(photo, signal) {
    let shown;
    try {
      const query = { lang: true, version: true, precision: true };
      shown = explanationCard(this.app, await this.app.api("/explain", { method: "POST", body: this.listing(), signal, query }), photo);
    } catch (error) {
      if (isAborted(error)) {
        return;
      }
      shown = failure(this.app, error, () => this.#ask(photo));
    }
    this.element.removeAttribute("aria-busy");
    this.element.replaceChildren(shown);
    this.element.querySelector("h3")?.focus();
  }
}

/** An answer of /explain. */
export function explanationCard(app, explanation, photo) {
  const { el } = app;
  return el(
    "article",
    { class: "card" },
    el("h3", { tabindex: -1 }, app.t("why.title", { label: explanation.category.label })),
    words(app, explanation.text),
    explanation.photo && photo && photoMap(app, explanation.photo, photo),
    whatIf(app, explanation),
  );
}

function words(app, fields) {
  const { el } = app;
  const said = Object.entries(fields ?? {});
  if (said.length === 0) {
    return null;
  }
  const all = said.flatMap(([, segments]) => segments).filter((one) => Math.abs(one.effect ?? 0) >= LEAST);
  const most = Math.max(...all.map((one) => Math.abs(one.effect)), LEAST);
  return el(
    "section",
    { class: "words" },
    el("h4", {}, app.t("why.words")),
    said.map(([field, segments]) => el("p", { class: `highlighted ${field}` }, segments.map((one) => marked(app, one, most)))),
    listed(app, "why.for", all.filter((one) => one.effect > 0)),
    listed(app, "why.against", all.filter((one) => one.effect < 0)),
    all.length === 0 && el("p", { class: "hint" }, app.t("why.no_word")),
    all.length > 0 && el("p", { class: "hint" }, app.t("why.words_hint")),
  );
}

function marked(app, { text, effect }, most) {
  if (effect === null || Math.abs(effect) < LEAST) {
    return text;
  }
  const level = Math.max(1, Math.round((LEVELS * Math.abs(effect)) / most));
  const side = effect > 0 ? "for" : "against";
  return app.el("mark", { class: `${side} level-${level}`, title: app.t(`why.${side}_points`, { points: app.points(effect) }) }, text);
}

function listed(app, title, segments) {
  if (segments.length === 0) {
    return null;
  }
  const strongest = [...segments].sort((one, other) => Math.abs(other.effect) - Math.abs(one.effect)).slice(0, LISTED);
  const chip = ({ text, effect }) => app.el("li", { class: `chip ${effect > 0 ? "for" : "against"}` }, `${text} `, app.el("b", {}, app.points(effect)));
  return app.el("div", { class: "row" }, app.el("span", { class: "hint" }, app.t(title)), app.el("ul", { class: "chips" }, strongest.map(chip)));
}

function photoMap(app, { rows, columns, effects }, address) {
  const { el } = app;
  const cells = effects.flatMap((line, row) => line.map((effect, column) => ({ effect, row, column })));
  const strongest = cells.reduce((best, one) => (one.effect > best.effect ? one : best));
  const most = Math.max(...cells.map((one) => Math.abs(one.effect)), LEAST_PART);
  const shown = ({ effect }) => {
    const side = effect > 0 ? "for" : "against";
    const strength = Math.abs(effect) < LEAST_PART ? 0 : Math.abs(effect) / most;
    return el("span", { class: `cell ${side}`, style: { "--strength": strength.toFixed(2) }, title: app.t(`why.${side}_points`, { points: app.points(effect) }) });
  };
  const made = cells.map(shown);
  if (strongest.effect >= LEAST_PART) {
    made[cells.indexOf(strongest)].classList.add("strongest");
  }
  const grid = el("div", { class: "grid", "aria-hidden": "true", style: { "grid-template": `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)` } }, made);
  const sentence = photoSentence(app, strongest, rows, columns);
  const toggle = el("input", { type: "checkbox", checked: true, id: "map", on: { change: () => (grid.hidden = !toggle.checked) } });
  return el(
    "section",
    { class: "photo-map" },
    el("h4", {}, app.t("why.photo")),
    el("figure", {}, el("div", { class: "overlaid" }, el("img", { src: address, alt: app.t("try.photo") }), grid), el("figcaption", {}, sentence)),
    el("label", { class: "row", for: "map" }, toggle, app.t("why.map")),
  );
}

function photoSentence(app, { effect, row, column }, rows, columns) {
  if (effect < LEAST_PART) {
    return app.t("why.no_part");
  }
  const third = (at, count) => Math.min(2, Math.floor((3 * (at + 0.5)) / count));
  return app.t("why.part", { place: app.t(`why.place_${third(row, rows)}_${third(column, columns)}`), points: app.points(-effect) });
}

function whatIf(app, { what_if: cases, category }) {
  const { el } = app;
  if (cases.length === 0) {
    return null;
  }
  const line = ({ without, category: other, confidence, decision }) =>
    el(
      "li",
      { dataset: { without } },
      el("span", {}, app.t(`why.without_${without}`)),
      el("strong", { class: "numbers" }, app.percent(confidence)),
      el("span", { class: other.code === category.code ? "hint" : "other" }, other.code === category.code ? other.label : app.t("why.other", { label: other.label })),
      decisionBadge(app, decision),
    );
  return el("section", { class: "what-if" }, el("h4", {}, app.t("why.what_if")), el("ul", {}, cases.map(line)));
}
