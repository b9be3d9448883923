"""Hostile texts: they break parsers, encoders, terminals and regular expressions. A seed gives one text, always."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

NAUGHTY = (
    "", " ", "\u00a0\u2003\ufeff", "\0", "a\0b", "\x1b[31m\x07\x08", "null", "NaN", "undefined", "-0", "1e999",
    "' OR 1=1 --", "{{7*7}}${7*7}<%= 7*7 %>", "../../../../etc/passwd", "%s%n%x%d", "<script>alert(1)</script>",
    "<![", "<![CDATA[", "<!--", "<!DOCTYPE a [<!ENTITY b 'c'>]>&b;",
    "&#x110000;&#xd800;&#0;&#99999999999999;&nosuch;&amp", "<a b=<a b=<a b=", '<a "', "<" * 2000, "&" * 2000,
    "\u202eabc\u202c\u2066x\u2069", "Z\u0335\u0321\u0322a\u0316\u0317l\u0318g\u0319o" * 50, "e" + "\u0301" * 5000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1eb\U0001f1f7" * 100, "\ufdfd\U0001242b\ufffd\uffff\ufffe",
    "\u0130\u0131\u1e9e\ufb03\u2126\u017f", "a" * 19_999, "a" * 20_000, "a" * 20_001, "\u20ac" * 20_000,
    "\U0001f600" * 20_000, "a " * 10_000, "1" * 5000, "http://127.0.0.1:1/" * 20, "CON", "\r\nX-Injected: 1\r\n\r\n",
    "\u2028\u2029\x85\x0b\x0c\x1c",
)  # fmt: skip
PIECES = (
    "<", ">", "</", "/>", "<!--", "-->", "<![", "]]>", "&", ";", "&#", "&#x", '"', "'", "=", "a", " ", "\n", "\0",
    "<a b=", "<p>", "<?", "?>", "\u0301", "\u200d", "<script", "</script", "<style>", "\ufffe",
)  # fmt: skip


def text(chance: Random) -> str:
    """One text, without lone surrogates."""
    return chance.choice(KINDS)(chance)


def _naughty(chance: Random) -> str:
    return chance.choice(NAUGHTY)


def _markup(chance: Random) -> str:
    return "".join(chance.choice(PIECES) for _ in range(chance.choice((3, 30, 300, 3000))))[:20_000]


def _repeated(chance: Random) -> str:
    piece = "".join(chance.choice(PIECES) for _ in range(chance.randrange(1, 4)))
    return (piece * 20_000)[: chance.choice((500, 5000, 20_000, 20_001))]


def _code_points(chance: Random) -> str:
    points = (chance.randrange(0x110000) for _ in range(chance.choice((1, 10, 500))))
    return "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)


def _words(chance: Random) -> str:
    words = (
        "Piscine",
        "gonflable",
        "livre",
        "<b>table</b>",
        "&eacute;",
        "Gr\u00f6\u00dfe",
        "\u6f22\u5b57",
        "12V",
        "n\u00b0",
    )
    return " ".join(chance.choice(words) for _ in range(chance.choice((1, 5, 2000))))[:20_000]


KINDS: tuple[Callable[[Random], str], ...] = (_naughty, _naughty, _markup, _markup, _repeated, _code_points, _words)
