// The versions of the store: what each is, which one the page asks, whose figures are shown.

/** `en-GB`, not `en`: dates with the day first, as in the other languages. */
const DATES = { fr: "fr-FR", en: "en-GB", de: "de-DE" };
const KNOWN_STATES = { serving: "accept", loaded: "", available: "", refused: "wrong" };

export class Versions {
  #app;
  #onFigures;

  /** `onFigures(version)`: somebody wants to see a version's figures. */
  constructor(app, onFigures) {
    this.#app = app;
    this.#onFigures = onFigures;
    this.element = app.el("section", { class: "card", id: "models-versions" });
  }

  /** `models`: the answer of /models; `shown`: the version whose figures are shown. */
  draw(models, shown) {
    const { el, t, version } = this.#app;
    const { serving, promoted, refusal, versions } = models;
    const trouble = refusal && el("p", { class: "notice warn" }, t("models.promoted_refused", { version: promoted ?? refusal.version, reason: refusal.reason }));
    this.element.replaceChildren(
      el("h3", {}, t("models.versions")),
      el("p", { class: "hint" }, t("models.versions_say")),
      ...[trouble].filter(Boolean),
      el(
        "ul",
        { class: "versions" },
        el("li", { class: "version" }, this.#choice(null, version() === null, el("span", {}, t("models.follow")), serving ?? "–")),
        versions.map((one) => this.#entry(one, shown)),
      ),
    );
  }

  #entry(one, shown) {
    const { el, t, version } = this.#app;
    const refused = one.state === "refused";
    return el(
      "li",
      { class: "version", dataset: { version: one.version } },
      this.#choice(one.version, version() === one.version, el("code", {}, one.version), null, refused),
      el("span", { class: `badge ${KNOWN_STATES[one.state] ?? ""}` }, t(`models.state_${one.state}`)),
      el("p", { class: "version-facts" }, this.#facts(one), one.reason && el("span", { class: "refused" }, one.reason)),
      el(
        "button",
        { type: "button", class: "quiet", disabled: one.created === null, "aria-pressed": String(one.version === shown), on: { click: () => this.#onFigures(one.version) } },
        t("models.figures"),
        el("span", { class: "unseen" }, ` ${one.version}`),
      ),
    );
  }

  #choice(value, checked, name, hint, disabled = false) {
    const { el, setVersion } = this.#app;
    return el(
      "label",
      { class: "version-choice" },
      el("input", { type: "radio", name: "models-version", value: value ?? "", checked, disabled, on: { change: () => setVersion(value) } }),
      name,
      hint && el("code", { class: "hint" }, hint),
    );
  }

  #facts({ name, created, networks }) {
    const { t, lang } = this.#app;
    if (created === null) return t("models.unreadable");
    const date = new Date(created).toLocaleDateString(DATES[lang()], { dateStyle: "medium" });
    return [name, date, networksOf(this.#app, networks)].filter(Boolean).join(" · ");
  }
}

/** Which network reads what, in one line. */
export function networksOf(app, networks) {
  const millions = (count) => app.number(count / 1e6, { maximumSignificantDigits: 3 });
  return Object.entries(networks ?? {})
    .map(([modality, { name, parameters }]) => app.t(`models.network_${modality}`, { name, millions: millions(parameters) }))
    .join(" · ");
}
