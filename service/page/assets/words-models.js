// Words of the Models view. JSON after the `=`, so that a test can read it.
export const WORDS = {
  "models.title": {"fr": "Modèles", "en": "Models", "de": "Modelle"}
};
