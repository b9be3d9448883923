// The photos that come with a table: files, a folder of them, or a ZIP; found by the name that a row gives.

import { zipEntries } from "./zip.js";

/** Largest photo that the service takes, in bytes; a larger file is not unpacked. */
export const PHOTO_BYTES = 10 * 1024 * 1024;

const PHOTO_NAME = /\.(jpe?g|png|webp|gif|jfif)$/i;

/** A name as it is compared: forward slashes, no `./`, one Unicode form, lower-case. */
function plainName(name) {
  return name.normalize("NFC").replaceAll("\\", "/").replace(/^(\.?\/)+/, "").toLowerCase();
}

function baseName(name) {
  return name.slice(name.lastIndexOf("/") + 1);
}

function stem(name) {
  return name.replace(/\.[^./]+$/, "");
}

/** Photos by name. What is read is read when asked for, so that 10,000 photos take no memory. */
export class Photos {
  #byPath = new Map();
  #byBase = new Map();
  #byStem = new Map();

  get count() {
    return this.#byPath.size;
  }

  /** Photos of chosen or dropped files and of ZIPs among them. Raises ZipError. */
  async addFiles(files) {
    for (const { path, file } of files) {
      if (isZip(file)) {
        this.addEntries(await zipEntries(file));
      } else {
        this.add(path, async () => file);
      }
    }
  }

  addEntries(entries) {
    for (const entry of entries) {
      if (PHOTO_NAME.test(entry.name)) this.add(entry.name, () => entry.blob(PHOTO_BYTES));
    }
  }

  /** A photo; `read` gives its Blob. The same path replaces an earlier one. */
  add(path, read) {
    const name = plainName(path);
    const photo = { name, read };
    this.#byPath.set(name, photo);
    for (const [table, key] of [[this.#byBase, baseName(name)], [this.#byStem, stem(baseName(name))]]) {
      const others = (table.get(key) ?? []).filter((one) => one.name !== name);
      table.set(key, [...others, photo]);
    }
  }

  /** The photo that a row means: by its path, by the end of its path, by its file name, by that without its ending.
   * null when there is none, or when several are meant equally. */
  find(given) {
    const name = plainName(given);
    if (!name) return null;
    const exact = this.#byPath.get(name);
    if (exact) return exact;
    const named = this.#byBase.get(baseName(name)) ?? [];
    const ending = named.filter((one) => one.name.endsWith(`/${name}`));
    for (const found of [ending, named, this.#byStem.get(stem(baseName(name))) ?? [], this.#byStem.get(baseName(name)) ?? []]) {
      if (found.length === 1) return found[0];
    }
    return null;
  }
}

export function isZip(file) {
  return /\.zip$/i.test(file.name) || file.type === "application/zip" || file.type === "application/x-zip-compressed";
}

export function isTable(file) {
  return /\.(csv|tsv|txt)$/i.test(file.name) || file.type === "text/csv";
}

/** Files of an `<input>`, with their paths where a folder was chosen. */
export function inputFiles(input) {
  return [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Files of a drop, folders walked to their end. The entries must be taken before the event handler returns. */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const loose = entries.length ? [] : [...transfer.files].map((file) => ({ path: file.name, file }));
  const found = await Promise.all(entries.map((entry) => walked(entry, "")));
  return [...loose, ...found.flat()];
}

async function walked(entry, folder) {
  const path = `${folder}${entry.name}`;
  if (entry.isFile) {
    return [{ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) }];
  }
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    // A reader gives at most about 100 entries at a time, and an empty list at the end.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return files;
    files.push(...(await Promise.all(some.map((one) => walked(one, `${path}/`)))).flat());
  }
}
