"""A listing's text: from the HTML that sellers paste to the words that a person reads.

BeautifulSoup reads the markup. It is guarded, because Python's `html.parser` under it takes quadratic time on markup
such as `<a b=<a b=...` or `<!--<!--...` (docs/decisions/0020), BeautifulSoup raises on `<![`, and both treat entities
and `<script>` differently from release to release. So hidden content is cut out first, entities are decoded here, and
markup whose tags are not all plain and closed goes through one regular expression instead. All expressions are
possessive: none can backtrack, each is linear.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field
from html.entities import html5

from bs4 import BeautifulSoup

from models.errors import TextTooLong
from models.preprocessing.text.placeholder import is_placeholder
from models.preprocessing.text.spaced import has_spaced_letters, join_spaced_letters

MAX_CHARACTERS = 20_000
"""Longest raw field. The longest of 50,000 real descriptions has 9,709 characters."""
_MAX_PARSED_TAGS = 1000
"""More tags than this skip the parser, which searches lists that grow with them."""
_MAX_NORMALISED = 256
"""Longest part of a word put into NFC at once: CPython orders combining marks in quadratic time."""
_PIECE = re.compile(rf"[^ ]{{1,{_MAX_NORMALISED}}} ?")
_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|nobr|q|s|samp|small|span|strike"
    "|strong|sub|sup|time|tt|u|var|wbr"
)
"""Elements within a line: their tags leave no space. All others (paragraphs, cells, `<br>`, images...) part words."""
_NOT_PARSED = "iframe|noembed|noframes|noscript|plaintext|rp|rt|script|style|template|textarea|title|xmp"
"""Elements whose content html.parser or BeautifulSoup treats specially, not the same way in every release."""
_TELLING = "br|div|font|h[1-6]|img|li|span|strong|table|t[dhr]|ul"
"""Elements that a text breaks off in, by names that are no words."""
_NAME = r"[a-z][a-z0-9-]*+(?::[a-z][a-z0-9-]*+)?+(?=[\s/>])"
_ATTRIBUTE = r"""[^\s"'<>/=]++(?:\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s"'`=<>]++))?+"""
_PLAIN_TAG = rf"(?:<{_NAME}(?:[\s/]++(?:{_ATTRIBUTE})?+)*+>|</{_NAME}[\s/]*+>)"
_FLAGS = re.ASCII | re.IGNORECASE
_HIDDEN_START = re.compile(r"<!--|<[!?](?=[a-z=])|<(?:script|style|template)(?=[\s/>])", _FLAGS)
_HIDDEN_END = {f"<{name}": re.compile(rf"</{name}[^<>]*+>", _FLAGS) for name in ("script", "style", "template")}
_HIDDEN_END |= {"<!--": re.compile("-->|(?<!<!)--!>"), "<!": re.compile(">"), "<?": re.compile(">")}
_CUT_TAG = re.compile(
    rf"<(?:(?P<sure>/[a-z]|(?:{_TELLING})(?=[\s/]|\Z)|{_NAME}(?=[^<>]*=))|[a-z])"
    r"""(?:[^<>"']|"[^"]*+"|'[^']*+')*+(?:"[^">]*+|'[^'>]*+)?+\Z""",
    _FLAGS,
)
_ODD = re.compile(rf"(?!{_PLAIN_TAG})<[a-z/!?]|<(?:{_NOT_PARSED})[\s/>]", _FLAGS)
_BOUNDARY = re.compile(rf"<(?=/?(?!(?:{_INLINE})[\s/>])[a-z])", _FLAGS)
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE})[\s/>]", _FLAGS)
_ANY_TAG = re.compile(rf"{_PLAIN_TAG}|</?{_NAME}[^<>]*+>|<!\[CDATA\[|\]\]>|<!\[[^<>]*+>", _FLAGS)
_AMPERSAND = "\x1a"
"""Stands for "&" within the parser; `_visible` has removed every other one."""
_SLOPPY_REFERENCE = re.compile(r"&\s?([a-z][a-z0-9]{1,30}+);", _FLAGS)
_ENDLESS_REFERENCE = re.compile(r"&#(?:[0-9]{12,}+|x[0-9a-f]{12,}+);?", _FLAGS)
_SURROGATE = re.compile("[\ud800-\udfff]")
_C1 = re.compile("[\x80-\x9f]")
_C1_MEANT = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Controls that are not white space, soft hyphen, zero-width, bidirectional, interlinear and tag characters."""


def plain_text(markup: str) -> str:
    """The readable text of `markup`: no tags, comments, scripts or invisible characters; NFC; single spaces; case kept.

    Entities are decoded twice ("&amp;eacute;" is "é"; "& Nbsp;" counts as one too), and tags that the first decoding
    brings to light are stripped as well, because feeds escape HTML once too often. A "<" that opens no closed tag is
    text ("5 < 6", "a<b"), unless the text breaks off in a tag; a comment or script that is never closed hides the rest,
    as in browsers. Letters that are set apart are joined; a placeholder of an empty cell is no text. Never raises;
    linear time.
    """
    return _without_placeholder(markup)[0]


def _without_placeholder(markup: str) -> tuple[str, bool]:
    """`plain_text`, and whether it was but the placeholder of an empty cell."""
    text = _shown_text(markup)
    # "<NA>" is a tag by its form, so nothing of it is shown.
    return ("", True) if is_placeholder(text or markup.strip()) else (text, False)


def _shown_text(markup: str) -> str:
    """`plain_text`, with placeholders."""
    text = _visible(markup)
    if "<" in text:
        text = _strip_markup(text)
    is_escaped = "<" not in text  # a "<" that is left now did not break off at the end: tags stood behind it
    if "&" in text:
        text = _visible(_decode(text))
    if "<" in text:
        text = _strip_tags(text, may_break_off=is_escaped)
    if "&" in text:
        text = _visible(_decode(text))
    line = _normalised(text)
    return _normalised(join_spaced_letters(text)) if has_spaced_letters(line) else line


def _normalised(text: str) -> str:
    """Text in NFC with single spaces."""
    words = text.split()
    text = " ".join(words)
    if text.isascii():
        return text
    if max(map(len, words)) > _MAX_NORMALISED:
        return "".join(unicodedata.normalize("NFC", piece) for piece in _PIECE.findall(text))
    return unicodedata.normalize("NFC", text)


def _visible(text: str) -> str:
    """Drop invisible characters, and decode Windows-1252 bytes that were read as Latin-1 (0x9C: "œ")."""
    if text.isprintable():
        return text
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if _C1.search(text):
        text = text.translate(_C1_MEANT)
    return _INVISIBLE.sub("", text)


def _decode(text: str) -> str:
    """Decode entities once, sloppy ones too. `html.unescape` raises on references of thousands of digits."""
    text = _SLOPPY_REFERENCE.sub(_well_spelt, text)
    return html.unescape(_ENDLESS_REFERENCE.sub("\ufffd", text))


def _well_spelt(match: re.Match[str]) -> str:
    for name in (match[1], match[1].lower()):
        if f"{name};" in html5:
            return f"&{name};"
    return match[0]


def _strip_markup(markup: str) -> str:
    """Text of HTML, entities left as they are."""
    markup = _cut_end(_cut_hidden(markup))
    if _ODD.search(markup) or markup.count("<") > _MAX_PARSED_TAGS:
        return _ANY_TAG.sub(_space, markup)
    return _parse(markup) if "<" in markup else markup


def _strip_tags(markup: str, *, may_break_off: bool = True) -> str:
    """Text of HTML, entities left as they are, without the parser."""
    markup = _cut_hidden(markup)
    return _ANY_TAG.sub(_space, _cut_end(markup) if may_break_off else markup)


def _parse(markup: str) -> str:
    soup = BeautifulSoup(_BOUNDARY.sub(" <", markup).replace("&", _AMPERSAND), "html.parser")
    text = soup.get_text().replace(_AMPERSAND, "&")
    soup.decompose()  # its cycles would otherwise wait for the garbage collector
    return text


def _space(tag: re.Match[str]) -> str:
    return "" if _INLINE_TAG.match(tag[0]) else " "


def _cut_hidden(markup: str) -> str:
    """Cut comments, declarations, scripts, style sheets and templates, with their content."""
    kept = []
    position = 0
    while start := _HIDDEN_START.search(markup, position):
        kept.append(markup[position : start.start()])
        # "<!-->" is a whole comment, so its end may overlap its start.
        end = _HIDDEN_END[start[0].lower()].search(markup, start.start() + 2)
        if end is None:
            return "".join(kept)
        position = end.end()
    kept.append(markup[position:])
    return "".join(kept)


def _cut_end(markup: str) -> str:
    """Cut a tag that the text breaks off in. In text without other tags an attribute or a telling name must show it."""
    start = markup.rfind("<")
    cut = _CUT_TAG.match(markup, start) if start >= 0 else None
    return markup[:start] if cut and (cut["sure"] or _ANY_TAG.search(markup, 0, start)) else markup


@dataclass(frozen=True, slots=True)
class ListingText:
    """The two text fields of a listing, cleaned and kept apart; either may be empty.

    `placeholder`: a field held nothing but the placeholder of an empty cell, and is empty now.
    """

    designation: str
    description: str
    placeholder: bool = field(default=False, compare=False)

    @classmethod
    def clean(cls, designation: str, description: str) -> ListingText:
        """Clean both raw fields. Raises TextTooLong, with a pointer, if one is longer than MAX_CHARACTERS."""
        for pointer, markup in (("/designation", designation), ("/description", description)):
            if len(markup) > MAX_CHARACTERS:
                raise TextTooLong(pointer=pointer)
        title, title_placeholder = _without_placeholder(designation)
        text, text_placeholder = _without_placeholder(description)
        return cls(title, text, title_placeholder or text_placeholder)

    @property
    def is_empty(self) -> bool:
        """Whether neither field has readable text."""
        return not (self.designation or self.description)
