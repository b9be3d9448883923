// Browse a labelled catalogue: drawn listings, what text, photo and both say of them, and whether that is right.

import { isAborted } from "../lib/api.js";
import { icon } from "../lib/dom.js";
import { Latest } from "../lib/latest.js";
import { failure, notice } from "../lib/notice.js";
import { holdsHtml, plainText } from "../lib/plain.js";
import { predictionCard, saidCode } from "../lib/prediction.js";

const FILTERS = ["all", "mistakes", "disagreements"];

export function mount(panel, app) {
  return new BrowseView(panel, app).start();
}

class BrowseView {
  constructor(panel, app) {
    this.app = app;
    this.latest = new Latest();
    this.only = "all";
    this.seen = [];
    this.at = -1;
    const { el } = app;
    this.about = el("p", { class: "hint", id: "catalogue" });
    this.category = el("select", { id: "browse-category", on: { change: () => this.#draw() } });
    this.filters = FILTERS.map((one) =>
      el("button", { type: "button", class: "quiet", id: `only-${one}`, t: `browse.${one}`, "aria-pressed": String(one === "all"), on: { click: () => this.#choose(one) } }),
    );
    this.back = el("button", { type: "button", class: "quiet", id: "previous", t: "browse.previous", disabled: true, on: { click: () => this.#previous() } });
    this.outcome = el("div", { class: "outcome", id: "drawn" });
    this.said = el("p", { class: "unseen", role: "status" });
    this.toolbar = el(
      "div",
      { class: "card toolbar" },
      el("div", { class: "field" }, el("label", { for: "browse-category", t: "browse.category" }), this.category),
      el("div", { class: "segments", role: "group", ta: { "aria-label": "browse.only" } }, this.filters),
      el("div", { class: "row draw" }, this.back, el("button", { type: "button", id: "draw", t: "browse.draw", on: { click: () => this.#draw() } })),
    );
    panel.append(
      el("div", { class: "intro" }, el("h2", { t: "browse.title" }), this.about),
      this.toolbar,
      this.outcome,
      this.said,
    );
  }

  async start() {
    const reload = () => this.#load();
    this.app.onLang(reload);
    this.app.onBack(reload);
    this.app.onVersion(reload);
    this.app.onPrecision(() => this.#refresh());
    await this.#load();
    return {};
  }

  /** What there is, in the page's language; then the listing shown, asked about again, or a first one. */
  async #load() {
    try {
      const catalogue = await this.app.api("/catalogue", { query: { lang: true, version: true } });
      this.toolbar.hidden = false;
      this.#offer(catalogue);
      this.#refresh();
    } catch (error) {
      const isMissing = error.code === "catalogue_missing";
      this.toolbar.hidden ||= isMissing;
      if (isMissing) this.about.replaceChildren();
      this.#shown(isMissing ? notice(this.app, "info", error.sentence) : failure(this.app, error, () => this.#load()));
    }
  }

  #offer({ name, origin, listings, categories }) {
    const { app } = this;
    const { el } = app;
    app.bind(this.about, [`browse.of_${origin}`, { name, n: app.number(listings) }]);
    const chosen = this.category.value;
    const groups = Map.groupBy ? Map.groupBy(categories, (one) => one.group) : new Map([["", categories]]);
    const option = (one) => el("option", { value: one.code }, `${one.label} (${app.number(one.listings)})`);
    this.category.replaceChildren(
      el("option", { value: "", t: "browse.any" }),
      ...[...groups].flatMap(([group, ones]) => (group ? [el("optgroup", { label: group }, ones.map(option))] : ones.map(option))),
    );
    this.category.value = categories.some((one) => one.code === chosen) ? chosen : "";
  }

  #choose(only) {
    this.only = only;
    this.filters.forEach((button, at) => button.setAttribute("aria-pressed", String(FILTERS[at] === only)));
    this.#draw();
  }

  /** Ask again for what is shown: the same seed draws the same listing. */
  #refresh() {
    if (this.at < 0) {
      this.#draw();
    } else {
      this.#ask(this.seen[this.at]);
    }
  }

  #draw() {
    const asked = { category: this.category.value || null, only: this.only === "all" ? null : this.only, seed: Math.floor(Math.random() * 2 ** 31) };
    this.seen.splice(this.at + 1);
    this.seen.push(asked);
    this.at = this.seen.length - 1;
    this.#ask(asked);
  }

  #previous() {
    this.at -= 1;
    this.#ask(this.seen[this.at]);
  }

  #ask(asked) {
    this.back.disabled = this.at <= 0;
    this.outcome.setAttribute("aria-busy", "true");
    this.latest.start((signal) => this.#fetch(asked, signal));
  }

  async #fetch(asked, signal) {
    try {
      const query = { ...asked, count: 1, lang: true, version: true, precision: true };
      const { listings, tried } = await this.app.api("/catalogue/listings", { signal, query });
      this.#show(listings[0] ?? null, tried);
    } catch (error) {
      if (!isAborted(error)) {
        this.#shown(failure(this.app, error, () => this.#refresh()));
      }
    }
  }

  #show(listing, tried) {
    if (listing === null) {
      this.#shown(notice(this.app, "info", [`browse.none_${this.only}`, { tried: this.app.number(tried) }], { t: "browse.draw", run: () => this.#draw() }));
      return;
    }
    this.#shown(listingCard(this.app, listing));
    this.said.textContent = this.app.t("browse.said", { title: listing.designation || "–", verdict: verdictWord(this.app, listing.correct.fused) });
  }

  #shown(element) {
    this.outcome.removeAttribute("aria-busy");
    this.outcome.replaceChildren(element);
    this.said.textContent = "";
  }
}

const verdictWord = (app, right) => app.t(right ? "prediction.right" : "prediction.wrong");

/** A labelled listing beside what the version says of it. */
export function listingCard(app, listing) {
  const { el } = app;
  const { designation, description, image, category } = listing;
  return el(
    "article",
    { class: "drawn", dataset: { row: listing.row } },
    el(
      "div",
      { class: "card shown" },
      image ? picture(app, image) : el("p", { class: "no-photo hint" }, icon("photo"), app.t("browse.no_photo")),
      el("h3", {}, designation || app.t("browse.no_title")),
      description && el("p", { class: "description" }, holdsHtml(description) ? plainText(description) : description),
      el("p", { class: "hint" }, [listing.id, saidCode(app, category)].filter(Boolean).join(" · ")),
      el("button", { type: "button", class: "quiet", id: "try-this", on: { click: () => app.show("try", { designation, description, image }) } }, app.t("browse.try")),
    ),
    el("div", { class: "answer" }, verdicts(app, listing), predictionCard(app, listing.prediction, { truth: category, saysTruth: false })),
  );
}

function picture(app, path) {
  const missing = () => shown.replaceWith(el("p", { class: "no-photo hint" }, icon("photo"), app.t("browse.no_photo")));
  const { el } = app;
  const shown = el("img", { class: "picture", alt: app.t("try.photo"), on: { error: missing } });
  app.picture(path).then((address) => shown.setAttribute("src", address), missing);
  return shown;
}

/** One line each for the text, the photo and both: what they say, how surely, and whether it is right. */
function verdicts(app, { prediction, correct, category }) {
  const { el } = app;
  const best = { text: prediction.by_modality.text?.[0], image: prediction.by_modality.image?.[0], fused: prediction.predictions[0] };
  const line = (name) => {
    const right = correct[name];
    return el(
      "tr",
      { class: right ? "right" : "wrong", dataset: { by: name } },
      el("th", { scope: "row" }, app.t(`browse.by_${name}`)),
      el("td", {}, best[name].label),
      el("td", { class: "numbers" }, app.percent(best[name].confidence)),
      el("td", {}, el("span", { class: `badge ${right ? "accept" : "wrong"}` }, icon(right ? "yes" : "no"), verdictWord(app, right))),
    );
  };
  const names = ["text", "image", "fused"].filter((name) => best[name] && name in correct);
  return el(
    "div",
    { class: "card verdicts" },
    el("p", {}, `${app.t("prediction.true")}: `, el("strong", { class: "true-category" }, category.label)),
    el(
      "table",
      {},
      el("caption", { class: "unseen" }, app.t("browse.verdicts")),
      el("thead", { class: "unseen" }, el("tr", {}, ["by", "says", "sure", "verdict"].map((name) => el("th", { scope: "col" }, app.t(`browse.column_${name}`))))),
      el("tbody", {}, names.map(line)),
    ),
  );
}
