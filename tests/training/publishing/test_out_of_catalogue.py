from __future__ import annotations

import copy
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from models.decision.calibration import Familiarity
from models.listing import Listing, Modality
from models.predictor import Predictor
from training.errors import ConfigError
from training.publishing.drawn_pictures import KINDS, SIZE, draw_pictures
from training.publishing.out_of_catalogue import (
    OutOfCatalogueListing,
    drawn_strangers,
    measure_strangers,
    paired,
    read_out_of_catalogue,
)

EXAMPLES = Path(__file__).parents[3] / "examples" / "unfamiliar.jsonl"
TEXTS = [
    OutOfCatalogueListing("job", Listing("Comptable", "<p>CDI</p>")),
    OutOfCatalogueListing("car", Listing("Clio")),
    OutOfCatalogueListing("", Listing()),
]


def test_the_project_s_own_strangers_are_many_and_varied() -> None:
    strangers = read_out_of_catalogue(EXAMPLES)
    assert len(strangers) >= 60
    assert len({stranger.kind for stranger in strangers}) >= 8
    assert len({stranger.listing.designation for stranger in strangers}) == len(strangers)
    assert sum(bool(stranger.listing.description) for stranger in strangers) >= 20


@pytest.mark.parametrize("line", ["{", '{"kind": "job"}', '{"designation": "a", "image": "b.jpg"}'])
def test_a_line_at_fault_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "strange.jsonl"
    path.write_text('{"designation": "Clio"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^unfamiliar.listings: line 2 of strange.jsonl "):
        read_out_of_catalogue(path)
    with pytest.raises(ConfigError, match=r"cannot be read"):
        read_out_of_catalogue(tmp_path / "missing.jsonl")


def test_pictures_are_photos_of_every_kind_and_the_same_each_time() -> None:
    first, second = (list(draw_pictures(len(KINDS))) for _ in range(2))
    assert [kind for kind, _ in first] == list(KINDS)
    assert first == second
    assert len({hashlib.sha256(picture).digest() for _, picture in first}) == len(KINDS)
    for _, picture in first:
        with Image.open(io.BytesIO(picture)) as image:
            assert (image.format, image.size, image.mode) == ("JPEG", (SIZE, SIZE), "RGB")


def noticing(predictor: Predictor, threshold: float) -> Predictor:
    """The predictor with a familiarity in every case that calls energies under `threshold` strange."""
    cases = {
        evidence: fitted.model_copy(
            update={
                "familiarity": Familiarity(
                    scales=dict.fromkeys(evidence.modalities, 1.0),
                    threshold=threshold,
                    false_alarms=0.05,
                    confidence=0.2,
                )
            }
        )
        for evidence, fitted in predictor.calibration.cases.items()
    }
    changed = copy.copy(predictor)
    changed.decider = replace(predictor.decider, calibration=replace(predictor.calibration, cases=cases))
    return changed


def test_strangers_are_counted_by_case_and_kind(tiny_predictor: Predictor) -> None:
    pictures = drawn_strangers(3)
    found = measure_strangers(noticing(tiny_predictor, 1e9), TEXTS, pictures)
    assert {evidence: told["n"] for evidence, told in found.items()} == {"title": 2, "text": 1, "image": 3, "both": 2}
    for told in found.values():
        assert told["noticed"]["value"] == told["review"]["value"] == 1
        assert told["confidence"] <= 0.3
    assert found["title"]["kinds"] == {"job": {"n": 1, "noticed": 1}, "car": {"n": 1, "noticed": 1}}
    unnoticed = measure_strangers(noticing(tiny_predictor, -1e9), TEXTS, [])
    assert unnoticed.keys() == {"title", "text"}
    assert unnoticed["title"]["noticed"]["value"] == 0


def test_texts_and_pictures_are_paired_in_turn() -> None:
    pictures = drawn_strangers(2)
    pairs = paired(TEXTS, pictures)
    assert [pair.listing.image for pair in pairs] == [pictures[index].listing.image for index in (0, 1, 0)]
    assert [pair.kind for pair in pairs] == ["job", "car", ""]
    assert paired(TEXTS, []) == []


def test_without_strangers_nothing_is_measured(tiny_predictor: Predictor) -> None:
    assert measure_strangers(tiny_predictor, [], []) == {}
    assert set(Modality) == set(tiny_predictor.modalities)
