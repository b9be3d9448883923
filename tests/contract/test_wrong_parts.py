"""A version whose parts are valid but do not belong together is refused at load, not found out by a client.

Another number of classes, another input shape, NaN weights, parts of another run: all under a manifest made to fit.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest

from models.listing import Listing
from models.versions.golden import GoldenListing, read_golden, write_golden
from tests.contract.test_refused_versions import refused
from tests.models.tiny_networks import SIDE, Weights, openvino_image, openvino_text
from tests.models.tiny_version import photo, reseal, taxonomy


def edit(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change a JSON document; what `change` returns does not matter."""
    document = json.loads((folder / name).read_bytes())
    change(document)
    (folder / name).write_text(json.dumps(document), encoding="utf-8")


def write_network(folder: Path, network: Any) -> None:
    openvino.save_model(network, folder / f"{network.friendly_name}.xml", compress_to_fp16=False)


def write_text(folder: Path, weights: Weights) -> None:
    write_network(folder, openvino_text(weights))


def write_image(folder: Path, weights: Weights, **options: Any) -> None:
    write_network(folder, openvino_image(weights, **options))


OWN = Weights.draw(4, 0)
"""The weights of the tiny version."""
NAN_TABLE = np.where(np.arange(4) == 2, np.float32(np.nan), OWN.table)


def change_categories(folder: Path, change: Callable[[list[Any]], object]) -> None:
    edit(folder, "taxonomy.json", lambda document: change(document["categories"]))


def change_case(folder: Path, evidence: str, change: Callable[[dict[str, Any]], object]) -> None:
    edit(folder, "calibration.json", lambda document: change(document["cases"][evidence]))


def exchange_networks(folder: Path) -> None:
    for suffix in ("xml", "bin"):
        (folder / f"text.{suffix}").rename(folder / "kept")
        (folder / f"image.{suffix}").rename(folder / f"text.{suffix}")
        (folder / "kept").rename(folder / f"image.{suffix}")


def take_words_for_ngrams(folder: Path) -> None:
    edit(folder, "preprocessing.json", lambda document: document.update(text={"kind": "tokens"}))
    (folder / "vocabulary.txt").write_text("piscine\nlivre\n")


def keep_golden(folder: Path, keep: Callable[[Listing], bool]) -> None:
    write_golden(folder, [entry for entry in read_golden(folder) if keep(entry.listing)])


def change_golden_answer(folder: Path) -> None:
    golden = read_golden(folder)
    write_golden(folder, [*golden[:-1], GoldenListing(golden[-1].listing, golden[-1].probabilities[::-1])])


def lengthen_golden_text(folder: Path) -> None:
    lines = (folder / "golden.jsonl").read_text().splitlines()
    first = json.loads(lines[0]) | {"designation": "x" * 20_001}
    (folder / "golden.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")


def changes(name: str, part: str | None = None, **values: Any) -> Callable[[Path], None]:
    """Sets values of a JSON document, or of one of its parts."""
    return lambda folder: edit(folder, name, lambda document: (document[part] if part else document).update(values))


