// A table of any length, of which only what can be seen is in the document.

import { settle } from "../lib/focus.js";

const HEIGHT = 72; // of a row in CSS pixels, as in batch.css
const NARROW_HEIGHT = 116;
const MARGIN_ROWS = 8; // drawn above and below what is seen, so that a quick scroll shows no gap
const NARROW = matchMedia("(width < 40rem)");

export class Grid {
  #app;
  #cells;
  #key;
  #rows = [];
  #drawn = new Map();
  #position = 0;
  #frame = 0;
  #onActive;
  #body;

  /** `columns`: [{name, t}]; `cells(row)`: an element for each, made anew when `key(row)` is another;
   * `onActive(row)`: the active row is another one. */
  constructor(app, { columns, cells, key, label, onActive }) {
    this.#app = app;
    this.#cells = cells;
    this.#key = key;
    this.#onActive = onActive;
    const { el } = app;
    this.#body = el("div", { role: "rowgroup", class: "grid-body" });
    const header = columns.map(({ name, t }) => el("div", { role: "columnheader", class: `listing-cell ${name}`, t }));
    this.element = el(
      "div",
      { class: "listing-grid", role: "grid", tabindex: "0", ta: { "aria-label": label }, "aria-colcount": columns.length },
      el("div", { role: "rowgroup", class: "grid-head" }, el("div", { role: "row", "aria-rowindex": "1", class: "grid-row" }, header)),
      this.#body,
    );
    this.element.addEventListener("scroll", () => this.#drawSoon(), { passive: true });
    this.#body.addEventListener("click", (event) => this.#clicked(event));
    NARROW.addEventListener("change", () => this.refresh());
    new ResizeObserver(() => this.#drawSoon()).observe(this.element);
  }

  get #height() {
    return NARROW.matches ? NARROW_HEIGHT : HEIGHT;
  }

  get active() {
    return this.#rows[this.#position] ?? null;
  }

  /** Show other rows. The active one stays if it is among them, else the one that took its place is active. */
  show(rows) {
    const before = this.active;
    const kept = before === null ? -1 : rows.indexOf(before);
    this.#rows = rows;
    this.#position = Math.max(0, Math.min(kept >= 0 ? kept : this.#position, rows.length - 1));
    this.refresh();
    if (this.active !== before) this.#onActive(this.active);
  }

  /** Draw what has changed: rows, words or the width. */
  refresh() {
    this.element.setAttribute("aria-rowcount", this.#rows.length + 1);
    this.#body.style.setProperty("height", `${this.#rows.length * this.#height}px`);
    this.#draw();
  }

  /** Make the row at `position` the active one, and bring it into view. */
  activate(position) {
    const most = this.#rows.length - 1;
    if (most < 0) return;
    this.#position = Math.max(0, Math.min(position, most));
    this.#reveal();
    this.#draw();
    this.#onActive(this.active);
  }

  move(by) {
    this.activate(this.#position + by);
  }

  /** The key's effect on the active row; false when it has none. */
  key(name) {
    const page = Math.max(1, Math.floor(this.#seen / this.#height) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(name in moves)) return false;
    this.move(moves[name]);
    return true;
  }

  get #head() {
    return this.element.firstElementChild.offsetHeight;
  }

  get #seen() {
    return this.element.clientHeight - this.#head;
  }

  #reveal() {
    const top = this.#position * this.#height;
    const { scrollTop } = this.element;
    if (top < scrollTop) {
      this.element.scrollTop = top;
    } else if (top + this.#height > scrollTop + this.#seen) {
      this.element.scrollTop = top + this.#height - this.#seen;
    }
  }

  #drawSoon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const top = this.element.scrollTop;
    const first = Math.max(0, Math.floor(top / this.#height) - MARGIN_ROWS);
    const last = Math.min(this.#rows.length, Math.ceil((top + this.element.clientHeight) / this.#height) + MARGIN_ROWS);
    const before = this.#drawn;
    this.#drawn = new Map();
    for (let position = first; position < last; position += 1) {
      const row = this.#rows[position];
      const place = [row.number, position === this.#position, position * this.#height, this.#key(row)].join(" ");
      const kept = before.get(position);
      this.#drawn.set(position, kept?.row === row && kept.place === place ? kept : { row, place, element: this.#row(position) });
    }
    settle(this.#body, [...this.#drawn.values()].map(({ element }) => element));
    const active = this.#drawn.get(this.#position)?.element;
    active ? this.element.setAttribute("aria-activedescendant", active.id) : this.element.removeAttribute("aria-activedescendant");
  }

  #row(position) {
    const row = this.#rows[position];
    return this.#app.el(
      "div",
      {
        role: "row",
        class: "grid-row",
        id: `grid-row-${row.number}`,
        "aria-rowindex": position + 2,
        "aria-selected": String(position === this.#position),
        style: { transform: `translateY(${position * this.#height}px)` },
      },
      this.#cells(row),
    );
  }

  /** By the place: the row that was pressed may have been drawn anew before it was released. */
  #clicked(event) {
    this.activate(Math.floor((event.clientY - this.#body.getBoundingClientRect().top) / this.#height));
  }
}
