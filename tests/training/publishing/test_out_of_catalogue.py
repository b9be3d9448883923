from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from models.decision.calibration import Familiarity
from models.listing import Listing
from models.predictor import Predictor
from training.config.run import UnfamiliarConfig
from training.errors import ConfigError
from training.publishing.out_of_catalogue import OutOfCatalogue, OutOfCatalogueListing

EXAMPLES = Path(__file__).parents[3] / "examples"
TEXTS = [
    OutOfCatalogueListing("job", Listing("Comptable", "<p>CDI</p>")),
    OutOfCatalogueListing("car", Listing("Clio")),
    OutOfCatalogueListing("", Listing()),
]


@pytest.fixture(scope="module")
def examples() -> OutOfCatalogue:
    """The project's own."""
    files = UnfamiliarConfig(listings=EXAMPLES / "unfamiliar.jsonl", pictures=EXAMPLES / "unfamiliar")
    return OutOfCatalogue.read(files)


def test_the_project_s_own_listings_are_many_and_varied(examples: OutOfCatalogue) -> None:
    assert len({text.listing.designation for text in examples.texts}) == len(examples.texts) >= 60
    assert len({text.kind for text in examples.texts}) >= 8
    assert sum(bool(text.listing.description) for text in examples.texts) >= 20
    kinds = Counter(picture.kind for picture in examples.pictures)
    assert (len(kinds), set(kinds.values())) == (8, {12})
    assert "page of text" in kinds
    assert len({picture.listing.image for picture in examples.pictures}) == 96


@pytest.mark.parametrize("line", ["{", '{"kind": "job"}', '{"designation": "a", "image": "b.jpg"}'])
def test_a_line_at_fault_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "outside.jsonl"
    path.write_text('{"designation": "Clio"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^unfamiliar.listings: line 2 of outside.jsonl "):
        OutOfCatalogue.read(UnfamiliarConfig(listings=path))
    with pytest.raises(ConfigError, match=r"cannot be read"):
        OutOfCatalogue.read(UnfamiliarConfig(listings=tmp_path / "missing.jsonl"))


def test_a_picture_at_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^unfamiliar.pictures: no folder missing$"):
        OutOfCatalogue.read(UnfamiliarConfig(pictures=tmp_path / "missing"))
    (tmp_path / "00-noise.webp").write_bytes(b"RIFF")
    with pytest.raises(ConfigError, match=r"^unfamiliar.pictures: 00-noise.webp is not a photo"):
        OutOfCatalogue.read(UnfamiliarConfig(pictures=tmp_path))


def noticing(predictor: Predictor, threshold: float) -> Predictor:
    """The predictor with a familiarity for all evidence that calls energies under `threshold` unfamiliar."""
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


def test_listings_are_counted_by_evidence_and_kind(tiny_predictor: Predictor, examples: OutOfCatalogue) -> None:
    listings = OutOfCatalogue(TEXTS, examples.pictures[:3])
    metrics = listings.measure(noticing(tiny_predictor, 1e9))
    counts = {evidence: figures["n"] for evidence, figures in metrics.items()}
    assert counts == {"title": 2, "text": 1, "image": 3, "both": 2}
    for figures in metrics.values():
        assert figures["noticed"]["value"] == figures["review"]["value"] == 1
        assert figures["confidence"] <= 0.3
    assert metrics["title"]["kinds"] == {"job": {"n": 1, "noticed": 1}, "car": {"n": 1, "noticed": 1}}
    unnoticed = OutOfCatalogue(TEXTS).measure(noticing(tiny_predictor, -1e9))
    assert unnoticed.keys() == {"title", "text"}
    assert unnoticed["title"]["noticed"]["value"] == 0
    assert OutOfCatalogue().measure(tiny_predictor) == {}


def test_texts_and_pictures_are_paired_in_turn(examples: OutOfCatalogue) -> None:
    pictures = examples.pictures[:2]
    pairs = OutOfCatalogue(TEXTS, pictures).pairs
    assert [pair.listing.image for pair in pairs] == [pictures[index].listing.image for index in (0, 1, 0)]
    assert [pair.kind for pair in pairs] == ["job", "car", ""]
    assert OutOfCatalogue(TEXTS).pairs == []
