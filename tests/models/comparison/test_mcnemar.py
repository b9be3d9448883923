from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from models.comparison.mcnemar import exact_p_value, holm


def by_hand(first: int, second: int) -> float:
    trials = first + second
    return float(min(Fraction(1), 2 * Fraction(sum(comb(trials, k) for k in range(min(first, second) + 1)), 2**trials)))


@pytest.mark.parametrize("first", [0, 1, 2, 5, 9, 30, 400])
@pytest.mark.parametrize("second", [0, 1, 3, 8, 41, 300])
def test_the_p_value_is_the_exact_binomial_one(first: int, second: int) -> None:
    assert exact_p_value(first, second) == pytest.approx(by_hand(first, second), rel=1e-9)
    assert exact_p_value(first, second) == exact_p_value(second, first)


def test_very_many_listings_neither_overflow_nor_take_long() -> None:
    assert exact_p_value(50_500, 49_500) == pytest.approx(0.00158, abs=2e-5)  # normal: z = 3.159
    assert exact_p_value(0, 1_000_000) == 0


def test_holm_corrects_for_the_number_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1, 1]
    assert holm([]) == []
