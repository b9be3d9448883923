// Where the rows come from: a table, and its photos as files, a folder or a ZIP. Says what was understood.

import { FIELDS, guessColumns, photoNames } from "./columns.js";
import { notice } from "../lib/notice.js";
import { Photos, droppedFiles, inputFiles, isTable, isZip } from "./photos.js";
import { TABLE_BYTES, applyColumns, readTable } from "./table-file.js";
import { zipEntries } from "./zip.js";

const SAMPLES = 24;
const EXAMPLE_CHARACTERS = 80;
const FAULTS = 5;

export class Source {
  #app;
  #onReady;
  #columns = null;
  #photos = new Photos();
  #photosGiven = false;
  #open = false;
  #facts;

  /** `onReady(table, isSame)`: a table was read, or its columns or photos are others now; `isSame`: what is sent is not. */
  constructor(app, onReady) {
    this.#app = app;
    this.#onReady = onReady;
    this.table = null;
    this.#facts = app.el("div", { class: "source-facts" });
    this.element = app.el("section", { class: "card source" }, this.#drop(), this.#facts);
  }

  #drop() {
    const { el } = this.#app;
    const zone = el(
      "div",
      { class: "drop" },
      el("p", { class: "drop-lead", t: "batch.drop" }),
      el(
        "div",
        { class: "row" },
        this.#chooser("batch.choose_table", { accept: ".csv,.tsv,.txt,text/csv", id: "batch-table" }, "button"),
        this.#chooser("batch.choose_photos", { accept: "image/jpeg,image/png,image/webp,image/gif,.zip", multiple: true, id: "batch-photos" }),
        this.#chooser("batch.choose_folder", { webkitdirectory: true, multiple: true, id: "batch-folder" }),
        el("button", { type: "button", class: "quiet", t: "batch.samples", on: { click: () => this.#samples() } }),
      ),
      el("p", { class: "hint", t: "batch.drop_hint" }),
    );
    const over = (on) => (event) => {
      event.preventDefault();
      zone.classList.toggle("over", on);
    };
    zone.addEventListener("dragover", over(true));
    zone.addEventListener("dragleave", over(false));
    zone.addEventListener("drop", (event) => {
      over(false)(event);
      this.take(droppedFiles(event.dataTransfer));
    });
    return zone;
  }

  #chooser(t, props, kind = "button quiet") {
    const { el } = this.#app;
    const input = el("input", { type: "file", class: "unseen", ...props });
    input.addEventListener("change", () => {
      const files = inputFiles(input);
      input.value = ""; // so that the same file can be chosen again
      this.take(files);
    });
    return el("label", { class: kind }, input, el("span", { t }));
  }

  /** Take in chosen or dropped files (or the promise of them): a table, photos, or both. */
  async take(given) {
    try {
      const files = await given;
      const table = files.find(({ file }) => isTable(file));
      const photos = files.filter(({ file }) => isZip(file) || file.type.startsWith("image/"));
      await this.#photos.addFiles(photos);
      this.#photosGiven ||= photos.length > 0;
      const found = table?.file ?? (await this.#tableInZip(photos));
      if (found) {
        await this.#read(found, table?.file.name ?? found.name);
      } else if (!photos.length) {
        this.#fail("nothing_usable");
        return;
      }
      this.#understood();
    } catch (error) {
      this.#fail(error.code ?? "unreadable");
    }
  }

  /** The one table of a ZIP, for those who pack everything together; only while there is none yet. */
  async #tableInZip(files) {
    if (this.table) return null;
    for (const { file } of files.filter((one) => isZip(one.file))) {
      const [entry, ...others] = (await zipEntries(file)).filter(({ name }) => isTable({ name }));
      if (entry && !others.length) return new File([await entry.blob(TABLE_BYTES)], entry.name);
    }
    return null;
  }

  async #read(blob, name) {
    this.table = await readTable(blob, name);
    this.#columns = guessColumns(this.table.header);
    this.#open = this.#columns.title < 0; // a person has to say which is the title
  }

  /** The service's own sample listings, as a table with photos. */
  async #samples() {
    try {
      const { listings } = await this.#app.api("/catalogue/listings", { query: { count: SAMPLES, lang: true } });
      const lines = listings.map((one) => [one.id ?? `row-${one.row}`, one.designation, one.description, one.image ?? ""]);
      const quoted = [["id", "designation", "description", "image"], ...lines].map((cells) =>
        cells.map((cell) => `"${String(cell ?? "").replaceAll('"', '""')}"`).join(","),
      );
      for (const { image } of listings.filter((one) => one.image)) {
        this.#photos.add(image, async () => (await this.#app.api(image, { raw: true })).blob());
      }
      this.#photosGiven = true;
      await this.#read(new Blob([quoted.join("\n")]), this.#app.t("batch.sample_name"));
      this.#understood();
    } catch (error) {
      this.#fail(error.code ?? "unreadable", error.sentence);
    }
  }

