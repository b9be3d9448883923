// The shell: what all views share, and the tabs that open them. Each view is fetched when it is first shown.

import { addressOf, client, sentence } from "../lib/api.js";
import { maker } from "../lib/dom.js";
import { Health } from "./health.js";
import { Language } from "./language.js";
import { failure } from "../lib/notice.js";
import { Choice, remember } from "../lib/store.js";
import { Tabs } from "./tabs.js";
import { WORDS } from "./words.js";

const STYLED = new Set(["browse", "models", "batch"]); // the first view's style is part of the page

const language = new Language(WORDS);
const precision = new Choice(null);
const version = new Choice(null);
const el = maker(language);
const labels = new Map();
const views = new Map();

/**
 * What each view gets. `lang`, `precision` and `version` are null or the page's choice; `onX(fn)` tells of changes.
 * `show(name, payload)` opens a tab and hands the payload to the `receive` that its `mount` returned.
 */
const app = {
  el,
  lang: () => language.lang,
  onLang: (listener) => language.choice.on(listener),
  precision: () => precision.value,
  setPrecision: (value) => precision.set(value),
  onPrecision: (listener) => precision.on(listener),
  version: () => version.value,
  setVersion: (value) => version.set(value),
  onVersion: (listener) => version.on(listener),
  t: (key, values) => language.t(key, values),
  has: (key) => language.has(key),
  bind: (element, said, attribute) => language.bind(element, said, attribute),
  percent: (share, digits) => language.percent(share, digits),
  points: (change) => language.points(change),
  number: (value, options) => language.number(value, options),
  label: (code) => labels.get(code)?.label ?? code,
  categories: () => [...labels.values()],
  onCategories: (listener) => categoriesKnown.on(listener),
  sentence: (code, status) => sentence(code, status, null, language),
  photoBytes: Number(document.documentElement.dataset.photoBytes) || Infinity,
  onBack: (listener) => health.onBack(listener),
  picture,
  show,
};

const categoriesKnown = new Choice("");
const health = new Health(app, document.getElementById("banner"), document.getElementById("serving"));
let key = null;
app.api = client({
  language,
  chosen: { lang: app.lang, version: app.version, precision: app.precision },
  key: () => key,
  onError: (error) => (error.code === "unauthorized" ? askForKey() : health.report(error)),
});

/** The address of a photo for an `img`; one that needs the key is fetched first. */
async function picture(path) {
  return key === null ? addressOf(path) : URL.createObjectURL(await (await app.api(path, { raw: true })).blob());
}

async function loadCategories() {
  const asked = `${language.lang} ${version.value}`;
  try {
    const { categories } = await app.api("/categories", { query: { lang: true, version: true } });
    if (asked === `${language.lang} ${version.value}`) {
      labels.clear();
      categories.forEach((one) => labels.set(one.code, one));
      categoriesKnown.set(`${asked} ${categories.length}`);
    }
  } catch {
    // Codes stand for themselves until the service is back.
  }
}

async function open(name, panel) {
  if (views.has(name)) {
    return;
  }
  const mounting = mount(name, panel);
  views.set(name, mounting);
  try {
    await mounting;
  } catch (error) {
    views.delete(name);
    panel.replaceChildren(failure(app, { sentence: error.sentence ?? "error.unreachable", status: 0 }, () => open(name, panel)));
  }
}

async function mount(name, panel) {
  if (STYLED.has(name)) {
    document.head.append(el("link", { rel: "stylesheet", href: `assets/${name}/${name}.css` }));
  }
  panel.replaceChildren(el("p", { class: "hint", t: "shell.loading" }));
  const [view, words] = await Promise.all([import(`../${name}/${name}.js`), import(`../${name}/words-${name}.js`)]);
  language.add(words.WORDS);
  panel.replaceChildren();
  return (await view.mount(panel, app)) ?? {};
}

async function show(name, payload = null) {
  tabs.show(name);
  const view = await views.get(name);
  if (payload !== null) {
    view.receive?.(payload);
  }
}

/** A service with API keys lets the page be read, not the API be asked: ask for the key, for this visit only. */
function askForKey() {
  const banner = document.getElementById("banner");
  if (banner.querySelector("form")) {
    return;
  }
  const input = el("input", { type: "password", autocomplete: "off", ta: { "aria-label": "shell.key" }, required: true });
  const use = (event) => {
    event.preventDefault();
    key = input.value.trim();
    banner.replaceChildren();
    loadCategories();
    health.back();
  };
  banner.replaceChildren(
    el("form", { class: "notice warn", on: { submit: use } }, el("p", { t: "error.unauthorized" }), input, el("button", { t: "shell.use_key" })),
  );
}

function start() {
  const languages = document.getElementById("lang");
  languages.value = language.lang;
  languages.addEventListener("change", () => language.choice.set(languages.value));
  const theme = document.getElementById("theme");
  theme.value = document.documentElement.dataset.theme ?? "auto";
  theme.addEventListener("change", () => {
    remember("theme", theme.value);
    theme.value === "auto" ? delete document.documentElement.dataset.theme : (document.documentElement.dataset.theme = theme.value);
  });
  language.apply();
  app.onLang(loadCategories);
  app.onVersion(loadCategories);
  app.onVersion(() => health.look());
  app.onBack(loadCategories);
  loadCategories();
  health.look();
}

start();
const tabs = new Tabs(document.querySelector("[role=tablist]"), open);
