from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.calibration import FILE_NAME, PRECISION_MAX, PRECISION_MIN, PRECISIONS, Calibration, CaseCalibration
from models.errors import VersionRefused
from models.listing import Case


def case(set_floor: float = 0.1, **changes: Any) -> CaseCalibration:
    fields = {"temperature": 1.5, "listings": 100, "thresholds": [0.5, 0.7, None], "class_thresholds": {}}
    return CaseCalibration(**(fields | {"set_floor": set_floor} | changes))


CALIBRATION = Calibration(
    (0.8, 0.9, 0.95),
    0.9,
    0.95,
    {
        Case.TEXT: case(class_thresholds={"10": [0.6, None, None]}),
        Case.IMAGE: case(thresholds=[0.8, 0.9, 0.99]),
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
    assert CALIBRATION.threshold(Case.TEXT, "40", precision) == threshold


def test_a_category_can_have_thresholds_of_its_own() -> None:
    assert CALIBRATION.threshold(Case.TEXT, "10", 0.8) == 0.6
    assert CALIBRATION.threshold(Case.TEXT, "10", 0.9) is None
    assert CALIBRATION.threshold(Case.IMAGE, "10", 0.9) == 0.9


def test_the_precisions_on_offer_cover_the_range_of_requests() -> None:
    assert list(PRECISIONS) == sorted(set(PRECISIONS))
    assert (PRECISIONS[0], PRECISIONS[-1]) == (PRECISION_MIN, PRECISION_MAX)


@given(
    arrays.arrays(np.float32, st.integers(2, 8), elements=st.sampled_from([0, 0.1, 0.25, 0.5, 1])),
    st.floats(0, 1),
)
def test_a_prediction_set_is_the_best_categories_and_never_empty(probabilities: np.ndarray, floor: float) -> None:
    calibration = Calibration((0.9,), 0.9, 0.95, {Case.BOTH: case(floor, thresholds=[None])})
    members = calibration.prediction_set(Case.BOTH, probabilities).tolist()
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
    assert Calibration.read(tmp_path).threshold(Case.TEXT, "10", 0.9) == 0.6


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
