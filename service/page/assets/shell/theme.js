// Runs before the page is painted, so that a chosen appearance does not flash in the other one.
"use strict";

try {
  const theme = localStorage.getItem("pykuten.theme");
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
  }
} catch {
  // No storage in this browser: the system's appearance it is.
}
