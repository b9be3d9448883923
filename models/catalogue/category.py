"""The one spelling of a category: what only a program's way of writing tells apart is the same category."""

from __future__ import annotations

import re
import unicodedata

from models.preprocessing.text.placeholder import is_placeholder

_WHOLE_NUMBER = re.compile(r"(-?\d+)[.,]0")
"""A whole number as tables with gaps write it. `1.000` may be a thousand, so more zeros stay."""


def category_code(text: str) -> str:
    """The category that a cell names: composed letters (NFC), single blanks, `2583.0` as `2583`; "" for none.

    Placeholders name none. Of texts a lone letter or nought is one too, but both are codes of categories.
    """
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    if whole := _WHOLE_NUMBER.fullmatch(plain):
        return whole[1]
    is_code = plain.isdigit() or (len(plain) == 1 and plain.isalpha())
    return "" if not is_code and is_placeholder(plain) else plain


def look_alike_key(code: str) -> str:
    """What codes share that differ only in case, blanks, Unicode form or leading zeros."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", code).casefold())
    bare = "".join(char for char in folded if not char.isspace() and unicodedata.category(char) != "Cf")
    return bare.lstrip("0") or "0" if bare.isdigit() else bare
