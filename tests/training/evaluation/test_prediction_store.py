from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.listing import Evidence
from tests.training.evaluation.test_metrics import answers
from tests.training.synthetic_logits import labelled_logits
from training.evaluation.prediction_store import (
    PREDICTIONS_FILE,
    read_logits,
    read_predictions,
    write_logits,
    write_predictions,
)
from training.evaluation.predictions import LabelledLogits, Predictions


def same(one: Predictions | LabelledLogits, other: Predictions | LabelledLogits) -> None:
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), strict=True)


@pytest.mark.parametrize("bounds", [[0, 600], [0, 250, 251, 600]])
def test_predictions_come_back_as_they_were_from_one_file_and_from_several(tmp_path: Path, bounds: list[int]) -> None:
    whole = {evidence: answers(evidence=evidence) for evidence in (Evidence.BOTH, Evidence.TEXT)}
    for start, end in pairwise(bounds):
        part = {evidence: predictions.only(range(start, end)) for evidence, predictions in whole.items()}
        write_predictions(tmp_path / f"predictions-{start:03d}.npz", part)
    stored = read_predictions(tmp_path)
    assert set(stored) == {Evidence.TEXT, Evidence.BOTH}
    for evidence, predictions in stored.items():
        same(predictions, whole[evidence])
        assert predictions.precisions == whole[evidence].precisions
        assert predictions.accepted(predictions.precisions[0]).any()


@pytest.mark.parametrize("image", [1.5, None])
def test_logits_come_back_as_they_were(tmp_path: Path, image: float | None) -> None:
    labelled = labelled_logits(1, 12, 4, image=image)
    write_logits(tmp_path / "calibration.npz", labelled)
    stored = read_logits(tmp_path / "calibration.npz")
    same(stored, labelled)
    assert (stored.image is None) == (image is None)


def test_nothing_is_read_that_could_run_code(tmp_path: Path) -> None:
    np.savez(tmp_path / PREDICTIONS_FILE, **{"text.evidence": np.array([print], dtype=object)})
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_predictions(tmp_path)
