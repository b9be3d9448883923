"""Number signs: "N°14" is the issue of a magazine, and as well the model of a chair or the size of a hook."""

from __future__ import annotations

import re

from models.preprocessing.text.clean import ListingText

_SIGN = re.compile(r"(?<![^\W_])(?:n\s?[°º]s?|№|num[eé]ros?)\s*(?=\d)|#\s?(?=\d)", re.IGNORECASE)
_LONGEST = 60
"""Characters: in a longer text the signs weigh too little to make the category (docs/decisions/0038)."""
_FEW_WORDS = 3
"""A text of so many words is hardly more than its number sign."""


def without_number_signs(text: ListingText) -> ListingText | None:
    """The text with the numbers alone: "Chaise 14". None for a long text, and for one without number signs."""
    both = text.designation + text.description
    if len(both) > _LONGEST or not _SIGN.search(both):
        return None
    plain = ListingText(_SIGN.sub("", text.designation), _SIGN.sub("", text.description))
    return None if plain == text else plain


def smallest_share(text: ListingText) -> float:
    """The least probability, without number signs, of a category that was found with them.

    A category below it is made by the signs alone (docs/decisions/0038).
    """
    return 0.12 if len(f"{text.designation} {text.description}".split()) <= _FEW_WORDS else 0.03
