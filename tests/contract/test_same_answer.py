"""A listing's answer is its own: the same alone, in any batch, in any order and next to any neighbours.

Tolerance: probabilities may differ by `TOLERANCE`, because another batch size can change the order of float additions.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.decision.prediction import Action, Prediction, Scores
from models.errors import ListingError
from models.listing import Evidence, Listing, Modality
from models.networks.inference import MAX_BATCH
from models.predictor import Predictor
from tests.models.tiny_networks import COLOURS, WORDS
from tests.models.tiny_version import CODES, listing, photo

TOLERANCE = 1e-4

PHOTOS = [
    photo(colour, size) for colour, size in zip(COLOURS, [(64, 64), (40, 90), (200, 32), (33, 33)] * 2, strict=True)
]
words = st.sampled_from([*WORDS, "de", "Ø 3 m", "PS4 Pro 1To", "<b>neuf</b>", "&eacute;tat", "日本", "!!!", "12,5 cm²"])
titles = st.one_of(
    st.just(""),
    st.lists(words, min_size=1, max_size=8).map(" ".join),
    st.text(st.characters(codec="utf-8"), max_size=30),
)
descriptions = st.one_of(
    st.just(""),
    st.lists(words, min_size=1, max_size=5).map(" ".join),
    st.tuples(st.lists(words, min_size=1, max_size=5), st.integers(20, 200)).map(
        lambda part: " ".join(part[0] * part[1])
    ),
)
listings = st.builds(Listing, titles, descriptions, st.none() | st.sampled_from(PHOTOS))

VARIED = [
    listing(0),
    Listing("a"),
    Listing("!!!"),
    Listing(" ".join(WORDS) * 30),
    Listing("court", "long " * 3000),
    Listing("", "x"),
    listing(1, description=2),
    listing(photo_of=3),
    Listing(image=PHOTOS[1]),
    listing(2, photo_of=0),
    listing(3, description=1, photo_of=2),
    Listing("Größe", "Œuvre " * 900, PHOTOS[2]),
]


def close(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() <= TOLERANCE)


def same_scores(one: Scores, other: Scores) -> bool:
    return (
        close(one.fused, other.fused)
        and one.by_modality.keys() == other.by_modality.keys()
        and all(close(one.by_modality[modality], other.by_modality[modality]) for modality in one.by_modality)
    )


def same_prediction(one: Prediction | ListingError, other: Prediction | ListingError) -> bool:
    """Equal but for confidences, which may differ by the tolerance, and what lies within it of a limit."""
    if isinstance(one, ListingError) or isinstance(other, ListingError):
        return type(one) is type(other) and one.pointer == other.pointer  # type: ignore[union-attr]
    confidences = zip(by_code(one), by_code(other), strict=True)
    return (
        all(code == twin and abs(p - q) <= TOLERANCE for (code, p), (twin, q) in confidences)
        and (one.evidence, one.modalities, one.warnings, one.version)
        == (other.evidence, other.modalities, other.warnings, other.version)
        and one.by_modality.keys() == other.by_modality.keys()
    )


def by_code(prediction: Prediction) -> list[tuple[str, float]]:
    return sorted((entry.code, entry.confidence) for entry in prediction.predictions)


def in_batches(predictor: Predictor, asked: Sequence[Listing], size: int) -> list[Scores]:
    prepared = [predictor.prepare(one) for one in asked]
    return [
        scores for start in range(0, len(asked), size) for scores in predictor.score(prepared[start : start + size])
    ]


@pytest.fixture(scope="module")
def alone(tiny_predictor: Predictor) -> list[Scores]:
    """The scores of `VARIED`, each asked alone."""
    return in_batches(tiny_predictor, VARIED, 1)


def test_the_listings_are_of_every_case_and_get_different_answers(
    tiny_predictor: Predictor, alone: list[Scores]
) -> None:
    assert {tiny_predictor.prepare(one).evidence for one in VARIED} == set(Evidence)
    assert len({scores.fused.round(3).tobytes() for scores in alone}) == len(VARIED)


@pytest.mark.parametrize("size", [2, 3, 5, len(VARIED)])
def test_in_batches_of_any_size(tiny_predictor: Predictor, alone: list[Scores], size: int) -> None:
    assert all(map(same_scores, in_batches(tiny_predictor, VARIED, size), alone))


def test_in_more_than_one_pass_of_the_networks(tiny_predictor: Predictor, alone: list[Scores]) -> None:
    count = 2 * MAX_BATCH + 5
    together = in_batches(tiny_predictor, [VARIED[row % len(VARIED)] for row in range(count)], count)
    assert all(same_scores(scores, alone[row % len(VARIED)]) for row, scores in enumerate(together))


def test_next_to_itself(tiny_predictor: Predictor, alone: list[Scores]) -> None:
    for one, scores in zip(VARIED, alone, strict=True):
        assert all(same_scores(scores, twin) for twin in in_batches(tiny_predictor, [one] * 4, 4))


def test_asked_again(tiny_predictor: Predictor, alone: list[Scores]) -> None:
    again = in_batches(tiny_predictor, VARIED, 1)
    assert all(np.array_equal(one.fused, other.fused) for one, other in zip(again, alone, strict=True))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(listings, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_whatever_the_neighbours(tiny_predictor: Predictor, asked: list[Listing], chance: random.Random) -> None:
    """Bad listings among them included: each gets its own error, wherever it stands."""
    top_k = len(CODES[:4])
    together = tiny_predictor.predict_many(asked, top_k=top_k)
    assert len(together) == len(asked)
    order = chance.sample(range(len(asked)), len(asked))
    shuffled = tiny_predictor.predict_many([asked[row] for row in order], top_k=top_k)
    for row, answer in zip(order, shuffled, strict=True):
        (by_itself,) = tiny_predictor.predict_many([asked[row]], top_k=top_k)
        assert same_prediction(answer, by_itself)
        assert same_prediction(together[row], by_itself)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(listings, st.integers(1, 4), st.none() | st.floats(0.8, 0.995))
def test_what_holds_for_every_prediction(
    tiny_predictor: Predictor, asked: Listing, top_k: int, precision: float | None
) -> None:
    (answer,) = tiny_predictor.predict_many([asked], top_k=top_k, precision=precision)
    if isinstance(answer, ListingError):
        assert asked.image is None
        return
    assert len(answer.predictions) == top_k
    confidences = [entry.confidence for entry in answer.predictions]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= confidence <= 1 for confidence in confidences)
    assert answer.prediction_set.codes[0] == answer.code
    assert len(set(answer.prediction_set.codes)) == len(answer.prediction_set.codes)
    shared = min(top_k, len(answer.prediction_set.codes))
    assert answer.prediction_set.codes[:shared] == tuple(entry.code for entry in answer.predictions)[:shared]
    decision = answer.decision
    assert decision.precision == (0.9 if precision is None else precision)
    accepted = decision.threshold is not None and answer.confidence >= decision.threshold and not answer.disagreement
    assert decision.action is (Action.ACCEPT if accepted else Action.REVIEW)
    assert (decision.reason is None) == accepted
    assert set(answer.by_modality) == set(answer.modalities)
    assert (Modality.IMAGE in answer.modalities) == (asked.image is not None)
    assert answer.disagreement <= (len(answer.modalities) == 2)


def test_the_id_changes_nothing(tiny_predictor: Predictor) -> None:
    for one in VARIED:
        assert tiny_predictor.predict(replace(one, id="SKU-1")) == tiny_predictor.predict(one)


def test_an_empty_field_is_no_field(tiny_predictor: Predictor) -> None:
    """White space around a text, or alone in a field, is not evidence."""
    for plain, spaced in (
        (Listing("Piscine"), Listing("  Piscine\n", " \t")),
        (Listing("", "Piscine"), Listing("\u00a0", "Piscine ")),
        (Listing(image=PHOTOS[0]), Listing(" ", "\n", PHOTOS[0])),
    ):
        assert tiny_predictor.predict(plain) == tiny_predictor.predict(spaced)
