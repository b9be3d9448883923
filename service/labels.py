"""Words for categories, in the language that the caller reads."""

from __future__ import annotations

import re
from functools import lru_cache

from models.taxonomy import LANGUAGES, Taxonomy

_RANGE = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
_MAX_HEADER_CHARACTERS = 200


@lru_cache(maxsize=256)
def language(asked: str | None, accept_language: str) -> str:
    """The `lang` option, else the best language of an Accept-Language header (RFC 9110, 12.5.4), else French."""
    if asked is not None:
        return asked
    best, best_quality = LANGUAGES[0], 0.0
    for item in accept_language[:_MAX_HEADER_CHARACTERS].split(","):
        if match := _RANGE.fullmatch(item):
            name, quality = match[1].lower(), float(match[2] or 1)
            if name in LANGUAGES and quality > best_quality:
                best, best_quality = name, quality
    return best


class Labels:
    """Label and group of every category in every language, looked up once when a version is loaded."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._words = {
            lang: {code: (taxonomy.label(code, lang), taxonomy.group(code, lang)) for code in taxonomy.codes}
            for lang in LANGUAGES
        }

    def __call__(self, lang: str) -> dict[str, tuple[str, str]]:
        """Code to (label, group) in `lang`."""
        return self._words[lang]
