// The field for a photo: chosen, taken with the camera, dropped or pasted; shown before it is sent.

import { icon } from "../lib/dom.js";

export class PhotoField {
  /** `changed(photo)` is told of a new File, or null. Files dropped on or pasted into `area` are taken too. */
  constructor(app, area, changed) {
    this.app = app;
    this.changed = changed;
    this.file = null;
    this.url = null;
    this.body = app.el("div", { class: "photo" });
    this.element = app.el("div", { class: "field" }, app.el("span", { class: "label", id: "photo-label", t: "try.photo" }), this.body);
    this.chooser = this.#input({ accept: "image/jpeg,image/png,image/webp,image/gif" }, "photo-file", "try.choose");
    this.camera = this.#input({ accept: "image/*", capture: "environment" }, "photo-camera", "try.camera");
    this.#listen(area);
    this.#show();
  }

  /** Take a file, or null for none. A Blob is given a name of its own. */
  set(file) {
    if (this.url !== null) {
      URL.revokeObjectURL(this.url);
    }
    this.file = file;
    this.url = file && URL.createObjectURL(file);
    this.#show();
    this.changed(file);
  }

  #input(attributes, id, label) {
    const take = (event) => {
      const [file] = event.target.files;
      event.target.value = ""; // so that the same file can be chosen again
      if (file) {
        this.set(file);
      }
    };
    const input = this.app.el("input", { type: "file", class: "unseen", id, on: { change: take }, ...attributes });
    return this.app.el("span", { class: `pick ${id}` }, input, this.app.el("label", { class: "button quiet", for: id, t: label }));
  }

  #listen(area) {
    const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const over = (event) => {
      if (holdsFiles(event)) {
        event.preventDefault();
        this.body.classList.toggle("over", event.type === "dragover");
      }
    };
    area.addEventListener("dragover", over);
    area.addEventListener("dragleave", over);
    area.addEventListener("drop", (event) => {
      over(event);
      this.#take(event.dataTransfer.files);
    });
    document.addEventListener("paste", (event) => {
      if (!area.hidden && event.clipboardData.files.length > 0) {
        event.preventDefault();
        this.#take(event.clipboardData.files);
      }
    });
  }

  #take(files) {
    const file = [...files].find((one) => one.type.startsWith("image/")) ?? files[0];
    if (file) {
      this.set(file);
    }
  }

  #show() {
    const { el } = this.app;
    if (this.file === null) {
      this.body.replaceChildren(
        icon("photo"),
        el("p", { class: "hint", t: "try.drop" }),
        el("div", { class: "row", role: "group", "aria-labelledby": "photo-label" }, this.chooser, this.camera),
      );
    } else {
      const broken = () => this.body.querySelector("img")?.replaceWith(icon("warning"));
      this.body.replaceChildren(
        el("img", { src: this.url, alt: "", class: "preview", on: { error: broken } }),
        el("p", { class: "name hint" }, this.file.name || this.app.t("try.photo")),
        el("div", { class: "row" }, this.chooser, el("button", { type: "button", class: "quiet", id: "photo-remove", t: "try.remove", on: { click: () => this.#remove() } })),
      );
    }
    this.body.classList.toggle("filled", this.file !== null);
  }

  #remove() {
    this.set(null);
    document.getElementById("photo-file").focus();
  }
}
