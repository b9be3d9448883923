// Axes for shares against shares, and what is drawn between them.

import { svg } from "../lib/svg.js";

const WIDTH = 460;
const HEIGHT = 340;
const EDGE = { left: 52, right: 24, top: 12, bottom: 46 };

export class Plot {
  /** `x` and `y`: {label, from, to, ticks}, all shares of 1; `percent` writes a tick. */
  constructor({ x, y, label, percent }) {
    this.x = scale(x, EDGE.left, WIDTH - EDGE.right);
    this.y = scale(y, HEIGHT - EDGE.bottom, EDGE.top);
    this.inside = svg("g", {});
    const axes = svg("g", { class: "axes", "aria-hidden": "true" }, this.#horizontal(x, percent), this.#vertical(y, percent));
    this.element = svg("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, axes, this.inside);
  }

  #horizontal({ label, ticks }, percent) {
    const bottom = HEIGHT - EDGE.bottom;
    return [
      ticks.map((tick) => svg("line", { class: "tick", x1: this.x(tick), x2: this.x(tick), y1: EDGE.top, y2: bottom })),
      ticks.map((tick) => svg("text", { x: this.x(tick), y: bottom + 17, "text-anchor": "middle" }, percent(tick))),
      svg("text", { class: "axis", x: (EDGE.left + WIDTH - EDGE.right) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, label),
    ];
  }

  #vertical({ label, ticks }, percent) {
    const middle = (EDGE.top + HEIGHT - EDGE.bottom) / 2;
    return [
      ticks.map((tick) => svg("line", { class: "tick", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: this.y(tick), y2: this.y(tick) })),
      ticks.map((tick) => svg("text", { x: EDGE.left - 7, y: this.y(tick) + 4, "text-anchor": "end" }, percent(tick))),
      svg("text", { class: "axis", "text-anchor": "middle", transform: `translate(11 ${middle}) rotate(-90)` }, label),
    ];
  }

  add(...elements) {
    this.inside.append(...elements.flat());
  }

  /** A line through [x, y] pairs. */
  line(points, kind) {
    const path = points.map(([x, y], index) => `${index ? "L" : "M"}${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`);
    this.add(svg("path", { class: `line ${kind}`, d: path.join("") }));
  }

  /** A point with its interval {low, high}, or null; `title` is what a pointer on it tells. */
  point([x, y], kind, title, interval = null, radius = 4) {
    const bar = interval && svg("line", { class: `interval ${kind}`, x1: this.x(x), x2: this.x(x), y1: this.y(interval.low), y2: this.y(interval.high) });
    const dot = svg("circle", { class: `dot-mark ${kind}`, cx: this.x(x), cy: this.y(y), r: radius }, svg("title", {}, title));
    this.add(...[bar, dot].filter(Boolean));
  }
}

/** Position of a share; what lies outside the axis is drawn at its end. */
function scale({ from, to }, start, end) {
  return (value) => start + (Math.min(Math.max(value, from), to) - from) / (to - from) * (end - start);
}

/** `count` + 1 ticks from `from` to `to`. */
export function ticksBetween(from, to, count) {
  return Array.from({ length: count + 1 }, (_, index) => from + ((to - from) * index) / count);
}
