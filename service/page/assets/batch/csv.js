// CSV as sellers' tools write it: RFC 4180, with `;` or tab as delimiter too, and any line ends.

const DELIMITERS = [",", ";", "\t", "|"];
const SAMPLE_RECORDS = 20;
const BOM = "\ufeff";

/** The text of a CSV file, and the encoding it was read as: UTF-8 or UTF-16 by its mark, else UTF-8 if it is valid,
 * else Windows-1252, which reads any bytes. */
export function decodeText(bytes) {
  const encoding = markedEncoding(bytes);
  if (encoding) {
    return { text: new TextDecoder(encoding).decode(bytes), encoding };
  }
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), encoding: "utf-8" };
  } catch {
    return { text: new TextDecoder("windows-1252").decode(bytes), encoding: "windows-1252" };
  }
}

function markedEncoding(bytes) {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8";
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return null;
}

/** The records of `text` one by one, each a list of cells. Blank lines, and those of empty cells that
 * spreadsheets add, are left out. A quote inside a cell that did not begin with
 * one is plain text; a quoted cell that never ends goes to the end of the text. */
export function* records(text, delimiter) {
  let at = text.startsWith(BOM) ? 1 : 0;
  let cells = [];
  while (at < text.length) {
    const cell = text[at] === '"' ? quotedCell(text, at, delimiter) : plainCell(text, at, delimiter);
    cells.push(cell.value);
    at = cell.end;
    if (at < text.length && text[at] === delimiter) {
      at += 1;
      if (at < text.length) continue;
      cells.push("");
    }
    if (!isBlank(cells)) yield cells;
    cells = [];
    at = afterLineEnd(text, at);
  }
}

function plainCell(text, start, delimiter) {
  let end = start;
  while (end < text.length && text[end] !== delimiter && text[end] !== "\n" && text[end] !== "\r") end += 1;
  return { value: text.slice(start, end), end };
}

function quotedCell(text, start, delimiter) {
  let value = "";
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) return { value: value + text.slice(from), end: text.length };
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      const rest = plainCell(text, quote + 1, delimiter); // normally empty
      return { value: value + rest.value, end: rest.end };
    }
    value += '"';
    from = quote + 2;
  }
}

function afterLineEnd(text, at) {
  return text[at] === "\r" && text[at + 1] === "\n" ? at + 2 : at + 1;
}

function isBlank(cells) {
  return cells.every((cell) => cell.trim() === "");
}

/** The delimiter that cuts the first records into the most cells, all into equally many. */
export function guessDelimiter(text) {
  let best = { delimiter: DELIMITERS[0], score: 0 };
  for (const delimiter of DELIMITERS) {
    const sample = [];
    for (const record of records(text, delimiter)) {
      sample.push(record.length);
      if (sample.length === SAMPLE_RECORDS) break;
    }
    const columns = sample[0] ?? 0;
    const score = columns > 1 ? columns * (sample.filter((cells) => cells === columns).length / sample.length) ** 2 : 0;
    if (score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}

/** What spreadsheets take for the start of a formula (OWASP, "CSV injection"), full-width forms included: as
 * `models/spreadsheet.py` has it. */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** A cell that a spreadsheet shows and never runs: a text that would be a formula begins with an apostrophe instead.
 * Numbers stay numbers. */
export function safeCell(value) {
  return typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value ?? "");
}

/** One line of a CSV file, safe to open in a spreadsheet. */
export function csvLine(cells, delimiter = ",") {
  return `${cells.map((cell) => quoted(safeCell(cell), delimiter)).join(delimiter)}\r\n`;
}

function quoted(text, delimiter) {
  return /["\r\n]/.test(text) || text.includes(delimiter) || text !== text.trim()
    ? `"${text.replaceAll('"', '""')}"`
    : text;
}
