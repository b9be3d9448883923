// Children that change while a person is on them.

/** Give `parent` these children. Nothing moves when they are the same as before: an element that is taken out between
 * the press and the release of a button gets no click. Where the one with the focus goes, the first button takes it. */
export function settle(parent, children) {
  const same = children.length === parent.children.length && children.every((child, at) => child === parent.children[at]);
  if (same) return;
  const held = parent.contains(document.activeElement) ? document.activeElement : null;
  parent.replaceChildren(...children);
  if (held === null) return;
  (held.isConnected ? held : parent.querySelector("button:not(:disabled)"))?.focus();
}
