// The numbers of a figure as a table, for those who would rather read them.

/** A closed `<details>` with a table; `head` and the cells of `rows` are texts. */
export function figureTable(app, caption, head, rows) {
  const { el } = app;
  return el(
    "details",
    { class: "as-table" },
    el("summary", {}, app.t("models.as_table")),
    el(
      "div",
      { class: "scrolls", tabindex: "0", role: "region", "aria-label": caption },
      el(
        "table",
        { class: "figures-table" },
        el("caption", { class: "unseen" }, caption),
        el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((text) => el("td", { class: "numbers" }, text))))),
      ),
    ),
  );
}
