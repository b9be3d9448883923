// ZIP files, read in the browser from their central directory: only the entries asked for are unpacked.
// Format: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4.

const END = { signature: 0x06054b50, bytes: 22, comment: 0xffff };
const ENTRY = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;
const UTF8_NAME = 0x800;
const ZIP64 = 0xffffffff;
const MOST_ENTRIES = 65_535;

/** Not a ZIP file, or of a kind that is not read: `code` is `zip_broken`, `zip_unsupported` or `zip_too_large`. */
export class ZipError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** The files in a ZIP, folders and what macOS adds left out: `[{name, size, blob(most)}]`; sizes in bytes. */
export async function zipEntries(file) {
  const end = await endRecord(file);
  const count = end.getUint16(10, true);
  const size = end.getUint32(12, true);
  const offset = end.getUint32(16, true);
  if (offset === ZIP64 || size === ZIP64 || count === MOST_ENTRIES) throw new ZipError("zip_unsupported");
  if (offset + size > file.size) throw new ZipError("zip_broken");
  const directory = new DataView(await file.slice(offset, offset + size).arrayBuffer());
  const entries = [];
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const entry = entryAt(directory, at);
    at = entry.next;
    if (!/(^|\/)(__MACOSX\/|\.[^/]*$)|\/$/.test(entry.name)) {
      entries.push({ name: entry.name, size: entry.size, blob: (most) => unpacked(file, entry, most) });
    }
  }
  return entries;
}

async function endRecord(file) {
  const start = Math.max(0, file.size - END.bytes - END.comment);
  const tail = new DataView(await file.slice(start).arrayBuffer());
  for (let at = tail.byteLength - END.bytes; at >= 0; at -= 1) {
    if (tail.getUint32(at, true) === END.signature) return new DataView(tail.buffer, at, END.bytes);
  }
  throw new ZipError("zip_broken");
}

function entryAt(directory, at) {
  if (at + ENTRY.bytes > directory.byteLength || directory.getUint32(at, true) !== ENTRY.signature) {
    throw new ZipError("zip_broken");
  }
  const flags = directory.getUint16(at + 8, true);
  const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => directory.getUint16(at + field, true));
  const next = at + ENTRY.bytes + nameBytes + extraBytes + commentBytes;
  if (next > directory.byteLength) throw new ZipError("zip_broken");
  const name = new Uint8Array(directory.buffer, at + ENTRY.bytes, nameBytes);
  return {
    next,
    flags,
    method: directory.getUint16(at + 10, true),
    packed: directory.getUint32(at + 20, true),
    size: directory.getUint32(at + 24, true),
    offset: directory.getUint32(at + 42, true),
    name: entryName(name, flags),
  };
}

/** Names are UTF-8 when flagged or valid as such (many tools forget the flag), else read byte by byte. */
function entryName(bytes, flags) {
  try {
    return new TextDecoder("utf-8", { fatal: !(flags & UTF8_NAME) }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** One entry's content; what unpacks to over `most` bytes is refused, whatever size the directory claims. */
async function unpacked(file, entry, most) {
  const supported = entry.method === STORED || entry.method === DEFLATED;
  if (!supported || entry.flags & ENCRYPTED || entry.offset === ZIP64) throw new ZipError("zip_unsupported");
  if (entry.size > most) throw new ZipError("zip_too_large");
  const head = new DataView(await file.slice(entry.offset, entry.offset + LOCAL.bytes).arrayBuffer());
  if (head.byteLength < LOCAL.bytes || head.getUint32(0, true) !== LOCAL.signature) throw new ZipError("zip_broken");
  const start = entry.offset + LOCAL.bytes + head.getUint16(26, true) + head.getUint16(28, true);
  const packed = file.slice(start, start + entry.packed);
  return entry.method === STORED ? packed : inflated(packed, most);
}

async function inflated(packed, most) {
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const chunks = [];
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return new Blob(chunks);
      bytes += value.length;
      if (bytes > most) throw new ZipError("zip_too_large");
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error instanceof ZipError ? error : new ZipError("zip_broken");
  }
}
