// A sentence in a box: what went wrong or what to know, and what can be done about it.

import { icon } from "./dom.js";

/** `kind`: `info`, `warn` or `bad`; `text`: a sentence, a key of the words or [key, values]; `action`: {t, run} or null. */
export function notice(app, kind, text, action = null) {
  const bound = Array.isArray(text) || app.has(text);
  const button = action && app.el("button", { type: "button", class: "quiet", t: action.t, on: { click: action.run } });
  return app.el(
    "div",
    { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" },
    icon(kind === "info" ? "info" : "warning"),
    bound ? app.el("p", { t: text }) : app.el("p", {}, text),
    button,
  );
}

const PASSING = new Set([0, 408, 429, 503, 504]);

/** The notice for a failed request, with a button to try again where that can help. */
export function failure(app, error, retry = null) {
  const canHelp = PASSING.has(error.status) || error.status >= 500;
  const kind = PASSING.has(error.status) ? "warn" : "bad";
  return notice(app, kind, error.sentence ?? "error.unexpected", canHelp && retry && { t: "shell.again", run: retry });
}
