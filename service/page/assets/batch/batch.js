// Batch: a whole table through the service, corrected by keyboard, and saved again.

import { Grid } from "./grid.js";
import { Labels } from "../lib/labels.js";
import { resultFile } from "./result-file.js";
import { KEYS, Review } from "./review.js";
import { FILTERS, STATES, counts } from "./row.js";
import { COLUMNS, rowCells } from "./row-cells.js";
import { Run, answered, numbers } from "./run.js";
import { Selection } from "./selection.js";
import { Sending, isPassing } from "./sending.js";
import { Source } from "./source.js";

const NAME_CHARACTERS = 80;

export function mount(panel, app) {
  const batch = new Batch(app);
  panel.append(app.el("h2", { t: "batch.title" }), app.el("p", { class: "lead", t: "batch.lead" }), batch.element);
}

class Batch {
  #app;
  #labels;
  #source;
  #grid;
  #review;
  #selection;
  #run;
  #table = null;
  #sending = null;
  #filter = "all";
  #undo = []; // lists of {row, choice}, as each was before
  #partial = null;
  #parts = {};
  #drawing = 0;

  constructor(app) {
    this.#app = app;
    this.#labels = new Labels(app);
    this.#source = new Source(app, (table, isSame) => (isSame ? this.#judge() : this.#ready(table)));
    this.#review = new Review(app, this.#labels, (code) => this.#choose(code));
    this.#selection = new Selection(app, this.#labels, { onChange: () => this.#table && this.#draw(), onConfirm: () => this.#confirm() });
    this.#grid = new Grid(app, {
      columns: COLUMNS.map((name) => ({ name, t: `batch.column_${name}` })),
      cells: (row) => rowCells(app, this.#labels, row),
      key: (row) => [row.state, row.choice, row.truth, row.id, row.title, row.photo?.name, app.lang(), this.#labels.lang].join(" "),
      label: "batch.table",
      onActive: (row) => this.#review.show(row),
    });
    this.#run = new Run(app, {
      start: () => this.#start(),
      cancel: () => this.#sending.cancel(),
      resume: () => this.#send(),
      again: () => this.#again(),
      undo: () => this.#takeBack(),
      download: () => this.#download(),
      restart: () => this.#restart(),
    });
    this.element = this.#layout();
    app.onLang(() => this.#speak());
    app.onPrecision(() => this.#draw());
    app.onBack(() => this.#sending?.problem?.isDown && this.#send());
  }

  #layout() {
    const { el } = this.#app;
    this.#parts = {
      said: el("p", { class: "unseen", role: "status" }),
      filters: el("div", { class: "row filters", role: "group", ta: { "aria-label": "batch.filters" } }, FILTERS.map((filter) => this.#filterButton(filter))),
    };
    this.#parts.work = el(
      "div",
      { class: "work", hidden: true, on: { keydown: (event) => this.#key(event) } },
      this.#parts.filters,
      this.#selection.element,
      el("div", { class: "work-columns" }, this.#grid.element, this.#review.element),
    );
    return el("div", { class: "batch" }, this.#source.element, this.#run.element, this.#parts.said, this.#parts.work);
  }

  /** A table was read, or its columns or photos changed: what was answered before no longer holds. */
  #ready(table) {
    this.#sending?.cancel();
    this.#sending = null;
    this.#undo = [];
    this.#partial = null;
    this.#table = table;
    table.rows.forEach((row) => row.forget());
    this.#filter = "all";
    this.#selection.reset();
    this.#parts.work.hidden = false;
    this.#judge();
  }

  /** Find the true categories that the table names among those of the version that answers. */
  #judge() {
    for (const row of this.#table.rows) row.truth = row.label ? this.#labels.code(row.label) : null;
    this.#draw();
  }

  async #start() {
    try {
      await this.#labels.load(this.#app.version());
    } catch (error) {
      this.#run.fail(error);
      return;
    }
    this.#judge();
    // One version and one precision for the whole table, whatever is chosen or promoted meanwhile.
    const options = {
      version: this.#labels.version,
      precision: this.#app.precision(),
      top_k: Math.min(KEYS, this.#labels.count),
    };
    this.#sending = new Sending(this.#app, this.#table.rows, options, () => this.#drawSoon());
    await this.#send();
  }

  async #send() {
    const sending = this.#sending;
    const running = sending.start();
    this.#draw();
    await running;
    if (sending !== this.#sending) return;
    this.#draw();
    if (!sending.left) this.#say("batch.done", numbers(this.#app, this.#table.rows));
  }

  #again() {
    this.#sending.again(this.#table.rows.filter((row) => row.state === STATES.failed && isPassing(row.error.code)));
    this.#send();
  }

  #restart() {
    this.#ready(this.#table);
    this.#start();
  }

  /** What the person decided for the active row: a code, or null for nothing. Then the next row is up. */
  #choose(code) {
    const row = this.#grid.active;
    if (!row?.answer) return;
    const clicked = this.#review.element.contains(document.activeElement);
    if (row.choice !== code) {
      this.#undo.push([{ row, choice: row.choice }]);
      row.choice = code;
      this.#draw();
      this.#sayChoice(row);
    }
    if (code !== null && this.#grid.active === row) this.#grid.move(1);
    if (clicked) this.#grid.element.focus({ preventScroll: true }); // what was clicked is gone
  }

  #sayChoice({ number, choice }) {
    if (choice === null) {
      this.#say("batch.said_undone", { row: number + 1 });
    } else {
      const values = { row: number + 1, label: this.#labels.label(choice), ...numbers(this.#app, this.#table.rows) };
      this.#say("batch.said_chosen", values);
    }
  }

  #takeBack() {
    const last = this.#undo.pop();
    if (!last) return;
    for (const { row, choice } of last) row.choice = choice;
    this.#draw();
    const position = this.#shown().indexOf(last[0].row);
    if (position >= 0) this.#grid.activate(position);
    last.length === 1 ? this.#sayChoice(last[0].row) : this.#say("batch.said_many_undone", { count: this.#app.number(last.length) });
  }

  /** What the model says of each row shown that nobody has decided yet becomes the person's decision. */
  #confirm() {
    const rows = this.#shown().filter((row) => row.answer && row.choice === null);
    this.#undo.push(rows.map((row) => ({ row, choice: null })));
    for (const row of rows) row.choice = row.answer.code;
    this.#draw();
    this.#say("batch.said_confirmed", { count: this.#app.number(rows.length), ...numbers(this.#app, this.#table.rows) });
  }

  #key(event) {
    const inField = event.target.closest("select, input, textarea") !== null;
    if (inField || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      this.#takeBack();
    } else if (event.ctrlKey || event.metaKey || !this.#takesKey(event)) {
      return;
    }
    event.preventDefault();
  }

  #takesKey({ key, target }) {
    const row = this.#grid.active;
    if (/^[1-9]$/.test(key)) {
      const chosen = row?.answer?.top[Number(key) - 1];
      if (chosen) this.#choose(chosen.code);
      return Boolean(chosen);
    }
    if (key === "Enter" && target === this.#grid.element) {
      if (row?.answer) this.#choose(row.choice ?? row.answer.code);
      return true;
    }
    if (key === "Escape") {
      this.#choose(null);
      return true;
    }
    return this.#grid.key(key);
  }

  #filtered() {
    return this.#filter === "all" ? this.#table.rows : this.#table.rows.filter((row) => row.isIn(this.#filter));
  }

  #shown() {
    return this.#selection.rows(this.#filtered());
  }

  #drawSoon() {
    this.#drawing ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    if (!this.#table) return;
    this.#run.draw({ rows: this.#table.rows, sending: this.#sending, undoable: this.#undo.length > 0, partial: this.#partial });
    this.#drawFilters();
    const filtered = this.#filtered();
    const shown = this.#selection.rows(filtered);
    this.#selection.draw(filtered, shown);
    this.#grid.show(shown);
    this.#review.show(this.#grid.active);
  }

  #filterButton(filter) {
    const { el } = this.#app;
    const click = () => this.#show(filter);
    const words = [el("span", { t: `batch.filter_${filter}` }), " ", el("span", { class: "count numbers" })];
    return el("button", { type: "button", class: "quiet", dataset: { key: filter }, on: { click } }, words);
  }

  #drawFilters() {
    const found = counts(this.#table.rows);
    for (const button of this.#parts.filters.children) {
      button.setAttribute("aria-pressed", String(button.dataset.key === this.#filter));
      button.lastElementChild.textContent = this.#app.number(found[button.dataset.key]);
    }
  }

  #show(filter) {
    this.#filter = filter;
    this.#draw();
    this.#grid.activate(0);
  }

  #download() {
    const { rows } = this.#table;
    const done = answered(rows);
    const isPartial = done < rows.length;
    const url = URL.createObjectURL(resultFile(this.#table, (code) => this.#labels.label(code)));
    const name = resultName(this.#table.name, isPartial ? `-partial-${done}-of-${rows.length}` : "");
    const link = this.#app.el("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    this.#partial = isPartial ? { name, done: this.#app.number(done), all: this.#app.number(rows.length) } : null;
    this.#draw();
  }

  async #speak() {
    this.#source.refresh();
    this.#draw();
    if (this.#labels.version === null) return;
    try {
      await this.#labels.load(this.#labels.version);
      this.#draw();
    } catch {
      // The labels of before stay.
    }
  }

  #say(key, values) {
    this.#parts.said.textContent = this.#app.t(key, values);
  }
}

/** The table's name with ours and an ending behind it; what file systems may not like is left out. */
function resultName(name, ending) {
  const stem = name.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}._ -]/gu, "_").slice(0, NAME_CHARACTERS);
  return `${stem || "table"}-pykuten${ending}.csv`;
}
