// Which column of a table holds what, guessed from its header.

/** What a listing is made of, and the category that is known for it; `title` is the API's `designation`. */
export const FIELDS = ["id", "title", "description", "image", "category"];

const NAMES = {
  id: ["id", "sku", "listingid", "articleid", "productid", "reference", "ref", "artikelnummer", "ean", "gtin"],
  title: ["designation", "title", "titre", "titel", "bezeichnung", "name", "nom", "productname", "produktname", "libelle"],
  description: ["description", "descriptif", "beschreibung", "produktbeschreibung", "desc", "details"],
  image: ["image", "photo", "bild", "foto", "picture", "imagefile", "imagename", "photofile", "filename", "fichier", "datei"],
  category: ["category", "categorie", "kategorie", "prdtypecode", "categorycode", "categoryid", "shelf", "rayon", "rubrique", "label", "code"],
};
const WHOLE = new Set(["shelf", "rayon", "label", "code"]); // `barcode` and `label_source` are something else

/** Header names as they are compared: lower-case, no accents, letters and digits only. */
function bare(name) {
  return name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/** The column's index for each field, -1 where none fits. The best-known names win; then those that begin with one. */
export function guessColumns(header) {
  const names = header.map(bare);
  const taken = new Set();
  const found = {};
  for (const field of ["title", "description", "image", "id", "category"]) {
    const free = (index) => index >= 0 && !taken.has(index);
    const exact = NAMES[field].map((name) => names.indexOf(name)).find(free);
    const close = names.findIndex((name, index) => free(index) && NAMES[field].some((known) => isClose(name, known)));
    found[field] = exact ?? close;
    if (found[field] >= 0) taken.add(found[field]);
  }
  return Object.fromEntries(FIELDS.map((field) => [field, found[field]]));
}

function isClose(name, known) {
  return known.length > 3 && !WHOLE.has(known) && name !== "imageid" && (name.startsWith(known) || name.endsWith(known));
}

/** The names a row's photo may have. The challenge's own files name it by two columns. */
export function photoNames(header, columns, cells) {
  const names = [];
  if (columns.image >= 0 && cells[columns.image]?.trim()) names.push(cells[columns.image].trim());
  const [image, product] = ["imageid", "productid"].map((name) => cells[header.findIndex((one) => bare(one) === name)]);
  if (image && product) names.push(`image_${image.trim()}_product_${product.trim()}`);
  return names;
}
