// A prediction as a person reads it: the decision, the bars, what each modality says, the set, the disagreement.

import { icon } from "./dom.js";

/**
 * The card for one answer of /predict. `truth`: the true category {code, label, group}, for labelled listings;
 * it is marked among the bars and, unless `saysTruth` is false, said in a line. `ms`: how long the answer took.
 * The card does not follow the language: make it anew from a new answer.
 */
export function predictionCard(app, prediction, { truth = null, saysTruth = true, ms = null } = {}) {
  return app.el(
    "article",
    { class: "card prediction" },
    decision(app, prediction),
    truth && saysTruth && truthLine(app, truth, prediction.category.code === truth.code),
    scores(app, "prediction.best", prediction.predictions, { truth, threshold: prediction.decision.threshold }),
    modalities(app, prediction, truth),
    prediction.decision.reason !== "unfamiliar" && predictionSet(app, prediction), // the set of such a listing holds every category
    prediction.warnings.map((code) => app.el("p", { class: "hint" }, app.t(`warning.${code}`))),
    app.el("p", { class: "hint time" }, answered(app, prediction, ms)),
  );
}

/** The decision in one line with its icon: file it, or show it to a person. */
export function decisionBadge(app, { action }) {
  return app.el("span", { class: `badge ${action}` }, icon(action === "accept" ? "yes" : "person"), app.t(`prediction.${action}`));
}

/** Why the decision is what it is, as a sentence. */
export function decisionReason(app, { decision, confidence }) {
  return app.t(`prediction.${decision.action === "accept" ? "accept_why" : decision.reason}`, {
    confidence: app.percent(confidence, 1),
    threshold: decision.threshold === null ? "–" : app.percent(decision.threshold, 1),
    precision: app.percent(decision.precision, decision.precision * 100 % 1 ? 1 : 0),
  });
}

/** A labelled list of bars, best first. `threshold` is marked on the first bar. */
export function scores(app, title, list, { truth = null, threshold = null, small = false } = {}) {
  return app.el(
    "section",
    { class: small ? "scores small" : "scores" },
    app.el("h4", {}, app.t(title)),
    app.el("ol", { class: "bars" }, list.map((one, at) => bar(app, one, at === 0 ? threshold : null, truth))),
  );
}

function bar(app, { code, label, group, confidence }, threshold, truth) {
  const isTrue = truth?.code === code;
  return app.el(
    "li",
    { class: isTrue ? "bar true" : "bar", dataset: { code } },
    app.el("span", { class: "bar-label", title: group ? `${group} · ${code}` : code }, label, isTrue && icon("yes")),
    app.el("span", { class: "bar-value" }, app.percent(confidence, 1)),
    app.el(
      "span",
      { class: "bar-track", "aria-hidden": "true" },
      app.el("span", { class: "bar-fill", style: { width: `${100 * confidence}%` } }),
      threshold !== null &&
        app.el("span", {
          class: "bar-threshold",
          style: { left: `${100 * threshold}%` },
          title: app.t("prediction.threshold", { threshold: app.percent(threshold, 1) }),
        }),
    ),
  );
}

/** The code of a category, where its label is another; else null. */
export function saidCode(app, { code, label }) {
  return code === label ? null : app.t("prediction.code", { code });
}

function decision(app, prediction) {
  const { category, decision: made } = prediction;
  return app.el(
    "header",
    { class: `decision ${made.action}` },
    decisionBadge(app, made),
    app.el("h3", {}, category.label),
    app.el("p", { class: "hint" }, [category.group, saidCode(app, category)].filter(Boolean).join(" · ")),
    app.el("p", { class: "reason" }, decisionReason(app, prediction)),
  );
}

/** The true category in a line, and whether the prediction says the same. */
export function truthLine(app, truth, right) {
  return app.el(
    "p",
    { class: `truth ${right ? "right" : "wrong"}` },
    icon(right ? "yes" : "no"),
    app.el("span", {}, `${app.t("prediction.true")}: `, app.el("strong", {}, truth.label), ` – ${app.t(right ? "prediction.right" : "prediction.wrong")}`),
  );
}

function modalities(app, { by_modality: by, disagreement }, truth) {
  const said = ["text", "image"].filter((one) => by[one]);
  if (said.length < 2) {
    return null;
  }
  const differ = by.text[0].code !== by.image[0].code;
  const badge = disagreement
    ? app.el("p", { class: "badge review" }, icon("warning"), app.t("prediction.disagree"))
    : !differ && app.el("p", { class: "badge neutral" }, icon("yes"), app.t("prediction.agree"));
  return app.el(
    "div",
    { class: "modalities" },
    said.map((one) => scores(app, `prediction.${one}`, by[one].slice(0, 3), { truth, small: true })),
    badge,
  );
}

function predictionSet(app, { prediction_set: set, predictions, by_modality: by }) {
  const known = [...predictions, ...Object.values(by).flat()];
  const label = (code) => known.find((one) => one.code === code)?.label ?? app.label(code);
  const said = set.codes.length === 1 ? "prediction.set_one" : "prediction.set";
  return app.el(
    "section",
    { class: "set" },
    app.el("p", {}, app.t(said, { coverage: app.percent(set.coverage) })),
    app.el("ul", { class: "chips" }, set.codes.map((code) => app.el("li", { class: "chip" }, label(code)))),
  );
}

function answered(app, { model }, ms) {
  return ms === null
    ? app.t("prediction.answered", { version: model.version })
    : app.t("prediction.time", { version: model.version, ms: app.number(ms, { maximumFractionDigits: 0 }) });
}
