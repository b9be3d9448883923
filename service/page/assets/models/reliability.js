// Reliability diagram: of the listings with a confidence, how many are right (bins of equally many listings).

import { figureTable } from "./figure-table.js";
import { Plot, ticksBetween } from "./plot.js";

const Z = 1.96; // two-sided 95 %

/** A figure of a case's `reliability` bins; null when the version has none. */
export function reliability(app, figures) {
  const { el, t, percent, number } = app;
  const bins = figures.reliability;
  if (!bins?.length) return null;
  const axis = (key) => ({ label: t(key), from: 0, to: 1, ticks: ticksBetween(0, 1, 5) });
  const title = t("models.reliability");
  const plot = new Plot({ x: axis("models.axis_confidence"), y: axis("models.axis_right"), label: title, percent: (tick) => percent(tick) });
  plot.line([[0, 0], [1, 1]], "ideal");
  plot.line(bins.map((bin) => [bin.confidence, bin.accuracy]), "found");
  for (const bin of bins) {
    const said = t("models.bin", { confidence: percent(bin.confidence, 1), right: percent(bin.accuracy, 1), n: number(bin.n) });
    plot.point([bin.confidence, bin.accuracy], "found", said, wilson(bin.accuracy, bin.n));
  }
  const error = { ece: percent(figures.ece, 1), chance: figures.ece_chance === undefined ? "–" : percent(figures.ece_chance, 1) };
  return el(
    "section",
    { class: "card figure", id: "models-reliability" },
    el("h3", {}, title),
    el("p", { class: "hint" }, t("models.reliability_says", error)),
    plot.element,
    figureTable(app, title, [t("models.axis_confidence"), t("models.axis_right"), t("models.listings")],
      bins.map((bin) => [percent(bin.confidence, 1), percent(bin.accuracy, 1), number(bin.n)])),
  );
}

/** Wilson's 95 % interval of a share of n (Wilson 1927); only drawn, the version's own figures have exact ones. */
function wilson(share, n) {
  const centre = (share + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
  const half = (Z / (1 + Z ** 2 / n)) * Math.sqrt((share * (1 - share)) / n + Z ** 2 / (4 * n ** 2));
  return { low: centre - half, high: centre + half };
}
