from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.comparison.parity import Parity, compare, measure_parity, varied_golden_listings
from models.errors import VersionRefused
from models.listing import Modality
from models.predictor import Predictor
from tests.models.tiny_version import listing, make_version

REFERENCE = np.float32([[0.7, 0.2, 0.1], [0.45, 0.4, 0.15], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]])


def test_the_same_answers_are_in_parity() -> None:
    parity = compare(REFERENCE, REFERENCE)
    assert parity == Parity(listings=4, top1=1, top1_clear=1, mean_difference=0, max_difference=0)
    assert parity.holds
    figures = {"listings": 4, "top1": 1, "top1_clear": 1, "mean_difference": 0, "max_difference": 0}
    assert json.loads(json.dumps(parity.as_dict())) == figures


def test_a_narrow_winner_may_change_a_clear_one_is_counted_apart() -> None:
    compiled = REFERENCE.copy()
    compiled[1] = [0.4, 0.45, 0.15]
    parity = compare(REFERENCE, compiled)
    assert (parity.top1, parity.top1_clear) == (0.75, 1)
    assert parity.mean_difference == pytest.approx(0.1 / 12)
    assert parity.max_difference == pytest.approx(0.05)
    compiled[2] = [0.5, 0.1, 0.4]
    parity = compare(REFERENCE, compiled)
    assert (parity.top1, parity.top1_clear) == (0.5, 0.5)


def test_without_a_clear_winner_none_has_changed() -> None:
    assert compare(REFERENCE[1:2], REFERENCE[1:2, ::-1]).top1_clear == 1


@pytest.mark.parametrize(
    ("top1", "mean", "holds"), [(0.995, 0.0099, True), (0.994, 0, False), (1, 0.01, False), (1, float("nan"), False)]
)
def test_when_it_holds(top1: float, mean: float, holds: bool) -> None:
    assert Parity(1000, top1, 1, mean, 0.5).holds is holds


@pytest.mark.parametrize("modalities", [[Modality.TEXT], [Modality.IMAGE], list(Modality)])
def test_varied_listings_can_be_predicted_and_come_in_every_kind(tmp_path: Path, modalities: list[Modality]) -> None:
    folder = tmp_path / make_version(tmp_path, modalities=modalities)
    listings = varied_golden_listings(folder, 40)
    assert len(listings) == 40
    predictor = Predictor.load(folder, verify=False)
    cases = {predictor.prepare(subject).evidence for subject in listings}
    assert cases == set(predictor.calibration.cases)
    assert all(not predictor.prepare(subject).warnings for subject in listings)
    assert len({(subject.designation, subject.description, subject.image) for subject in listings}) > 20


def test_varied_listings_are_the_same_for_the_same_seed(tiny_version: Path) -> None:
    assert varied_golden_listings(tiny_version, 12) == varied_golden_listings(tiny_version, 12)
    assert varied_golden_listings(tiny_version, 12) != varied_golden_listings(tiny_version, 12, seed=1)
    assert varied_golden_listings(tiny_version, 12)[:5] == varied_golden_listings(tiny_version, 5)


def test_a_version_without_a_reference_has_no_parity(tiny_version: Path) -> None:
    with pytest.raises(VersionRefused):
        measure_parity(tiny_version, [listing(1)])


@pytest.mark.tensorflow
def test_parity_of_a_version_and_of_a_draft(tiny_keras_version: Path, tmp_path: Path) -> None:
    done: list[int] = []
    draft = tmp_path / ".draft-00"
    draft.symlink_to(tiny_keras_version)
    for folder, progress in ((tiny_keras_version, [done.append]), (draft, [])):
        parity = measure_parity(folder, varied_golden_listings(folder, 40), *progress)
        assert parity.listings == 40
        assert parity.holds
        assert parity.max_difference < 1e-4
    assert done == [16, 32, 40]
