// CSV as sellers' tools write it: RFC 4180, with `;` or tab as delimiter too, and any line ends.

const DELIMITERS = [",", ";", "\t", "|"];
const SAMPLE_RECORDS = 20;
const BOM = "\ufeff";
const LINE_END = /\r\n|\r|\n/g;
const SEPARATOR_LINE = /^\ufeff?"?sep=([^\r\n"])"?\1*(?:\r\n|\r|\n|$)/i;

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

/** The records of `text` one by one, each a list of cells. Excel's first line `sep=;`, blank lines, and those of empty
 * cells that spreadsheets add, are left out. Quotes inside a cell need not be doubled. A quote that opens a cell and that
 * no quote closes is plain text. `faults`, if given, gets {kind, line} of such quotes (`open`) and of records that have more
 * cells than the first (`wide`), with the line counted from 1 as editors do. */
export function* records(text, delimiter, faults = []) {
  let at = startOf(text);
  let line = 1 + lineEnds(text.slice(0, at));
  let cells = [];
  const reading = { text, delimiter, width: Infinity, closable: true };
  while (at < text.length) {
    const cell = text[at] === '"' ? quotedCell(reading, at) : plainCell(reading, at);
    if (cell.isOpen) faults.push({ kind: "open", line });
    line += cell.lines ?? 0;
    cells.push(cell.value);
    at = cell.end;
    if (at < text.length && text[at] === delimiter) {
      at += 1;
      if (at < text.length) continue;
      cells.push("");
    }
    if (!isBlank(cells)) {
      if (reading.width === Infinity) reading.width = cells.length;
      if (!isBlank(cells.slice(reading.width))) faults.push({ kind: "wide", line });
      yield cells;
    }
    cells = [];
    at = afterLineEnd(text, at);
    line += 1;
  }
}

/** Where the table begins: behind the byte order mark and the line that names the delimiter. */
function startOf(text) {
  return SEPARATOR_LINE.exec(text)?.[0].length ?? (text.startsWith(BOM) ? 1 : 0);
}

function lineEnds(text) {
  return text.match(LINE_END)?.length ?? 0;
}

function plainCell({ text, delimiter }, start) {
  let end = start;
  while (end < text.length && text[end] !== delimiter && text[end] !== "\n" && text[end] !== "\r") end += 1;
  return { value: text.slice(start, end), end };
}

/** A cell that begins with a quote. It ends with a quote before a delimiter, a line end or the end of the text. */
function quotedCell(reading, start) {
  const { text, delimiter } = reading;
  const ends = (at) => at >= text.length || text[at] === delimiter || text[at] === "\n" || text[at] === "\r";
  let value = "";
  let lines = 0;
  let from = start + 1;
  let quote = reading.closable ? text.indexOf('"', from) : -1;
  while (quote >= 0) {
    let after = quote + 1;
    while (text[after] === '"') after += 1;
    const part = text.slice(from, quote);
    lines += lineEnds(part);
    value += part + '"'.repeat((after - quote) / 2);
    const [isOdd, isEnd] = [(after - quote) % 2 === 1, ends(after)];
    if (isOdd && isEnd) {
      if (holdsRecords(value, reading)) break;
      return { value, end: after, lines };
    }
    if (isOdd !== isEnd && lines && ends(quote - 1)) break; // it begins a cell of a later line
    if (isOdd && value === "") break; // a word in doubled quotes
    if (isOdd) value += '"';
    from = after;
    quote = text.indexOf('"', from);
  }
  if (quote < 0) reading.closable = false; // nor does any quote that follows
  const cell = plainCell(reading, start);
  return { ...cell, isOpen: !cell.value.includes('"', 1) };
}

/** Whether a cell of several lines is in truth the table's next records: most of its lines have as many cells. */
function holdsRecords(value, { delimiter, width }) {
  const lines = value.split(LINE_END).slice(1, -1);
  const records = lines.filter((line) => line.split(delimiter).length === width).length;
  return width > 2 && lines.length > 2 && records > 0.8 * lines.length;
}

function afterLineEnd(text, at) {
  return text[at] === "\r" && text[at + 1] === "\n" ? at + 2 : at + 1;
}

function isBlank(cells) {
  return cells.every((cell) => cell.trim() === "");
}

/** The delimiter that the first line names, else the one that cuts the first records into the most cells, all into
 * equally many; of a table of one column one that none of its cells holds. */
export function guessDelimiter(text) {
  const named = SEPARATOR_LINE.exec(text)?.[1];
  if (named) return named;
  let best = { delimiter: DELIMITERS[0], score: 0 };
  for (const delimiter of DELIMITERS) {
    const sample = [];
    for (const record of records(text, delimiter)) {
      sample.push(record.length);
      if (sample.length === SAMPLE_RECORDS) break;
    }
    const columns = sample[0] ?? 0;
    const alike = (sample.filter((cells) => cells === columns).length / (sample.length || 1)) ** 2;
    const score = columns > 1 ? columns * alike : (sample.length ? alike : 1) / 2; // below any of two columns that are often there
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
