// Two versions side by side on the same listing.

import { isAborted } from "../lib/api.js";
import { failure, notice } from "../lib/notice.js";
import { predictionCard } from "../lib/prediction.js";
import { networksOf } from "./versions.js";

const SIDES = ["a", "b"];

export class Comparison {
  #app;
  #versions = [];
  #chosen = {};
  #photo = null;
  #asking = null;
  #results;
  #form;
  #body;
  #asked = null;

  constructor(app) {
    this.#app = app;
    const { el } = app;
    this.#body = el("div", { class: "comparison-body" });
    this.#results = el("div", { class: "comparison-results", "aria-live": "polite" });
    this.element = el("section", { class: "card", id: "models-comparison" }, el("h3", { t: "models.comparison" }), this.#body);
  }

  /** Take up the versions of /models; what was typed stays. */
  draw({ serving, versions }) {
    this.#versions = versions.filter((one) => one.state !== "refused" && one.created !== null);
    if (this.#versions.length < 2) {
      this.#body.replaceChildren(this.#alone());
      return;
    }
    const names = this.#versions.map((one) => one.version);
    const first = names.includes(serving) ? serving : names[0];
    const defaults = { a: first, b: names.find((name) => name !== first) };
    for (const side of SIDES) {
      if (!names.includes(this.#chosen[side])) this.#chosen[side] = defaults[side];
    }
    this.#form ??= this.#makeForm();
    this.#form.replaceChild(this.#choices(), this.#form.firstElementChild);
    if (!this.#form.isConnected) this.#body.replaceChildren(this.#form, this.#results);
  }

  /** After a change of language: ask again, since answers are in a language. */
  refresh() {
    if (this.#asked) this.#compare();
  }

  #alone() {
    const { el, t } = this.#app;
    return el(
      "div",
      { class: "alone" },
      el("p", {}, t(this.#versions.length ? "models.one_version" : "models.no_version")),
      el("p", {}, t("models.train_another")),
      el("pre", { class: "command", tabindex: "0" }, "make train CONFIG=training/configs/compare/resnet50.toml"),
      el("p", { class: "hint" }, t("models.alternatives")),
      el("ul", { class: "chips" }, ["resnet50", "vgg16", "mobilenetv2", "lstm", "gru"].map((name) => el("li", { class: "chip" }, el("code", {}, name)))),
    );
  }

  #choices() {
    const { el, t } = this.#app;
    const choice = (side) => {
      const select = el(
        "select",
        { id: `compare-${side}`, on: { change: () => (this.#chosen[side] = select.value) } },
        this.#versions.map(({ version, name, networks }) => el("option", { value: version }, `${version} – ${name} (${networkNames(networks)})`)),
      );
      select.value = this.#chosen[side];
      return el("div", { class: "field" }, el("label", { for: `compare-${side}` }, t(`models.version_${side}`)), select);
    };
    return el("div", { class: "pairwise" }, SIDES.map(choice));
  }

  #makeForm() {
    const { el } = this.#app;
    const photoName = el("span", { class: "hint photo-name" });
    const photo = el("input", { type: "file", id: "compare-photo", class: "unseen", accept: "image/jpeg,image/png,image/webp,image/gif" });
    const clear = el("button", { type: "button", class: "quiet", t: "models.no_photo", hidden: true });
    const take = (file) => {
      this.#photo = file;
      photoName.textContent = file?.name ?? "";
      clear.hidden = file === null;
    };
    photo.addEventListener("change", () => take(photo.files[0] ?? null));
    clear.addEventListener("click", () => {
      photo.value = "";
      take(null);
      photo.focus();
    });
    const submit = (event) => {
      event.preventDefault();
      this.#compare();
    };
    return el(
      "form",
      { class: "comparison-form", on: { submit } },
      el("div", {}),
      el("div", { class: "field" }, el("label", { for: "compare-title", t: "models.title_field" }), el("input", { id: "compare-title", name: "designation", maxlength: "20000", autocomplete: "off" })),
      el("div", { class: "field" }, el("label", { for: "compare-description", t: "models.description_field" }), el("textarea", { id: "compare-description", name: "description", rows: "3", maxlength: "20000" })),
      el("div", { class: "row" }, el("label", { class: "button quiet" }, photo, el("span", { t: "models.photo_field" })), photoName, clear),
      el("div", { class: "row" }, el("button", { t: "models.compare" })),
    );
  }

  async #compare() {
    const { el, t } = this.#app;
    const data = new FormData(this.#form);
    const given = ["designation", "description"].filter((name) => data.get(name).trim());
    if (!given.length && this.#photo === null) {
      this.#results.replaceChildren(notice(this.#app, "warn", "models.nothing_given"));
      return;
    }
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.#asked = { ...this.#chosen };
    this.#results.replaceChildren(el("p", { class: "hint" }, t("models.asking")));
    const body = () => {
      const form = new FormData();
      given.forEach((name) => form.append(name, data.get(name)));
      if (this.#photo !== null) form.append("image", this.#photo, "photo");
      return form;
    };
    const ask = (side) =>
      this.#app
        .api("/predict", { method: "POST", body: body(), signal, query: { version: this.#asked[side], precision: true, lang: true } })
        .then((prediction) => ({ prediction }), (error) => ({ error }));
    const answers = await Promise.all(SIDES.map(ask));
    if (!signal.aborted && !answers.some(({ error }) => error && isAborted(error))) this.#show(answers);
  }

  #show(answers) {
    const { el } = this.#app;
    const columns = answers.map(({ prediction, error }, index) => {
      const version = this.#asked[SIDES[index]];
      const { networks } = this.#versions.find((one) => one.version === version) ?? {};
      return el(
        "div",
        { class: "comparison-side", dataset: { version } },
        el("h4", {}, el("code", {}, version)),
        el("p", { class: "hint" }, networksOf(this.#app, networks)),
        prediction ? predictionCard(this.#app, prediction) : failure(this.#app, error, () => this.#compare()),
      );
    });
    this.#results.replaceChildren(...[this.#verdict(answers), el("div", { class: "pairwise" }, columns)].filter(Boolean));
  }

  #verdict([a, b]) {
    const { el, t } = this.#app;
    if (!a.prediction || !b.prediction) return null;
    const labels = { a: a.prediction.category.label, b: b.prediction.category.label };
    const same = a.prediction.category.code === b.prediction.category.code;
    return el("p", { class: "verdict" }, t(same ? "models.same" : "models.different", labels));
  }
}

function networkNames(networks) {
  return Object.values(networks ?? {}).map(({ name }) => name).join(" + ");
}
