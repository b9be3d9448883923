from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from models.listing import Evidence
from tests.training.evaluation.test_metrics import answers
from tests.training.synthetic_logits import labelled_logits
from training.evaluation.prediction_store import read_answers, read_logits, write_answers, write_logits
from training.evaluation.predictions import LabelledLogits, Predictions


def same(one: Predictions | LabelledLogits, other: Predictions | LabelledLogits) -> None:
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), strict=True)


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    given = {evidence: answers(evidence=evidence) for evidence in (Evidence.BOTH, Evidence.TEXT)}
    write_answers(tmp_path, given)
    found = read_answers(tmp_path)
    assert set(found) == {Evidence.TEXT, Evidence.BOTH}
    for evidence, its in found.items():
        same(its, given[evidence])
        assert its.precisions == given[evidence].precisions
        assert its.accepted(its.precisions[0]).any()


@pytest.mark.parametrize("image", [1.5, None])
def test_logits_come_back_as_they_were(tmp_path: Path, image: float | None) -> None:
    given = labelled_logits(1, 12, 4, image=image)
    write_logits(tmp_path / "calibration.npz", given)
    found = read_logits(tmp_path / "calibration.npz")
    same(found, given)
    assert (found.image is None) == (image is None)


def test_nothing_is_read_that_could_run_code(tmp_path: Path) -> None:
    np.savez(tmp_path / "answers-text.npz", labels=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_answers(tmp_path)
