"""When a version may ask for bfloat16: what is measured, what refuses it, and what is recorded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.comparison.parity import Parity
from models.networks import openvino as openvino_runtime
from models.predictor import Predictor
from models.versions.golden import read_golden
from models.versions.manifest import read_manifest
from models.versions.store import Store
from tests.models.tiny_version import CODES, listing, make_version
from training.catalogue.dataset import Catalogue
from training.publishing import precision
from training.publishing.precision import AS_GIVEN, Agreement, decide_precision, judge, with_precision

ALIKE = Agreement(Parity(2000, 0.9975, 0.9995, 0.0002, 0.08), 0.8225, 0.8235)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """Three listings of each category: title, photo, both; the last row says nothing that can be answered."""
    rows = []
    for label, code in enumerate(CODES[:4]):
        given = listing(label, photo_of=label)
        assert given.image is not None
        path = tmp_path / f"{code}.jpg"
        path.write_bytes(given.image)
        for designation, image in ((given.designation, ""), ("", str(path)), (given.designation, str(path))):
            rows.append((designation, image, code))
    rows.append(("", "", CODES[0]))
    table = pd.DataFrame(rows, columns=["designation", "image", "category"])
    return Catalogue("tiny.csv", table.assign(listing_id="", description="", row=table.index), {})


@pytest.mark.parametrize(
    ("agreement", "why"),
    [
        (Agreement(Parity(2000, 0.99, 0.9949, 0.001, 0.2), 0.8, 0.8), "photo, 99.49% of clear answers"),
        (Agreement(Parity(2000, 0.99, 1.0, 0.001, 0.2), 0.8, 0.7965), "costs 0.35 points"),
    ],
)
def test_one_evidence_that_changes_its_answers_is_enough_to_refuse(agreement: Agreement, why: str) -> None:
    assert judge({AS_GIVEN: ALIKE, "image": ALIKE}, 0.01).served == "bf16"
    decision = judge({AS_GIVEN: ALIKE, "photo": agreement}, 0.01)
    assert decision.served == "f32"
    assert decision.reason.startswith("Refused: photo")
    assert why in decision.reason
    assert decision.as_dict()["bf16"]["photo"]["top1_clear"] == agreement.parity.top1_clear


def test_what_was_asked_for_exactly_is_enough() -> None:
    at_the_limit = Agreement(Parity(1000, 0.99, 0.995, 0.001, 0.2), 0.803, 0.8)
    assert judge({AS_GIVEN: at_the_limit}, 0.04).served == "bf16"


@pytest.mark.parametrize("moved", [0.041, float("nan")])
def test_golden_listings_leave_room_for_other_processors(moved: float) -> None:
    decision = judge({AS_GIVEN: ALIKE}, moved)
    assert decision.served == "f32"
    assert "a golden listing moves by" in decision.reason


@pytest.fixture(scope="module")
def precisions(tiny_version: Path) -> tuple[Predictor, Predictor]:
    """The tiny version in float32 and in bfloat16."""
    exact, faster = (Predictor.load(tiny_version, precision=precision) for precision in ("f32", "bf16"))
    return exact, faster


def test_every_evidence_is_measured_with_both_precisions(
    precisions: tuple[Predictor, Predictor], tiny_version: Path, catalogue: Catalogue
) -> None:
    decision = decide_precision(*precisions, catalogue, catalogue.rows.index, read_golden(tiny_version))
    counts = {evidence: agreement.parity.listings for evidence, agreement in decision.agreements.items()}
    assert counts == {AS_GIVEN: 12, "text": 8, "image": 8}
    assert all(agreement.accuracy == agreement.accuracy_f32 == 1 for agreement in decision.agreements.values())
    assert decision.served == "bf16"
    document = decision.as_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["golden_difference"] <= 0.04
    assert document["int8"].startswith("Not offered. ")


def test_no_more_listings_are_asked_than_it_takes(
    precisions: tuple[Predictor, Predictor],
    tiny_version: Path,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "LISTINGS", 5)
    monkeypatch.setattr(precision, "BLOCK", 2)
    decision = decide_precision(*precisions, catalogue, catalogue.rows.index, read_golden(tiny_version))
    assert decision.agreements[AS_GIVEN].parity.listings == 5


def test_without_native_bfloat16_nothing_is_measured_and_float32_stays(
    precisions: tuple[Predictor, Predictor], tiny_version: Path, catalogue: Catalogue
) -> None:
    exact, _ = precisions
    decision = decide_precision(exact, None, catalogue, catalogue.rows.index, read_golden(tiny_version))
    assert (decision.served, decision.agreements) == ("f32", {})
    assert decision.reason.startswith("Not measured")


def test_the_processor_alone_decides_when_a_version_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Published with bfloat16, loaded without: the golden listings, float32's, are met exactly."""
    store = Store(tmp_path)
    folder = store.folder(make_version(store.root, precision="bf16"))
    manifest = read_manifest(folder)
    assert {entry.precision for entry in manifest.networks.values()} == {"bf16"}
    assert {entry.precision for entry in with_precision(manifest, "f32").networks.values()} == {"f32"}
    monkeypatch.setattr(openvino_runtime, "cpu_precision", lambda: "f32")
    predictor = Predictor.load(folder)
    assert predictor.precision == "f32"
    golden = read_golden(folder)
    answers = predictor.score([predictor.prepare(entry.listing) for entry in golden])
    for entry, scores in zip(golden, answers, strict=True):
        np.testing.assert_allclose(scores.fused, entry.probabilities, atol=2e-6)
