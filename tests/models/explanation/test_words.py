from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.explanation.words import grouped, segments, without, word_spans


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in word_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Matelas de piscine", ["Matelas", "de", "piscine"]),
        ("178 x 84,5 cm. Réf.: A-12/B", ["178", "x", "84,5", "cm", "Réf", "A-12", "B"]),
        ("l'eau d’été", ["l'eau", "d’été"]),
        ("snake_case", ["snake", "case"]),
        ("🙂 -- !", []),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_many_words_are_left_out_in_groups_of_neighbours() -> None:
    text = " ".join(str(n) for n in range(100))
    spans = grouped(word_spans(text), 7)
    assert len(spans) == 7
    assert text[slice(*spans[0])] == " ".join(str(n) for n in range(15))
    assert " ".join(text[slice(*span)] for span in spans) == text


def test_a_few_words_are_left_out_one_by_one() -> None:
    spans = word_spans("a b c")
    assert grouped(spans, 3) == spans
    assert grouped([], 3) == []
    assert grouped(spans, 0) == [(0, 5)]


def test_leaving_out_leaves_no_gap() -> None:
    assert without("une belle piscine", (4, 9)) == "une piscine"
    assert without("piscine", (0, 7)) == ""


@given(st.text(max_size=200), st.integers(1, 20))
def test_joined_the_segments_are_the_text(text: str, most: int) -> None:
    spans = grouped(word_spans(text), most)
    assert len(spans) <= most
    pieces = segments(text, dict.fromkeys(spans, 0.5))
    assert "".join(segment.text for segment in pieces) == text
    assert [segment.text for segment in pieces if segment.effect is not None] == [text[slice(*span)] for span in spans]
    assert all(segment.text for segment in pieces)
