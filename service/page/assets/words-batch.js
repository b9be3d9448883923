// Words of the Batch view. JSON after the `=`, so that a test can read it.
export const WORDS = {
  "batch.title": {"fr": "Lot", "en": "Batch", "de": "Stapel"}
};
