"""Letters set apart by blanks or dots, as headlines are: "P i s c i n e   r o n d e", "P.i.s.c.i.n.e"."""

from __future__ import annotations

import re
from collections import Counter

_BLANK_APART = re.compile(r" [^\W\d_] [^\W\d_] [^\W\d_](?: |\Z)")
_DOT_APART = re.compile(r"\. ?[^\W\d_]\.")
"""One of the two is in every text that holds letters set apart; `re` is fast where an expression begins with one
certain character."""
_BLANKS = re.compile(r"\s++")
_LETTER = "[^\\W\\d_][\u0300-\u036f]*+(?![^\\W_])"
"""A letter that no other letter or digit follows, with its combining marks."""
_DOTTED = re.compile(rf"(?<![^\W_]){_LETTER}(?:\.\s?{_LETTER}){{4,}}+")
_SPACED = re.compile("(?<!\\S)\\S[\u0300-\u036f]*+(?:\\s++\\S[\u0300-\u036f]*+(?!\\S)){4,}+")
_DOT = re.compile(r"\.\s?")
_SIZE = re.compile(r"\S\s+[x×]\s+\S\s+[x×]", re.IGNORECASE)
_FEWEST_LETTERS = 5
"""Shorter runs are sizes and initials more often than words."""


def has_spaced_letters(text: str) -> bool:
    """Whether `join_spaced_letters` may change a text; it is in NFC here, with single spaces."""
    return bool(_BLANK_APART.search(text) or _DOT_APART.search(text))


def join_spaced_letters(text: str) -> str:
    """Text whose letters are set apart, as the words that they spell.

    Within a run of single characters the commonest blank stands between letters, any other between words. Sizes
    ("L x l x h") and letters in the order of the alphabet ("A B C D E") stay.
    """
    text = _DOTTED.sub(lambda run: _DOT.sub("", run[0]), text)
    return _SPACED.sub(lambda run: _join(run[0]), text)


def _join(run: str) -> str:
    letters = [character for character in run.casefold() if character.isalpha()]
    if len(letters) < _FEWEST_LETTERS or letters == sorted(letters) or _SIZE.match(run):
        return run
    blanks = Counter(_BLANKS.findall(run))
    narrow = max(blanks, key=lambda blank: (blanks[blank], -len(blank)))
    return _BLANKS.sub(lambda blank: "" if blank[0] == narrow else " ", run)
