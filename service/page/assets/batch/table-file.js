// A CSV file as a table: a header and rows.

import { decodeText, guessDelimiter, records } from "./csv.js";
import { Row } from "./row.js";

/** Most bytes of a table, and most rows: beyond these a browser is the wrong place. */
export const TABLE_BYTES = 200 * 1024 * 1024;
export const TABLE_ROWS = 100_000;

const ROWS_AT_ONCE = 2000;

/** A table that cannot be used: `code` is `table_too_large` or `table_empty`. */
export class TableError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** `{name, encoding, delimiter, header, rows, faults}` of a CSV file; `faults` as of `records`. Raises TableError. */
export async function readTable(blob, name) {
  if (blob.size > TABLE_BYTES) throw new TableError("table_too_large");
  const { text, encoding } = decodeText(new Uint8Array(await blob.arrayBuffer()));
  const delimiter = guessDelimiter(text);
  let header = null;
  const rows = [];
  const faults = [];
  for (const cells of records(text, delimiter, faults)) {
    if (header === null) {
      header = cells.map((cell) => cell.trim());
    } else {
      rows.push(new Row(rows.length, cells));
      if (rows.length > TABLE_ROWS) throw new TableError("table_too_large");
      if (rows.length % ROWS_AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve)); // let the page breathe
    }
  }
  if (!rows.length) throw new TableError("table_empty");
  return { name, encoding, delimiter, header, rows, faults };
}

/** Fill the rows' fields from their cells, and find their photos. */
export function applyColumns(table, columns, photos, photoNames) {
  const cell = (row, field) => (columns[field] >= 0 ? (row.cells[columns[field]] ?? "") : "");
  for (const row of table.rows) {
    row.id = cell(row, "id").trim();
    row.title = cell(row, "title");
    row.description = cell(row, "description");
    row.label = cell(row, "category").trim();
    const names = photoNames(table.header, columns, row.cells);
    const tried = names.length || !row.id ? names : [row.id];
    row.photo = tried.map((name) => photos.find(name)).find(Boolean) ?? null;
    row.photoMissing = names.length > 0 && row.photo === null;
  }
}