PREPROCESSING, FUSION, CALIBRATION = "preprocessing.json", "fusion.json", "calibration.json"
OTHER_ORDER, GOLDEN = "other categories, or for another order", "golden listing"
UNASKED = "no golden listing asks one of the networks"
WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "swapped categories": (lambda folder: change_categories(folder, lambda c: c.insert(1, c.pop(2))), OTHER_ORDER),
    "string order": (
        lambda folder: change_categories(folder, lambda c: c.sort(key=lambda one: one["code"])),
        OTHER_ORDER,
    ),
    "other categories": (lambda folder: taxonomy(5).write(folder / "taxonomy.json"), "different numbers of classes"),
    "other weights": (lambda folder: write_text(folder, Weights.draw(4, 1)), GOLDEN),
    "other colours": (lambda folder: write_image(folder, Weights.draw(4, 1)), GOLDEN),
    "NaN in text": (lambda folder: write_text(folder, replace(OWN, table=NAN_TABLE)), "differs by nan"),
    "NaN in image": (
        lambda folder: write_image(folder, replace(OWN, colour_bias=np.full(4, np.nan, np.float32))),
        "differs by nan",
    ),
    "infinite weights": (
        lambda folder: write_text(folder, replace(OWN, fields=np.full((8, 4), np.inf, np.float32))),
        "differs by nan",
    ),
    "constant answers": (
        lambda folder: write_text(folder, replace(OWN, table=np.zeros((1024, 4), np.float32))),
        GOLDEN,
    ),
    "text network of 5 classes": (
        lambda folder: write_text(folder, Weights.draw(5, 0)),
        "text network has 5 classes, the taxonomy 4",
    ),
    "image network of 3 classes": (
        lambda folder: write_image(folder, Weights.draw(3, 0)),
        "image network has 3 classes, the taxonomy 4",
    ),
    "photos of another size": (lambda folder: write_image(folder, OWN, side=SIDE + 16), "cannot be scored"),
    "one photo at a time": (lambda folder: write_image(folder, OWN, batch=1), "takes a fixed number of listings"),
    "another input name": (lambda folder: write_image(folder, OWN, name="picture"), "cannot be scored: KeyError"),
    "networks exchanged": (exchange_networks, "cannot be scored: KeyError"),
    "fewer buckets": (changes(PREPROCESSING, "text", buckets=2048), GOLDEN),
    "case kept": (changes(PREPROCESSING, "text", lowercase=False), GOLDEN),
    "smaller photos": (changes(PREPROCESSING, "image", height=16), "cannot be scored"),
    "without text": (changes(PREPROCESSING, text=None), "different modalities"),
    "without image": (changes(PREPROCESSING, image=None), "different modalities"),
    "words instead of n-grams": (take_words_for_ngrams, "cannot be scored: KeyError"),
    "fusion of more classes": (changes(FUSION, text=[1.0] * 5), "number of classes"),
    "fusion of another run": (changes(FUSION, bias=[3.0, 0.0, 0.0, 0.0]), GOLDEN),
    "case missing": (
        lambda folder: edit(folder, CALIBRATION, lambda document: document["cases"].pop("both")),
        "calibration has no case both",
    ),
    "threshold missing": (
        lambda folder: change_case(folder, "image", lambda case: case["thresholds"].pop()),
        "wrong length",
    ),
    "threshold of a foreign category": (
        lambda folder: change_case(
            folder, "text", lambda case: case["class_thresholds"].update({"9999": case["thresholds"]})
        ),
        "category that the taxonomy has not",
    ),
    "temperature of another run": (
        lambda folder: change_case(folder, "title", lambda case: case.update(temperature=3.0)),
        GOLDEN,
    ),
    "golden photos removed": (lambda folder: keep_golden(folder, lambda one: one.image is None), UNASKED),
    "golden texts removed": (lambda folder: keep_golden(folder, lambda one: not one.designation), UNASKED),
    "golden answer changed": (change_golden_answer, GOLDEN),
    "golden photo changed": (lambda folder: (folder / "golden" / "02.jpg").write_bytes(photo((0, 255, 0))), GOLDEN),
    "golden text too long": (lengthen_golden_text, "cannot be prepared"),
}


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("part", WRONG)
def test_wrong_parts_under_a_fitting_manifest_are_refused(tiny_copy: Path, part: str) -> None:
    spoil, reason = WRONG[part]
    spoil(tiny_copy)
    assert reason in refused(reseal(tiny_copy))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"classes": 5}, "different numbers of classes"),
        ({"networks": {"text": {"name": "a", "parameters": 1, "precision": "f32"}}}, "different modalities"),
    ],
)
def test_a_manifest_that_does_not_fit_the_parts_is_refused(
    tiny_copy: Path, changes: dict[str, Any], reason: str
) -> None:
    assert reason in refused(reseal(tiny_copy, **changes))
