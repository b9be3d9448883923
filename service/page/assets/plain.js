// The text of HTML, for showing what a description says. The service's own reading is the one that counts.

const BLOCKS = "p, div, li, ul, ol, br, tr, table, h1, h2, h3, h4, h5, h6, dt, dd, blockquote, section, article";
const UNREAD = "script, style, template, noscript, svg, iframe, object, head";

/** Whether a text looks as if it held tags or entities. */
export const holdsHtml = (text) => /<[a-z!/][^>]*>|&(?:[a-z]+|#\d+|#x[\da-f]+);/i.test(text);

/** Parsed in a document that runs no script and loads no picture. */
export function plainText(html) {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  body.querySelectorAll(UNREAD).forEach((element) => element.remove());
  body.querySelectorAll(BLOCKS).forEach((element) => element.after("\n"));
  return body.textContent.replace(/[^\S\n]+/g, " ").replace(/ ?\n\s*/g, "\n").trim();
}
