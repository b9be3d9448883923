// The text of HTML, for showing what a description says. The service's own reading is the one that counts.

const UNREAD = /<(script|style|template|noscript|svg|iframe|object|head|title)\b[\s\S]*?(?:<\/\1\s*>|$)|<!--[\s\S]*?(?:-->|$)/gi;
const TAG = /<\/?([a-z][a-z0-9-]*)(?:"[^"]*"|'[^']*'|[^<>"'])*>/gi;
const BLOCK = /^(?:p|div|li|ul|ol|br|tr|table|h[1-6]|dt|dd|blockquote|section|article)$/i;

/** Whether a text looks as if it held tags or entities. */
export const holdsHtml = (text) => /<[a-z!/][^>]*>|&(?:[a-z]+|#\d+|#x[\da-f]+);/i.test(text);

/** No tag ever comes to a parser: even one that runs nothing would hand attributes to the browser. */
export function plainText(html) {
  const bare = html.replace(UNREAD, " ").replace(TAG, (_, name) => (BLOCK.test(name) ? "\n" : ""));
  return decoded(bare).replace(/[^\S\n]+/g, " ").replace(/ ?\n\s*/g, "\n").trim();
}

/** Entities are the browser's business; what is left of tags stays text. */
function decoded(text) {
  return new DOMParser().parseFromString(text.replaceAll("<", "&lt;"), "text/html").body.textContent;
}
