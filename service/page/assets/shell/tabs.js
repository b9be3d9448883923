// The tab list: one panel at a time, named by the address's hash, moved through by the arrow keys.

export class Tabs {
  /** `open(name, panel)` is called whenever a tab is shown. */
  constructor(list, open) {
    this.open = open;
    this.tabs = [...list.querySelectorAll("[role=tab]")];
    list.addEventListener("click", (event) => this.#press(event.target.closest("[role=tab]")));
    list.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("hashchange", () => this.#follow());
    this.#follow();
  }

  /** Show a tab by name; the address follows. */
  show(name) {
    if (this.name === name) {
      return;
    }
    location.hash = name;
    this.#follow();
  }

  #follow() {
    const wanted = location.hash.slice(1);
    const name = this.tabs.some((tab) => nameOf(tab) === wanted) ? wanted : nameOf(this.tabs[0]);
    if (name === this.name) {
      return;
    }
    this.name = name;
    for (const tab of this.tabs) {
      const chosen = nameOf(tab) === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      panelOf(tab).hidden = !chosen;
      if (chosen) {
        this.open(name, panelOf(tab));
      }
    }
  }

  #press(tab) {
    if (tab) {
      this.show(nameOf(tab));
    }
  }

  #key(event) {
    const at = this.tabs.indexOf(document.activeElement);
    const last = this.tabs.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (at >= 0 && to !== undefined) {
      event.preventDefault();
      this.tabs[to].focus();
      this.#press(this.tabs[to]);
    }
  }
}

const nameOf = (tab) => tab.id.slice("tab-".length);
const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
