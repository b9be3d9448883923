from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.decision.calibration import (
    FILE_NAME,
    LEAST_CONTRAST,
    UNCHANGED,
    Calibration,
    EvidenceCalibration,
    Familiarity,
    energy,
    log_softmax,
    reshaped,
)
from models.errors import VersionRefused
from models.listing import Evidence, Modality


def evidence(set_floor: float = 0.1, **changes: Any) -> EvidenceCalibration:
    fields = {"temperature": 1.5, "listings": 100, "thresholds": [0.5, 0.7, None], "class_thresholds": {}}
    return EvidenceCalibration(**(fields | {"set_floor": set_floor} | changes))


CALIBRATION = Calibration(
    (0.8, 0.9, 0.95),
    0.9,
    0.95,
    {
        Evidence.TEXT: evidence(class_thresholds={"10": [0.6, None, None]}),
        Evidence.IMAGE: evidence(thresholds=[0.8, 0.9, 0.99]),
    },
)


@pytest.mark.parametrize(
    ("precision", "threshold"),
    [
        (0.8, 0.5),
        (0.8 + 1e-12, 0.5),
        (0.81, 0.7),
        (0.9, 0.7),
        (0.1 * 9, 0.7),
        (0.91, None),
        (0.95, None),
        (0.96, None),
        (0.995, None),
    ],
)
def test_a_precision_in_between_takes_the_next_higher_one(precision: float, threshold: float | None) -> None:
    assert CALIBRATION.threshold(Evidence.TEXT, "40", precision) == threshold


def test_a_category_can_have_thresholds_of_its_own() -> None:
    assert CALIBRATION.threshold(Evidence.TEXT, "10", 0.8) == 0.6
    assert CALIBRATION.threshold(Evidence.TEXT, "10", 0.9) is None
    assert CALIBRATION.threshold(Evidence.IMAGE, "10", 0.9) == 0.9


@given(arrays.arrays(np.float32, st.integers(2, 8), elements=st.sampled_from([0, 0.1, 0.25, 0.5, 1])), st.floats(0, 1))
def test_a_prediction_set_is_the_best_categories_and_never_empty(probabilities: np.ndarray, floor: float) -> None:
    calibration = Calibration((0.9,), 0.9, 0.95, {Evidence.BOTH: evidence(floor, thresholds=[None])})
    members = calibration.prediction_set(Evidence.BOTH, probabilities).tolist()
    assert members[0] == probabilities.argmax()
    assert members == sorted(members, key=lambda index: (-probabilities[index], index))
    assert set(members) == set(np.flatnonzero(probabilities >= np.float32(floor))) | {members[0]}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    CALIBRATION.write(tmp_path)
    assert Calibration.read(tmp_path) == CALIBRATION


def document(**changes: Any) -> dict[str, Any]:
    return json.loads(CALIBRATION_TEXT) | changes


def with_case(**changes: Any) -> dict[str, Any]:
    found = document()
    found["cases"]["text"] |= changes
    return found


CALIBRATION_TEXT = json.dumps(
    {
        "precisions": [0.8, 0.9],
        "default_precision": 0.9,
        "coverage": 0.95,
        "cases": {
            "text": {
                "temperature": 1,
                "listings": 5,
                "thresholds": [0.5, None],
                "class_thresholds": {"10": [0.5, 0.6]},
                "set_floor": 0.1,
            }
        },
    }
)


