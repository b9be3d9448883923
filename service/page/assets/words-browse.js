// Words of this view. JSON after the `=`, so that a test can read it.
export const WORDS = {
  "browse.title": {"fr": "x", "en": "x", "de": "x"}
};
