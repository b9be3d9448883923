// What the page remembers between visits. Browsers may refuse storage: then it is forgotten, and nothing else.

export function remembered(name) {
  try {
    return localStorage.getItem(`pykuten.${name}`);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`pykuten.${name}`, value);
  } catch {
    // Not stored.
  }
}

/** A value that tells its listeners when it changes. */
export class Choice {
  #listeners = [];

  constructor(value) {
    this.value = value;
  }

  set(value) {
    if (value !== this.value) {
      this.value = value;
      for (const listener of this.#listeners) {
        listener(value);
      }
    }
  }

  on(listener) {
    this.#listeners.push(listener);
  }
}
