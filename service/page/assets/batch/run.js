// How far a table is through the service, and what can be done: start, cancel, go on, try again, save.

import { settle } from "../lib/focus.js";
import { failure, notice } from "../lib/notice.js";
import { saidPrecision } from "../lib/precision.js";
import { agreementWords } from "./agreement.js";
import { FILTERS, STATES, counts } from "./row.js";
import { isPassing } from "./sending.js";

const LEAST_SECONDS = 2; // of work before a remaining time is guessed
const MINUTE = 60;
const QUIET = new Set(["cancel", "again", "undo"]);

export class Run {
  #app;
  #actions;
  #line;
  #row;
  #progress;
  #agreement;
  #notices;
  #noticed = [];
  #buttons = {};

  /** `actions`: {start, cancel, resume, again, undo, download, restart}, each called without arguments. */
  constructor(app, actions) {
    this.#app = app;
    this.#actions = actions;
    const { el } = app;
    this.#line = el("p", { class: "numbers" });
    this.#row = el("div", { class: "row" });
    this.#progress = el("progress", { max: 1, value: 0, hidden: true, ta: { "aria-label": "batch.progress_label" } });
    this.#notices = el("div", { class: "notices" });
    const first = el("div", { class: "run-line" }, this.#line, this.#row);
    this.#agreement = el("p", { class: "agreement numbers" });
    this.element = el("div", { class: "run", hidden: true }, first, this.#progress, this.#agreement, this.#notices);
  }

  /** `sending` is null before the first start; `undoable`: whether a decision can be taken back; `partial`: {name, done}
   * of a file that was saved before all rows were answered, else null. */
  draw({ rows, sending, undoable, partial }) {
    const { t } = this.#app;
    const values = numbers(this.#app, rows);
    this.element.hidden = false;
    this.#line.textContent = (sending ? t("batch.progress", values) : t("batch.ready", values)) + this.#pace(sending);
    settle(this.#row, this.#shown(rows, sending, undoable).map((name) => this.#button(name)));
    this.#progress.hidden = sending === null;
    this.#progress.max = rows.length;
    this.#progress.value = answered(rows);
    this.#agreement.textContent = agreementWords(this.#app, rows);
    this.#drawNotices(sending, partial);
    this.#button("start").disabled = !rows.some((row) => row.title.trim() || row.description.trim() || row.photo);
    this.#button("download").className = sending?.running || sending?.left ? "quiet" : "";
  }

  /** The start failed. */
  fail(error) {
    this.#notices.replaceChildren(failure(this.#app, error, this.#actions.start));
  }

  #shown(rows, sending, undoable) {
    const resting = sending !== null && !sending.running;
    const when = {
      start: sending === null,
      cancel: sending?.running,
      resume: resting && sending.left > 0,
      again: resting && rows.some((row) => row.error && isPassing(row.error.code)),
      undo: undoable,
      download: sending !== null && answered(rows) > 0,
    };
    return Object.keys(when).filter((name) => when[name]);
  }

  #button(name) {
    const kind = QUIET.has(name) ? "quiet" : null;
    const click = this.#actions[name];
    const make = () => this.#app.el("button", { type: "button", id: `batch-${name}`, class: kind, t: `batch.${name}`, on: { click } });
    return (this.#buttons[name] ??= make());
  }

  #drawNotices(sending, partial) {
    const others = sending !== null && sending.options.precision !== this.#app.precision();
    const now = [sending?.problem, others && this.#app.precision(), this.#app.lang(), partial];
    if (now.every((one, at) => one === this.#noticed[at])) return;
    this.#noticed = now;
    const parts = [sending?.problem && failure(this.#app, sending.problem, this.#actions.resume), others && this.#otherPrecision(sending)];
    if (partial) parts.push(notice(this.#app, "warn", ["batch.partial", partial]));
    this.#notices.replaceChildren(...parts.filter(Boolean));
  }

  /** How fast it goes and how long it will take, or that the service makes it wait. */
  #pace(sending) {
    const { t, number } = this.#app;
    if (!sending?.running) return "";
    if (sending.busySeconds) return ` · ${t("batch.busy", { seconds: number(sending.busySeconds) })}`;
    if (sending.seconds < LEAST_SECONDS || !sending.answered) return "";
    const rate = sending.answered / sending.seconds;
    const left = sending.left / rate;
    const time =
      left < 1.5 * MINUTE
        ? t("batch.seconds", { count: number(Math.ceil(left)) })
        : t("batch.minutes", { count: number(Math.ceil(left / MINUTE)) });
    return ` · ${t("batch.pace", { rate: number(rate, { maximumSignificantDigits: 2 }), time })}`;
  }

  #otherPrecision(sending) {
    const { t, precision } = this.#app;
    const said = (value) => (value === null ? t("batch.own_precision") : saidPrecision(this.#app, value));
    const text = t("batch.other_precision", { used: said(sending.options.precision), now: said(precision()) });
    return notice(this.#app, "info", text, { t: "batch.restart", run: this.#actions.restart });
  }
}

/** How many rows have an answer or an error. */
export function answered(rows) {
  return rows.filter((row) => row.state === STATES.predicted || row.state === STATES.failed).length;
}

/** How many rows are in each filter, and `done`, as the language writes them. */
export function numbers(app, rows) {
  const found = counts(rows);
  return {
    ...Object.fromEntries(FILTERS.map((filter) => [filter, app.number(found[filter])])),
    done: app.number(answered(rows)),
  };
}
