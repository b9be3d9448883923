// To come.

export function mount(panel, app) {
  panel.append(app.el("h2", { t: "batch.title" }));
}
