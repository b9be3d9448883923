"""A version whose parts are valid but do not belong together is refused at load, not found out by a client.

Another number of classes, another input shape, NaN weights, parts of another run: all under a manifest made to fit.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest

from models.errors import VersionRefused
from models.predictor import Predictor
from models.versions.golden import GoldenListing, read_golden, write_golden
from tests.models.tiny_networks import SIDE, Weights, openvino_image, openvino_text
from tests.models.tiny_version import photo, reseal, taxonomy


def refused(folder: Path) -> str:
    """Why the folder is refused, which it must be; any other error fails the test."""
    with pytest.raises(VersionRefused) as caught:
        Predictor.load(folder)
    return caught.value.reason


def edit(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change a JSON document; what `change` returns does not matter."""
    document = json.loads((folder / name).read_bytes())
    change(document)
    (folder / name).write_text(json.dumps(document), encoding="utf-8")


def write_network(folder: Path, network: Any) -> None:
    openvino.save_model(network, folder / f"{network.friendly_name}.xml", compress_to_fp16=False)


def changed(**arrays: np.ndarray) -> Weights:
    """The weights of the tiny version, some of them replaced."""
    weights = {name: getattr(Weights.draw(4, 0), name) for name in Weights.__dataclass_fields__}
    return Weights(**(weights | arrays))


def _swap_categories(folder: Path) -> None:
    def swap(document: dict[str, Any]) -> None:
        categories = document["categories"]
        categories[1], categories[2] = categories[2], categories[1]

    edit(folder, "taxonomy.json", swap)


def _string_order(folder: Path) -> None:
    edit(folder, "taxonomy.json", lambda document: document["categories"].sort(key=lambda category: category["code"]))


def _other_weights(folder: Path) -> None:
    write_network(folder, openvino_text(Weights.draw(4, 1)))


def _other_colours(folder: Path) -> None:
    write_network(folder, openvino_image(Weights.draw(4, 1)))


def _nan_in_text(folder: Path) -> None:
    table = Weights.draw(4, 0).table
    table[:, 2] = np.nan
    write_network(folder, openvino_text(changed(table=table)))


def _nan_in_image(folder: Path) -> None:
    write_network(folder, openvino_image(changed(colour_bias=np.full(4, np.nan, np.float32))))


def _infinite_weights(folder: Path) -> None:
    write_network(folder, openvino_text(changed(fields=np.full((8, 4), np.inf, np.float32))))


def _constant_answers(folder: Path) -> None:
    write_network(folder, openvino_text(changed(table=np.zeros((1024, 4), np.float32))))


def _text_network_of_5_classes(folder: Path) -> None:
    write_network(folder, openvino_text(Weights.draw(5, 0)))


def _image_network_of_3_classes(folder: Path) -> None:
    write_network(folder, openvino_image(Weights.draw(3, 0)))


def _photos_of_another_size(folder: Path) -> None:
    write_network(folder, openvino_image(Weights.draw(4, 0), side=SIDE + 16))


def _one_photo_at_a_time(folder: Path) -> None:
    write_network(folder, openvino_image(Weights.draw(4, 0), batch=1))


def _another_input_name(folder: Path) -> None:
    write_network(folder, openvino_image(Weights.draw(4, 0), name="picture"))


def _networks_exchanged(folder: Path) -> None:
    for suffix in ("xml", "bin"):
        (folder / f"text.{suffix}").rename(folder / "kept")
        (folder / f"image.{suffix}").rename(folder / f"text.{suffix}")
        (folder / "kept").rename(folder / f"image.{suffix}")


def _fewer_buckets(folder: Path) -> None:
    edit(folder, "preprocessing.json", lambda document: document["text"].update(buckets=2048))


def _case_kept(folder: Path) -> None:
    edit(folder, "preprocessing.json", lambda document: document["text"].update(lowercase=False))


def _smaller_photos(folder: Path) -> None:
    edit(folder, "preprocessing.json", lambda document: document["image"].update(height=16))


def _without_text(folder: Path) -> None:
    edit(folder, "preprocessing.json", lambda document: document.update(text=None))


def _without_image(folder: Path) -> None:
    edit(folder, "preprocessing.json", lambda document: document.update(image=None))


