// Where a version comes from, and what it must not be trusted with.

/** `version`: the answer of /models/{version}. The notes were written in English, and are marked so. */
export function provenance(app, version) {
  const { el, t } = app;
  const { run = {}, data = {}, libraries = {}, digest } = version.provenance ?? {};
  const card = run.card ?? {};
  return el(
    "section",
    { class: "card provenance", id: "models-provenance" },
    el("h3", {}, t("models.provenance")),
    el("div", { class: "provenance-columns" }, networks(app, version.networks), rows(app, data, card), limits(app, [...(card.limits ?? [])], "models.limits"), limits(app, data.notes ?? card.data ?? [], "models.notes")),
    el(
      "details",
      {},
      el("summary", {}, t("models.run")),
      el("pre", { class: "command tall", tabindex: "0" }, JSON.stringify({ run, libraries, digest }, null, 1)),
    ),
    el("p", { class: "hint" }, el("a", { href: `models/${encodeURIComponent(version.version)}` }, t("models.json"))),
  );
}

function networks(app, given) {
  const { el, t, number } = app;
  const facts = Object.entries(given ?? {}).map(([modality, { name, parameters, precision }]) =>
    el("li", {}, `${t(`models.case_${modality}`)}: `, el("code", {}, name), ` – ${t("models.network_facts", { parameters: number(parameters), precision })}`),
  );
  return el("div", {}, el("h4", {}, t("models.networks")), el("ul", { class: "entries" }, facts));
}

function rows(app, data, card) {
  const { el, t, number } = app;
  const counted = (key, kinds, words = {}) =>
    kinds && typeof kinds === "object"
      ? [
          el("h4", {}, t(key)),
          el("ul", { class: "entries" }, Object.entries(kinds).map(([name, count]) => el("li", {}, el("code", {}, name), ` ${number(count)}`, words[name] && el("span", { class: "hint", lang: "en" }, ` – ${words[name]}`)))),
        ]
      : [];
  const total = data.rows === undefined ? null : el("p", {}, t("models.rows", { rows: number(data.rows), photos: number(data.photos ?? 0) }));
  return el("div", {}, el("h4", {}, t("models.data")), total, counted("models.sources", data.sources, card.sources), counted("models.kinds", data.kinds, card.kinds));
}

function limits(app, lines, key) {
  const { el, t } = app;
  if (!lines.length) return null;
  return el("div", {}, el("h4", {}, t(key)), el("ul", { class: "bullets", lang: "en" }, lines.map((line) => el("li", {}, line))));
}
