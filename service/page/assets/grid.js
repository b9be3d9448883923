// A table of any length, of which only what can be seen is in the document.

const HEIGHT = 44; // of a row in CSS pixels, as in batch.css
const NARROW_HEIGHT = 68;
const MARGIN_ROWS = 8; // drawn above and below what is seen, so that a quick scroll shows no gap
const NARROW = matchMedia("(width < 40rem)");

export class Grid {
  #app;
  #cells;
  #rows = [];
  #drawn = new Map();
  #position = 0;
  #frame = 0;
  #onActive;
  #body;

  /** `columns`: [{name, t}]; `cells(row)`: an element for each; `onActive(row)`: the active row is another one. */
  constructor(app, { columns, cells, label, onActive }) {
    this.#app = app;
    this.#cells = cells;
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

  /** Draw anew: rows, words or the width have changed. */
  refresh() {
    this.#drawn.clear();
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
    this.#drawn.clear();
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
    for (const position of this.#drawn.keys()) {
      if (position < first || position >= last) this.#drawn.delete(position);
    }
    const shown = [];
    for (let position = first; position < last; position += 1) {
      if (!this.#drawn.has(position)) this.#drawn.set(position, this.#row(position));
      shown.push(this.#drawn.get(position));
    }
    this.#body.replaceChildren(...shown);
    const active = this.#drawn.get(this.#position);
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
        dataset: { position },
      },
      this.#cells(row),
    );
  }

  #clicked(event) {
    const row = event.target.closest("[data-position]");
    if (row) this.activate(Number(row.dataset.position));
  }
}
