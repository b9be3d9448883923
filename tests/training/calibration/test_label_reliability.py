from __future__ import annotations

import numpy as np
import pytest

from training.calibration.label_reliability import LabelReliability, Reliability, agreed_certainty, describe_sources

SOURCES = np.array(["true"] * 3 + ["vote"] * 5 + [""])
ALL = np.ones(9, bool)


def test_certainty_has_the_mean_and_the_end_that_were_told() -> None:
    shares = np.linspace(0.3, 1, 500)
    certain = Reliability(0.84, 0.97).certainty(shares)
    assert certain.mean() == pytest.approx(0.84, abs=1e-6)
    assert certain[-1] == pytest.approx(0.97)
    assert (np.diff(certain) > 0).all()


@pytest.mark.parametrize("shares", [np.ones(4), np.full(4, 0.97) ** 0, np.empty(0)])
def test_shares_that_tell_nothing_apart_give_all_the_mean(shares: np.ndarray) -> None:
    np.testing.assert_array_equal(Reliability(0.84, 0.97).certainty(shares), np.full(len(shares), 0.84))


def test_only_named_sources_are_doubted() -> None:
    reliability = LabelReliability(("true",), 3, {"vote": Reliability(0.6, 0.9)})
    certain = reliability.certainty(SOURCES, np.array([1, 1, 1, 0.2, 0.4, 0.6, 0.8, 1, 0.5]))
    assert certain[SOURCES != "vote"].tolist() == [1, 1, 1, 1]
    assert certain[SOURCES == "vote"].mean() == pytest.approx(0.6)
    assert LabelReliability().certainty(SOURCES, np.ones(9)).tolist() == [1.0] * 9


def test_trusted_listings_stand_alone_when_they_are_enough() -> None:
    assert LabelReliability(("true",), 3).enough(SOURCES, ALL) is not None
    assert np.flatnonzero(LabelReliability(("true",), 3).enough(SOURCES, ALL)).tolist() == [0, 1, 2]
    assert LabelReliability(("true",), 4).enough(SOURCES, ALL) is None
    assert LabelReliability(("true",), 3).enough(SOURCES, np.arange(9) > 0) is None
    np.testing.assert_array_equal(LabelReliability().enough(SOURCES, ALL), ALL)


def test_a_doubtful_label_gains_from_a_confident_answer() -> None:
    probabilities = np.float32([[0.9, 0.1], [0.9, 0.1], [0.5, 0.5]])
    np.testing.assert_allclose(agreed_certainty(probabilities, np.array([0.7, 1.0, 0.7])), [0.9, 1.0, 0.7], atol=1e-6)


def test_the_basis_is_told_in_words() -> None:
    assert describe_sources(SOURCES) == "1 given, 3 true, 5 vote"
