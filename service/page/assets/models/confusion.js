// The confusion matrix: true categories as rows, predicted ones as columns, shaded by the logarithm of the count.

import { ConfusedPair } from "./confused-pair.js";
import { svg } from "../lib/svg.js";

const CELL = 20; // CSS pixels at full size
const LEAST_LEFT = 196;
const FULL = 820; // CSS pixels that there are beside the pair, on a desk
const DESK = matchMedia("(width >= 64rem)");
const TOP = 128;
const RIGHT = 64; // the last column's slanted label needs it
const CHARACTER = 7; // CSS pixels of a letter, about
const COLUMN_CHARACTERS = 20;
const FAINTEST = 0.14;
const PAIRS = 8;
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class Confusion {
  #app;
  #labels;
  #codes;
  #counts;
  #pair;
  #left; // where the cells begin: few categories leave room for long names
  #at = null;
  #pinned = false;
  #frame;
  #names = { row: [], column: [] };

  /** `counts[i][j]`: listings of category `codes[i]` that were taken for `codes[j]`. */
  constructor(app, labels, { codes, counts, version }) {
    this.#app = app;
    this.#labels = labels;
    this.#codes = codes;
    this.#counts = counts;
    this.#pair = new ConfusedPair(app, labels, version);
    const longest = Math.max(...codes.map((code) => labels.label(code).length));
    const room = DESK.matches ? FULL - codes.length * CELL - RIGHT : LEAST_LEFT;
    this.#left = Math.max(LEAST_LEFT, Math.min(room, CHARACTER * (longest + 2)));
    const { el, t } = app;
    this.element = el(
      "section",
      { class: "card figure confusion", id: "models-confusion" },
      el("h3", {}, t("models.confusion")),
      el("p", { class: "hint" }, t("models.confusion_says")),
      el("div", { class: "confusion-columns" }, this.#matrix(), el("div", { class: "confusion-side" }, this.#pair.element, this.#worst())),
    );
  }

  #matrix() {
    const { el, t } = this.#app;
    const size = this.#codes.length * CELL;
    this.#frame = svg("rect", { class: "cell-frame", width: CELL, height: CELL, visibility: "hidden" });
    const drawing = svg(
      "svg",
      { viewBox: `0 0 ${this.#left + size + RIGHT} ${TOP + size + 30}`, class: "matrix", role: "group", tabindex: "0", "aria-label": t("models.confusion"), "aria-describedby": this.#pair.id },
      this.#axes(size),
      svg("rect", { class: "matrix-ground", x: this.#left, y: TOP, width: size, height: size }),
      this.#cells(),
      this.#frame,
    );
    drawing.style.setProperty("--full", `${this.#left + size + RIGHT}px`);
    drawing.addEventListener("pointermove", (event) => !this.#pinned && this.#point(event));
    drawing.addEventListener("click", (event) => this.#point(event) && this.#pin());
    drawing.addEventListener("keydown", (event) => this.#key(event));
    drawing.addEventListener("focus", () => this.#at === null && this.#show(...this.#start()));
    return el("div", { class: "scrolls", role: "region", tabindex: "0", "aria-label": t("models.confusion") }, drawing);
  }

  #axes(size) {
    const { t } = this.#app;
    const labels = this.#codes.map((code) => this.#labels.label(code));
    this.#names.row = labels.map((label, index) =>
      svg("text", { class: "name", x: this.#left - 6, y: TOP + (index + 0.7) * CELL, "text-anchor": "end" }, shortened(label, Math.floor(this.#left / CHARACTER) - 2), svg("title", {}, label)),
    );
    this.#names.column = labels.map((label, index) => {
      const place = `translate(${this.#left + (index + 0.7) * CELL} ${TOP - 6}) rotate(-60)`;
      return svg("text", { class: "name", transform: place }, shortened(label, COLUMN_CHARACTERS), svg("title", {}, label));
    });
    return svg(
      "g",
      { "aria-hidden": "true" },
      svg("text", { class: "axis", x: this.#left - 6, y: TOP - 10, "text-anchor": "end" }, `${t("models.true")} ↓`),
      svg("text", { class: "axis", x: this.#left + size / 2, y: TOP + size + 22, "text-anchor": "middle" }, `${t("models.predicted")} ↑`),
      this.#names.row,
      this.#names.column,
    );
  }

  #cells() {
    const most = Math.log1p(Math.max(1, ...this.#counts.flat()));
    return svg(
      "g",
      { "aria-hidden": "true" },
      this.#counts.map((row, i) =>
        row.map((count, j) => {
          if (!count) return null;
          const shade = FAINTEST + (1 - FAINTEST) * (Math.log1p(count) / most);
          const [x, y] = [this.#left + j * CELL, TOP + i * CELL];
          return [
            svg("rect", { class: i === j ? "right" : "wrong", x, y, width: CELL, height: CELL, "fill-opacity": shade.toFixed(3) }),
            svg("text", { class: shade > 0.55 ? "tally on" : "tally", x: x + CELL / 2, y: y + CELL / 2 + 3, "text-anchor": "middle" }, String(count)),
          ];
        }),
      ),
    );
  }

  /** The pairs that are confused most, as buttons: the quick way in, and the one for touch and screen readers. */
  #worst() {
    const { el, t, number } = this.#app;
    const pairs = this.#counts
      .flatMap((row, i) => row.map((count, j) => ({ i, j, count })))
      .filter(({ i, j, count }) => i !== j && count > 0)
      .sort((one, other) => other.count - one.count)
      .slice(0, PAIRS);
    const button = ({ i, j, count }) =>
      el(
        "button",
        { type: "button", class: "quiet pair", on: { click: () => this.#show(i, j) || this.#pin() } },
        el("span", {}, this.#labels.label(this.#codes[i]), el("span", { class: "arrow" }, " → "), this.#labels.label(this.#codes[j])),
        el("span", { class: "numbers" }, number(count)),
      );
    return el("div", { class: "worst" }, el("h4", {}, t("models.worst")), el("ul", {}, pairs.map((pair) => el("li", {}, button(pair)))));
  }

  #start() {
    const counts = this.#counts.map((row, i) => row.map((count, j) => (i === j ? 0 : count)));
    const most = Math.max(...counts.flat());
    const i = counts.findIndex((row) => row.includes(most));
    return [i, counts[i].indexOf(most)];
  }

  #point(event) {
    const drawing = event.currentTarget;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
    const [i, j] = [Math.floor((at.y - TOP) / CELL), Math.floor((at.x - this.#left) / CELL)];
    if (this.#counts[i]?.[j] === undefined) return false;
    this.#show(i, j);
    return true;
  }

  #key(event) {
    const { key } = event;
    const [i, j] = this.#at ?? this.#start();
    if (key in MOVES) {
      const most = this.#codes.length - 1;
      const [down, right] = MOVES[key];
      this.#pinned = false;
      this.#show(Math.min(most, Math.max(0, i + down)), Math.min(most, Math.max(0, j + right)));
    } else if (key === "Enter" || key === " ") {
      this.#pin();
    } else if (key === "Escape") {
      this.#pinned = false;
    } else {
      return;
    }
    event.preventDefault();
  }

  #show(i, j) {
    if (this.#at?.[0] === i && this.#at[1] === j) return;
    this.#at = [i, j];
    this.#pinned = false;
    this.#frame.setAttribute("x", this.#left + j * CELL);
    this.#frame.setAttribute("y", TOP + i * CELL);
    this.#frame.setAttribute("visibility", "visible");
    this.#names.row.forEach((name, index) => name.classList.toggle("active", index === i));
    this.#names.column.forEach((name, index) => name.classList.toggle("active", index === j));
    const listings = this.#counts[i].reduce((sum, count) => sum + count, 0);
    this.#pair.show({ category: this.#codes[i], predicted: this.#codes[j], count: this.#counts[i][j], listings });
  }

  /** Stay at this cell, and fetch examples of it. */
  #pin() {
    this.#pinned = true;
    this.#pair.fetchExamples();
  }
}

function shortened(text, most) {
  return text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text;
}