def _words_instead_of_ngrams(folder: Path) -> None:
    edit(folder, "preprocessing.json", lambda document: document.update(text={"kind": "tokens"}))
    (folder / "vocabulary.txt").write_text("piscine\nlivre\n")


def _fusion_of_more_classes(folder: Path) -> None:
    edit(folder, "fusion.json", lambda document: document["text"].append(1.0))


def _fusion_of_another_run(folder: Path) -> None:
    edit(folder, "fusion.json", lambda document: document.update(bias=[3.0, 0.0, 0.0, 0.0]))


def _case_missing(folder: Path) -> None:
    edit(folder, "calibration.json", lambda document: document["cases"].pop("both"))


def _threshold_missing(folder: Path) -> None:
    edit(folder, "calibration.json", lambda document: document["cases"]["image"]["thresholds"].pop())


def _threshold_of_a_foreign_category(folder: Path) -> None:
    def add(document: dict[str, Any]) -> None:
        fitted = document["cases"]["text"]
        fitted["class_thresholds"]["9999"] = fitted["thresholds"]

    edit(folder, "calibration.json", add)


def _temperature_of_another_run(folder: Path) -> None:
    edit(folder, "calibration.json", lambda document: document["cases"]["title"].update(temperature=3.0))


def _golden_photos_removed(folder: Path) -> None:
    write_golden(folder, [entry for entry in read_golden(folder) if entry.listing.image is None])


def _golden_texts_removed(folder: Path) -> None:
    write_golden(folder, [entry for entry in read_golden(folder) if not entry.listing.designation])


def _golden_answer_changed(folder: Path) -> None:
    golden = read_golden(folder)
    write_golden(folder, [*golden[:-1], GoldenListing(golden[-1].listing, golden[-1].probabilities[::-1])])


def _golden_photo_changed(folder: Path) -> None:
    (folder / "golden" / "02.jpg").write_bytes(photo((0, 255, 0)))


def _text_is_too_long(folder: Path) -> None:
    lines = (folder / "golden.jsonl").read_text().splitlines()
    first = json.loads(lines[0]) | {"designation": "x" * 20_001}
    (folder / "golden.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")


def _other_categories(folder: Path) -> None:
    taxonomy(5).write(folder / "taxonomy.json")


WRONG: dict[Callable[[Path], None], str] = {
    _swap_categories: "other categories, or for another order",
    _string_order: "other categories, or for another order",
    _other_categories: "different numbers of classes",
    _other_weights: "golden listing",
    _other_colours: "golden listing",
    _nan_in_text: "differs by nan",
    _nan_in_image: "differs by nan",
    _infinite_weights: "differs by nan",
    _constant_answers: "golden listing",
    _text_network_of_5_classes: "text network has 5 classes, the taxonomy 4",
    _image_network_of_3_classes: "image network has 3 classes, the taxonomy 4",
    _photos_of_another_size: "cannot be scored",
    _one_photo_at_a_time: "takes a fixed number of listings",
    _another_input_name: "cannot be scored: KeyError",
    _networks_exchanged: "cannot be scored: KeyError",
    _fewer_buckets: "golden listing",
    _case_kept: "golden listing",
    _smaller_photos: "cannot be scored",
    _without_text: "different modalities",
    _without_image: "different modalities",
    _words_instead_of_ngrams: "cannot be scored: KeyError",
    _fusion_of_more_classes: "number of classes",
    _fusion_of_another_run: "golden listing",
    _case_missing: "calibration has no case both",
    _threshold_missing: "wrong length",
    _threshold_of_a_foreign_category: "category that the taxonomy has not",
    _temperature_of_another_run: "golden listing",
    _golden_photos_removed: "no golden listing asks one of the networks",
    _golden_texts_removed: "no golden listing asks one of the networks",
    _golden_answer_changed: "golden listing",
    _golden_photo_changed: "golden listing",
    _text_is_too_long: "cannot be prepared",
}


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__.strip("_"))
def test_wrong_parts_under_a_fitting_manifest_are_refused(tiny_copy: Path, spoil: Callable[[Path], None]) -> None:
    spoil(tiny_copy)
    assert WRONG[spoil] in refused(reseal(tiny_copy))


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
