// Where the keyboard is, when what it was on is made anew.

/** Replace the children; the focus stays on the one with the same id or `data-key`, or goes to the first button. */
export function replaceKeepingFocus(parent, children) {
  const held = parent.contains(document.activeElement) ? document.activeElement : null;
  parent.replaceChildren(...children);
  if (held === null) return;
  const same = [...parent.querySelectorAll("button, select, input")].find((one) =>
    held.id ? one.id === held.id : held.dataset.key && one.dataset.key === held.dataset.key,
  );
  (same ?? parent.querySelector("button:not(:disabled)"))?.focus();
}