  #fail(code, sentence = null) {
    const key = `batch.error.${code}`;
    this.#facts.replaceChildren(notice(this.#app, "bad", sentence ?? (this.#app.has(key) ? key : "batch.error.unreadable")));
    if (this.table) this.#facts.append(...this.#said());
  }

  #understood(isSame = false) {
    if (this.table) applyColumns(this.table, this.#columns, this.#photos, photoNames);
    this.#facts.replaceChildren(...this.#said());
    if (this.table) this.#onReady(this.table, isSame);
  }

  /** The words anew, after a change of language. */
  refresh() {
    if (this.table || this.#photosGiven) this.#facts.replaceChildren(...this.#said());
  }

  #said() {
    const { el, t, number } = this.#app;
    const photos = this.#photos.count && t("batch.photos", { count: number(this.#photos.count) });
    if (!this.table) return [el("p", {}, photos || t("batch.no_photos")), el("p", { class: "hint" }, t("batch.table_next"))];
    const { name, rows, encoding, delimiter, faults } = this.table;
    const delimiterName = delimiter === "\t" ? t("batch.tab") : delimiter;
    const lines = [
      el("p", {}, el("strong", {}, name), ` – ${t("batch.read", { rows: number(rows.length), delimiter: delimiterName })}`),
      encoding === "windows-1252" && notice(this.#app, "warn", "batch.windows_1252"),
      ...["open", "wide"].map((kind) => this.#fault(kind, faults.filter((one) => one.kind === kind))),
      el("p", {}, this.#photoWords()),
      this.#columnChoices(),
    ];
    return lines.filter(Boolean);
  }

  /** What is odd about some lines of the file, with the numbers of the first ones. */
  #fault(kind, lines) {
    const { number } = this.#app;
    const named = lines.slice(0, FAULTS).map(({ line }) => number(line)).join(", ") + (lines.length > FAULTS ? ", …" : "");
    return lines.length > 0 && notice(this.#app, "warn", [`batch.lines_${kind}`, { lines: named, count: number(lines.length) }]);
  }

  #photoWords() {
    const { t, number } = this.#app;
    const { rows } = this.table;
    const found = rows.filter((row) => row.photo).length;
    const missing = rows.filter((row) => row.photoMissing).length;
    const values = { found: number(found), missing: number(missing), count: number(this.#photos.count), rows: number(rows.length) };
    if (!this.#photosGiven) return t(missing ? "batch.photos_wanted" : "batch.text_only", values);
    return t(missing ? "batch.photos_some" : "batch.photos_found", values);
  }

  #columnChoices() {
    const { el, t } = this.#app;
    const { header, rows } = this.table;
    const fields = el(
      "div",
      { class: "columns" },
      FIELDS.map((field) => {
        const none = el("option", { value: "-1" }, t("batch.column_none"));
        const options = header.map((_, index) => el("option", { value: index }, this.#columnName(index)));
        const select = el("select", { id: `column-${field}`, on: { change: (event) => this.#choose(field, Number(event.target.value)) } }, none, options);
        select.value = this.#columns[field];
        const example = rows.map((row) => row.cells[this.#columns[field]]?.trim()).find(Boolean) ?? "";
        return el(
          "div",
          { class: "field" },
          el("label", { for: `column-${field}` }, t(`batch.field_${field}`)),
          select,
          el("p", { class: "hint column-example" }, example.slice(0, EXAMPLE_CHARACTERS)),
        );
      }),
    );
    const toggle = (event) => (this.#open = event.target.open);
    return el("details", { class: "column-choices", open: this.#open, on: { toggle } }, el("summary", {}, this.#columnWords()), fields);
  }

  /** In one line which columns are used, so that nobody has to open the choices to see that they are right. */
  #columnWords() {
    const { t } = this.#app;
    const used = FIELDS.filter((field) => this.#columns[field] >= 0);
    const said = used.map((field) => `${t(`batch.field_${field}`)}: ${this.#columnName(this.#columns[field])}`);
    return `${t("batch.columns")} – ${said.join(", ") || t("batch.column_none")}`;
  }

  /** A column as people can tell it from the others: several may have one name, or none. */
  #columnName(index) {
    const { header } = this.table;
    const place = this.#app.t("batch.column_number", { number: index + 1 });
    if (!header[index]) return place;
    return header.filter((name) => name === header[index]).length > 1 ? `${header[index]} (${place})` : header[index];
  }

  #choose(field, index) {
    this.#columns[field] = index;
    this.#understood(field === "category");
    document.getElementById(`column-${field}`)?.focus();
  }
}
