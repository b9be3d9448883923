"""A text in segments: its words, or groups of them where there are many, and the characters between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Span = tuple[int, int]
"""First character, and the one after the last."""

_LETTERS = "[^\\W_]+(?:[\u0300-\u036f]+[^\\W_]*)*"
_WORD = re.compile(rf"{_LETTERS}(?:['’.,-]{_LETTERS})*")
"""Letters and digits, with marks that stand within a word: "l'eau", "57,5", "A-12"."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a text. `effect` is by how much the category's confidence falls when the piece is left out, negative
    where the piece speaks against the category; None for characters between words and for words that were not tried.
    """

    text: str
    effect: float | None


def word_spans(text: str) -> list[Span]:
    """The spans of the words."""
    return [match.span() for match in _WORD.finditer(text)]


def grouped(words: list[Span], most: int) -> list[Span]:
    """At most `most` spans that hold all words, each the same number of neighbours, but for the last."""
    if not words:
        return []
    size = -(-len(words) // max(1, most))
    return [(words[at][0], words[min(at + size, len(words)) - 1][1]) for at in range(0, len(words), size)]


def without(text: str, span: Span) -> str:
    """The text with a span left out."""
    start, end = span
    return " ".join((text[:start] + text[end:]).split())


def segments(text: str, effects: Mapping[Span, float]) -> tuple[Segment, ...]:
    """The ascending spans with their effects, and the text between them; joined, they are the whole text."""
    pieces: list[Segment] = []
    position = 0
    for (start, end), effect in effects.items():
        if start > position:
            pieces.append(Segment(text[position:start], None))
        pieces.append(Segment(text[start:end], effect))
        position = end
    if position < len(text):
        pieces.append(Segment(text[position:], None))
    return tuple(pieces)
