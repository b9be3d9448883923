// How far a table is through the service, and what can be done: start, cancel, go on, try again, save.

import { replaceKeepingFocus } from "./focus.js";
import { failure, notice } from "./notice.js";
import { saidPrecision } from "./precision.js";
import { FILTERS, STATES, counts } from "./row.js";
import { isPassing } from "./sending.js";

const LEAST_SECONDS = 2; // of work before a remaining time is guessed
const MINUTE = 60;

export class Run {
  #app;
  #actions;

  /** `actions`: {start, cancel, resume, again, undo, download, restart}, each called without arguments. */
  constructor(app, actions) {
    this.#app = app;
    this.#actions = actions;
    this.element = app.el("div", { class: "run" });
  }

  /** `sending` is null before the first start; `undoable`: whether a decision can be taken back. */
  draw({ rows, sending, undoable }) {
    const { el, t } = this.#app;
    const values = numbers(this.#app, rows);
    const line = sending ? t("batch.progress", values) : t("batch.ready", values);
    const parts = [
      el(
        "div",
        { class: "run-line" },
        el("p", { class: "numbers" }, line, this.#pace(sending)),
        el("div", { class: "row" }, this.#buttons(rows, sending, undoable)),
      ),
      sending && el("progress", { max: rows.length, value: answered(rows), "aria-label": t("batch.progress_label") }),
      sending?.problem && failure(this.#app, sending.problem, this.#actions.resume),
      sending && sending.options.precision !== this.#app.precision() && this.#otherPrecision(sending),
    ];
    replaceKeepingFocus(this.element, parts.filter(Boolean));
  }

  fail(error) {
    this.element.append(failure(this.#app, error, this.#actions.start));
  }

  #buttons(rows, sending, undoable) {
    const resting = sending !== null && !sending.running;
    const usable = rows.some((row) => row.title.trim() || row.description.trim() || row.photo);
    const saves = sending !== null && answered(rows) > 0;
    return [
      sending === null && this.#button("start", { disabled: !usable }),
      sending?.running && this.#button("cancel", { class: "quiet" }),
      resting && sending.left > 0 && this.#button("resume"),
      resting && rows.some((row) => row.error && isPassing(row.error.code)) && this.#button("again", { class: "quiet" }),
      undoable && this.#button("undo", { class: "quiet" }),
      saves && this.#button("download", { class: sending.running || sending.left ? "quiet" : null }),
    ];
  }

  #button(name, props = {}) {
    const click = this.#actions[name];
    return this.#app.el("button", { type: "button", id: `batch-${name}`, t: `batch.${name}`, on: { click }, ...props });
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

function answered(rows) {
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
