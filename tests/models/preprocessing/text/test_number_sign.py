from __future__ import annotations

import pytest

from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.number_sign import smallest_share, without_number_signs


@pytest.mark.parametrize(
    ("signed", "plain"),
    [
        ("Chaise N°14", "Chaise 14"),
        ("Pinceau n° 10", "Pinceau 10"),
        ("Pinceau nº 10", "Pinceau 10"),
        ("Moule Numéro 7", "Moule 7"),
        ("Crochet # 12", "Crochet 12"),
        ("Strange №102", "Strange 102"),
        ("Lot n°s 3 et n°4", "Lot 3 et 4"),
    ],
)
def test_the_number_stays(signed: str, plain: str) -> None:
    assert without_number_signs(ListingText(signed, "")) == ListingText(plain, "")
    assert without_number_signs(ListingText("Lot", signed)) == ListingText("Lot", plain)


@pytest.mark.parametrize(
    "title",
    ["Chaise 14", "Eau à 30°", "Plan 5", "Vin °14", "C# avancé", "Numéro spécial", "", "Chaise N°14 " + "x" * 60],
)
def test_nothing_to_take_away(title: str) -> None:
    assert without_number_signs(ListingText(title, "")) is None


def test_of_a_few_words_a_sign_weighs_more() -> None:
    assert smallest_share(ListingText("Hameçon 12", "")) > smallest_share(ListingText("Une chaise de bois 14", ""))