def test_the_document_of_the_next_test_is_right_without_its_changes(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(document()))
    assert Calibration.read(tmp_path).threshold(Evidence.TEXT, "10", 0.9) == 0.6


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        document(precisions=[]),
        document(precisions=[0.9, 0.8]),
        document(precisions=[0.8]),
        document(precisions=[0.8, 0.9, 0.95]),
        document(default_precision=0.5),
        document(default_precision=0.999),
        document(coverage=1),
        document(coverage=float("nan")),
        document(cases={"voice": document()["cases"]["text"]}),
        document(more=1),
        with_case(temperature=0),
        with_case(temperature=-1),
        with_case(temperature=float("inf")),
        with_case(thresholds=[0.5]),
        with_case(thresholds=[0.5, 1.5]),
        with_case(thresholds=[-0.5, 0.5]),
        with_case(thresholds=[0.5, float("nan")]),
        with_case(class_thresholds={"10": [0.5]}),
        with_case(class_thresholds={"10": [0.5, 2]}),
        with_case(class_thresholds={"10": None}),
        with_case(set_floor=-0.1),
        with_case(set_floor=1.1),
        with_case(listings=-1),
        with_case(more=1),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, wrong: object) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(wrong))
    with pytest.raises(VersionRefused):
        Calibration.read(tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff", CALIBRATION_TEXT.encode()[:-1]])
def test_a_missing_or_damaged_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(VersionRefused):
        Calibration.read(tmp_path)


LOGITS = arrays.arrays(np.float32, st.integers(2, 8), elements=st.floats(-60, 60, width=32))
SHAPES = st.tuples(st.floats(0, 5), st.floats(0, 5), st.floats(-5, 5))


@settings(deadline=None)
@given(LOGITS, SHAPES)
def test_reshaping_keeps_the_order_and_the_sum(logits: np.ndarray, shape: tuple[float, float, float]) -> None:
    before = log_softmax(logits)
    after = reshaped(before, shape)
    assert np.exp(after).sum() == pytest.approx(1, abs=1e-4)
    assert after.argmax() == before.argmax()
    assert (np.diff(after[np.argsort(-before, kind="stable")]) <= 1e-4).all()


def test_reshaping_is_beta_calibration_of_the_best() -> None:
    before = np.log(np.float32([0.1, 0.7, 0.2]))
    best = float(np.exp(reshaped(before, (1.2, 0.8, -0.1))[1]))
    wanted = 1.2 * np.log(0.7) - 0.8 * np.log(0.3) - 0.1
    assert np.log(best / (1 - best)) == pytest.approx(wanted, abs=1e-5)
    np.testing.assert_allclose(reshaped(before, UNCHANGED), before, atol=1e-6)
    many = np.stack([before, before[::-1]])
    np.testing.assert_allclose(reshaped(many, (2.0, 1.0, 0.3))[1], reshaped(before, (2.0, 1.0, 0.3))[::-1], atol=1e-6)


def test_listings_on_the_border_of_two_categories_have_one_answer() -> None:
    """Whichever of the two is a hair ahead: else rounding would decide how sure the answer is."""
    ahead, behind = (np.log(np.float32([0.4 + e, 0.4 - e, 0.2])) for e in (1e-6, -1e-6))
    shape = (1.0, 1.0, 2.0)
    np.testing.assert_allclose(reshaped(ahead, shape), reshaped(behind, shape), atol=1e-4)


def test_energy_tells_the_unfamiliar() -> None:
    known = Familiarity(
        scales={Modality.TEXT: 1.0, Modality.IMAGE: 0.5}, threshold=3.0, false_alarms=0.05, confidence=0.2
    )
    sure, flat = np.float32([8, 0, 0]), np.zeros(3, np.float32)
    assert float(energy(flat)) == pytest.approx(np.log(3))
    assert not known.unfamiliar({Modality.TEXT: sure, Modality.IMAGE: flat})
    assert not known.unfamiliar({Modality.TEXT: flat, Modality.IMAGE: sure})
    assert known.unfamiliar({Modality.TEXT: flat, Modality.IMAGE: flat})


@settings(deadline=None)
@given(LOGITS, st.floats(0, 1))
def test_a_capped_confidence_keeps_the_order(logits: np.ndarray, cap: float) -> None:
    probabilities = np.exp(log_softmax(logits))
    known = Familiarity(scales={Modality.TEXT: 1.0}, threshold=0.0, false_alarms=0.05, confidence=cap)
    capped = known.capped(probabilities)
    assert capped.sum() == pytest.approx(1, abs=1e-4)
    assert (np.diff(capped[np.argsort(-probabilities, kind="stable")]) <= 1e-6).all()
    least = 1 / len(probabilities)
    assert capped.max() <= max(cap, least + LEAST_CONTRAST * (probabilities.max() - least)) + 1e-5


def test_a_category_can_have_a_floor_of_its_own() -> None:
    fitted = evidence(0.2, class_floors={"40": 0.6, "50": 0.01})
    calibration = Calibration((0.9,), 0.9, 0.95, {Evidence.BOTH: fitted})
    probabilities = np.float32([0.45, 0.35, 0.15, 0.05])
    assert calibration.prediction_set(Evidence.BOTH, probabilities, ("30", "40", "60", "50")).tolist() == [0, 3]
    assert calibration.prediction_set(Evidence.BOTH, probabilities, ("40", "30", "60", "70")).tolist() == [0, 1]


def test_files_of_versions_from_before_these_fields_are_read(tmp_path: Path) -> None:
    old = document()
    for fitted in old["cases"].values():
        for field in ("shape", "class_floors", "familiarity"):
            fitted.pop(field, None)
    (tmp_path / FILE_NAME).write_text(json.dumps(old))
    for fitted in Calibration.read(tmp_path).cases.values():
        assert (fitted.shape, fitted.class_floors, fitted.familiarity) == (UNCHANGED, {}, None)
        scaled = np.float32([1, 2, 3]) / np.float32(fitted.temperature)
        np.testing.assert_array_equal(fitted.log_probabilities(np.float32([1, 2, 3])), log_softmax(scaled))
