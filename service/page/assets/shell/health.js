// Whether the service answers: one banner for the whole page while it does not, and a look every few seconds.

import { notice } from "../lib/notice.js";

const SECONDS = 3;

export class Health {
  #listeners = [];
  #timer = null;
  #down = null;

  constructor(app, banner, serving) {
    this.app = app;
    this.banner = banner;
    this.serving = serving;
    app.onLang(() => this.#show());
  }

  /** Call `listener` when the service answers again after it did not. */
  onBack(listener) {
    this.#listeners.push(listener);
  }

  /** Tell everybody to ask again. */
  back() {
    this.#listeners.forEach((listener) => listener());
  }

  /** Take note of a failed request. */
  report(error) {
    if (error.isDown) {
      this.#down = error.code;
      this.#show();
      this.#timer ??= setTimeout(() => this.look(), SECONDS * 1000);
    }
  }

  /** Ask whether the service is ready. */
  async look() {
    this.#timer = null;
    try {
      const { version } = await this.app.api("/health/ready");
      this.version = version;
      const wasDown = this.#down !== null;
      this.#down = null;
      this.#show();
      if (wasDown) {
        this.back();
      }
    } catch {
      // `report` was told, and looks again.
    }
  }

  #show() {
    const state = this.#down === null ? "up" : "down";
    const chosen = this.app.version();
    this.serving.dataset.state = state;
    const words = this.serving.querySelector("[data-t]");
    const key = state === "down" ? "shell.not_serving" : chosen ? "shell.chosen" : "shell.version";
    if (words.dataset.t !== key) {
      this.app.bind(words, key);
    }
    const shown = state === "down" ? "" : (chosen ?? this.version ?? this.serving.querySelector("code").textContent);
    this.serving.querySelector("code").textContent = shown;
    const current = this.banner.dataset.code ?? null;
    if (current !== this.#down) {
      this.banner.replaceChildren(...(this.#down ? [notice(this.app, "warn", `error.${this.#down}`)] : []));
      if (this.#down) {
        this.banner.dataset.code = this.#down;
      } else {
        delete this.banner.dataset.code;
      }
    }
  }
}
