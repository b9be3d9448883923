// Try a listing: what is typed or dropped is answered at once, and the answer can be explained.

import { isAborted } from "../lib/api.js";
import { EXAMPLE_LISTINGS } from "./example-listings.js";
import { Latest } from "../lib/latest.js";
import { failure, notice } from "../lib/notice.js";
import { Peek } from "./peek.js";
import { PhotoField } from "./photo.js";
import { holdsHtml, plainText } from "../lib/plain.js";
import { predictionCard } from "../lib/prediction.js";
import { Why } from "./why.js";

const TYPING_MS = 250;
const TYPING_WITH_PHOTO_MS = 600; // the photo goes with every request
const TOP_K = 5;
const CATALOGUE_EXAMPLES = 6;
const PRECISIONS = [0.8, 0.9, 0.95, 0.97, 0.99];

export function mount(panel, app) {
  const view = new TryView(panel, app);
  return { receive: (listing) => view.receive(listing) };
}

class TryView {
  constructor(panel, app) {
    this.app = app;
    this.latest = new Latest();
    this.photo = new PhotoField(app, panel, () => this.#ask(0));
    this.why = new Why(app, () => this.#form());
    this.#build(panel);
    app.onLang(() => this.#ask(0));
    app.onVersion(() => this.#ask(0));
    app.onPrecision(() => this.#ask(0));
    app.onBack(() => this.#ask(0));
    app.onBack(() => this.#offerExamples());
    app.onVersion(() => this.#offerExamples());
    this.#offerExamples();
    this.#ask(0);
  }

  /** Take a listing {designation, description, image: address or null}, as another view shows it. */
  async receive({ designation, description, image }) {
    this.designation.value = designation ?? "";
    this.description.value = description ?? "";
    const response = image === null ? null : await this.app.api(image, { raw: true });
    const file = response && new File([await response.blob()], image.split("/").at(-1).split("?")[0], { type: response.headers.get("Content-Type") });
    this.photo.set(file);
    scrollTo({ top: 0 });
  }

  #build(panel) {
    const { el } = this.app;
    const typed = () => this.#ask(this.photo.file === null ? TYPING_MS : TYPING_WITH_PHOTO_MS);
    this.designation = el("input", { id: "designation", autocomplete: "off", ta: { placeholder: "try.title_example" }, on: { input: typed } });
    this.description = el("textarea", { id: "description", rows: 5, ta: { placeholder: "try.description_example" }, on: { input: typed } });
    this.plain = el("div", { class: "plain", id: "plain", hidden: true });
    this.outcome = el("div", { class: "outcome", id: "outcome" });
    this.peek = new Peek(this.app, this.outcome);
    this.said = el("p", { class: "unseen", role: "status", id: "said" });
    panel.append(
      el("div", { class: "intro" }, el("h2", { t: "try.title" }), el("p", { class: "hint", t: "try.intro" })),
      el(
        "div",
        { class: "try" },
        el(
          "form",
          { class: "card listing", on: { submit: (event) => (event.preventDefault(), this.#ask(0)) } },
          this.#examples(),
          el("div", { class: "field" }, el("label", { for: "designation", t: "try.designation" }), this.designation),
          el("div", { class: "field" }, el("label", { for: "description", t: "try.description" }), this.description, this.plain),
          this.photo.element,
          this.#precision(),
          el("button", { type: "button", class: "quiet", id: "clear", t: "try.clear", on: { click: () => this.receive({ image: null }) } }),
        ),
        el("div", { class: "answer" }, this.outcome, this.why.element),
      ),
      this.said,
      this.peek.element,
    );
  }

  #examples() {
    const { el } = this.app;
    this.examples = el("div", { class: "row", id: "examples" });
    return el(
      "div",
      { class: "field examples", role: "group", "aria-labelledby": "examples-label" },
      el("span", { class: "hint", id: "examples-label", t: "try.examples" }),
      this.examples,
    );
  }

  /** Examples of the version's own categories: ours, or listings of the catalogue that there is for it. */
  async #offerExamples() {
    const { app } = this;
    const { el } = app;
    try {
      const { origin } = await app.api("/catalogue", { query: { version: true } });
      const query = { count: CATALOGUE_EXAMPLES, seed: 1, version: true };
      const examples = origin === "samples" ? EXAMPLE_LISTINGS : (await app.api("/catalogue/listings", { query })).listings;
      const name = (one) => (one.name ? { t: one.name } : { title: one.designation });
      const button = (one) =>
        el("button", { type: "button", class: "quiet example", ...name(one), on: { click: () => this.#example(one) } }, !one.name && (one.designation || app.t("try.photo")));
      this.examples.replaceChildren(...examples.map(button));
    } catch (error) {
      const isMissing = error.code === "catalogue_missing";
      this.examples.replaceChildren(...(isMissing ? [el("p", { class: "hint", t: "error.catalogue_missing" })] : []));
    }
  }

  #example({ designation, description, photo, image = photo && `/assets/try/${photo}` }) {
    this.receive({ designation, description, image }).catch((error) => this.#fail(error));
  }

  #precision() {
    const { app } = this;
    const { el } = app;
    const select = el("select", { id: "precision", on: { change: () => app.setPrecision(Number(select.value) || null) } });
    const fill = () => {
      const chosen = app.precision();
      const offered = chosen === null || PRECISIONS.includes(chosen) ? PRECISIONS : [...PRECISIONS, chosen].sort((one, other) => one - other);
      select.replaceChildren(
        el("option", { value: "", t: "try.precision_default" }),
        ...offered.map((one) => el("option", { value: one }, app.percent(one, one * 1000 % 10 ? 1 : 0))),
      );
      select.value = chosen ?? "";
    };
    fill();
    app.onPrecision(fill);
    app.onLang(fill);
    return el("div", { class: "field" }, el("label", { for: "precision", t: "try.precision" }), select, el("p", { class: "hint", t: "try.precision_hint" }));
  }

  /** The listing as a form, with the fields that hold something; null when none does. */
  #form() {
    const form = new FormData();
    for (const field of [this.designation, this.description]) {
      if (field.value.trim()) {
        form.set(field.id, field.value);
      }
    }
    if (this.photo.file) {
      form.set("image", this.photo.file, "photo"); // the file's own name is nobody's business
    }
    return [...form.keys()].length > 0 ? form : null;
  }

  #ask(wait) {
    this.#showPlain();
    this.why.reset();
    const form = this.#form();
    if (form === null) {
      this.latest.stop();
      this.outcome.removeAttribute("aria-busy");
      this.outcome.replaceChildren(notice(this.app, "info", "try.empty"));
      this.peek.show(null);
      this.said.textContent = "";
    } else if (this.photo.file?.size > this.app.photoBytes) {
      this.latest.stop();
      this.#fail({ sentence: this.app.sentence("image_too_large"), status: 413 });
    } else {
      this.outcome.setAttribute("aria-busy", "true");
      this.latest.start((signal) => this.#predict(form, signal), wait);
    }
  }

  async #predict(body, signal) {
    const start = performance.now();
    try {
      const query = { lang: true, version: true, precision: true, top_k: Math.min(TOP_K, this.app.categories().length || TOP_K) };
      const prediction = await this.app.api("/predict", { method: "POST", body, signal, query });
      this.#show(prediction, performance.now() - start);
    } catch (error) {
      if (!isAborted(error)) {
        this.#fail(error);
      }
    }
  }

  #show(prediction, ms) {
    this.outcome.removeAttribute("aria-busy");
    this.outcome.replaceChildren(predictionCard(this.app, prediction, { ms }));
    this.why.offer(prediction, this.photo.url);
    this.peek.show(prediction);
    this.said.textContent = this.app.t("try.said", {
      decision: this.app.t(`prediction.${prediction.decision.action}`),
      label: prediction.category.label,
      confidence: this.app.percent(prediction.confidence),
    });
  }

  #fail(error) {
    this.outcome.removeAttribute("aria-busy");
    this.why.reset();
    this.peek.show(null);
    this.said.textContent = "";
    this.outcome.replaceChildren(failure(this.app, error, () => this.#ask(0)));
    if (error.code === "rate_limited" || error.code === "overloaded") {
      this.latest.start(() => this.#ask(0), 1000 * (error.retryAfter ?? 1));
    }
  }

  #showPlain() {
    const html = this.description.value;
    this.plain.hidden = !holdsHtml(html);
    if (!this.plain.hidden) {
      this.plain.replaceChildren(this.app.el("p", { class: "hint", t: "try.read_as" }), this.app.el("p", { class: "text" }, plainText(html)));
    }
  }
}
