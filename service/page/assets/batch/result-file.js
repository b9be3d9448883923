// The table with what was found: the file's own columns, then ours.

import { csvLine } from "./csv.js";

const COLUMNS = [
  "predicted_code",
  "predicted_label",
  "confidence",
  "decision",
  "reason",
  "decided_by",
  "final_code",
  "final_label",
  "corrected",
  "error",
  "version",
];
const DECIMALS = 6;
const BOM = "\ufeff"; // without it, spreadsheets read UTF-8 as something else

/** A CSV file as a Blob, spreadsheet-safe, in the delimiter that the table came in. Our columns: what the model says;
 * `final_code`, empty where a person still has to look; `decided_by` model or person; `corrected` where they differ; `agrees`, where the
 * table names true categories, whether the model says the same. */
export function resultFile({ header, rows, delimiter }, label) {
  const isLabelled = rows.some((row) => row.truth !== null);
  const width = Math.max(header.length, ...rows.slice(0, 1).map((row) => row.cells.length));
  const ours = [...COLUMNS, ...(isLabelled ? ["agrees"] : [])].map((name) => freeName(name, header));
  const parts = [BOM, csvLine([...padded(header, width), ...ours], delimiter)];
  for (const row of rows) {
    const verdict = { true: "yes", false: "no", null: "" }[row.isRight];
    parts.push(csvLine([...padded(row.cells, width), ...found(row, label), ...(isLabelled ? [verdict] : [])], delimiter));
  }
  return new Blob(parts, { type: "text/csv;charset=utf-8" });
}

function freeName(name, header) {
  let free = name;
  for (let count = 2; header.includes(free); count += 1) free = `${name}_${count}`;
  return free;
}

function padded(cells, width) {
  return Array.from({ length: width }, (_, index) => cells[index] ?? "");
}

function found(row, label) {
  const { answer, choice, final, error } = row;
  return [
    answer?.code,
    answer && label(answer.code),
    answer && Number(answer.confidence.toFixed(DECIMALS)),
    answer?.decision.action,
    answer?.decision.reason,
    choice !== null ? "person" : final !== null ? "model" : "",
    final,
    final !== null ? label(final) : "",
    choice !== null && choice !== answer?.code ? "yes" : "",
    error?.code,
    answer?.version,
  ];
}
