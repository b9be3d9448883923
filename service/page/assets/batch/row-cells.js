// A row of the table as its cells.

import { icon } from "../lib/dom.js";
import { errorSentence } from "./review.js";

export const COLUMNS = ["id", "title", "category", "confidence", "decision"];
const TITLE_CHARACTERS = 300;

/** One element for each of COLUMNS. `labels`: those of the version that answered. */
export function rowCells(app, labels, row) {
  const { el, t, number } = app;
  const cell = (name, ...children) => el("div", { role: "gridcell", class: `listing-cell ${name}` }, children);
  const title = row.title.trim() || row.description.trim() || t("batch.no_title");
  return [
    cell("id", row.id || number(row.number + 1)),
    cell("title", row.photo && icon("photo"), el("span", { title }, title.slice(0, TITLE_CHARACTERS))),
    cell("category", category(app, labels, row)),
    cell("confidence numbers", confidence(app, row)),
    cell("decision", badge(app, row)),
  ];
}

function category(app, labels, row) {
  const { el, t } = app;
  const { category: code } = row;
  if (code !== null) {
    const label = labels.label(code);
    return [el("span", { class: "category-label", title: label }, label), row.isRight !== null && verdict(app, labels, row)];
  }
  return el("span", { class: "hint" }, row.error ? errorSentence(app, row.error) : t(`batch.state_${row.state}`));
}

/** Whether the table says the same; if not, what it says. */
function verdict(app, labels, { isRight, truth }) {
  const { el, t } = app;
  const label = labels.label(truth);
  const words = isRight ? t("batch.verdict_right") : t("batch.rather", { label });
  return el("span", { class: `verdict ${isRight ? "right" : "wrong"}`, title: words }, icon(isRight ? "yes" : "no"), el("span", {}, words));
}

function confidence(app, { answer, choice }) {
  if (!answer || choice !== null) return null;
  const width = `${100 * answer.confidence}%`;
  const meter = app.el("span", { class: `meter ${answer.decision.action}`, "aria-hidden": "true" }, app.el("span", { style: { width } }));
  return [meter, app.percent(answer.confidence)];
}

function badge(app, row) {
  const said = (kind, sign, t) => app.el("span", { class: `badge ${kind}` }, icon(sign), app.t(t));
  if (row.choice !== null) return said("person", "person", "batch.by_you");
  if (row.error) return said("wrong", "warning", "batch.error");
  if (!row.answer) return null;
  const { action } = row.answer.decision;
  return said(action, action === "accept" ? "yes" : "person", `batch.${action}`);
}
