from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from models.errors import VersionRefused
from models.listing import Evidence, Modality
from models.networks.inference import MAX_BATCH, MAX_PHOTOS, Networks
from models.preprocessing.prepare import Prepared, UnsignedText
from models.preprocessing.text.features import serving_length
from models.versions.manifest import read_manifest


class Recorder:
    """Answers with the first number of each row, and keeps the sizes of its batches."""

    classes = 3
    precision = "bf16"
    runtime: Literal["openvino", "keras"] = "openvino"

    def __init__(self, key: str) -> None:
        self.input_names = (key,)
        self.batches: list[tuple[int, ...]] = []

    def logits(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        (rows,) = inputs.values()
        assert list(inputs) == list(self.input_names)
        self.batches.append(rows.shape)
        first = rows.reshape(len(rows), -1)[:, 0].astype(np.float32)
        return np.stack([first, first + 0.25, first + 0.5], axis=1)


def text(number: int, length: int = 1) -> Prepared:
    return Prepared(Evidence.TITLE, {"ids": np.full(length, number, np.int32)}, Evidence.TITLE, None, ())


def image(number: int) -> Prepared:
    return Prepared(Evidence.IMAGE, None, Evidence.TITLE, np.full((2, 2, 3), number, np.uint8), ())


def both(number: int) -> Prepared:
    return Prepared(Evidence.BOTH, text(number).text, Evidence.TITLE, image(number + 100).pixels, ())


def networks() -> tuple[Networks, Recorder, Recorder]:
    of_text, of_image = Recorder("ids"), Recorder("pixels")
    return Networks({Modality.TEXT: of_text, Modality.IMAGE: of_image}), of_text, of_image


def test_each_listing_gets_the_logits_of_its_modalities_in_order() -> None:
    both_networks, of_text, of_image = networks()
    answers = both_networks.logits([text(1), image(2), both(3), text(4, length=5), image(6)])
    assert [sorted(answer) for answer in answers] == [["text"], ["image"], ["image", "text"], ["text"], ["image"]]
    assert [float(answer[Modality.TEXT][0]) for answer in answers if Modality.TEXT in answer] == [1, 3, 4]
    assert [float(answer[Modality.IMAGE][0]) for answer in answers if Modality.IMAGE in answer] == [2, 103, 6]
    assert of_text.batches == [(3, serving_length(5))]
    assert of_image.batches == [(3, 2, 2, 3)]


@pytest.mark.parametrize(("share", "best"), [(0.1, 2), (0.5, 2), (0.8, 0)])
def test_without_its_number_signs_a_text_is_answered_only_where_they_alone_make_the_category(
    share: float, best: int
) -> None:
    class Signs(Recorder):
        def logits(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
            return np.array([[0, 1, 9], [0.5, 0, 0]], np.float32)[inputs["ids"][:, 0]]

    signed = replace(text(0), unsigned=UnsignedText({"ids": np.ones(1, np.int32)}, share / 2.5))
    answers = Networks({Modality.TEXT: Signs("ids")}).logits([text(0), signed, text(1)])
    assert [int(answer[Modality.TEXT].argmax()) for answer in answers] == [2, best, 0]


def test_a_network_without_rows_is_not_asked() -> None:
    both_networks, of_text, of_image = networks()
    both_networks.logits([text(1), text(2)])
    assert (len(of_text.batches), len(of_image.batches)) == (1, 0)
    assert both_networks.logits([]) == []
    assert (len(of_text.batches), len(of_image.batches)) == (1, 0)


@pytest.mark.parametrize("count", [1, MAX_BATCH - 1, MAX_BATCH, MAX_BATCH + 1, 2 * MAX_BATCH + 3])
def test_batches_have_a_largest_size(count: int) -> None:
    both_networks, of_text, _ = networks()
    answers = both_networks.logits([text(number) for number in range(count)])
    assert [float(answer[Modality.TEXT][0]) for answer in answers] == list(range(count))
    sizes = [shape[0] for shape in of_text.batches]
    assert sum(sizes) == count
    assert max(sizes) <= MAX_BATCH
    assert len(sizes) == -(-count // MAX_BATCH)


@pytest.mark.parametrize(
    ("runtime", "precision", "most"),
    [("openvino", "f32", 1), ("openvino", "bf16", MAX_PHOTOS), ("keras", "f32", MAX_PHOTOS)],
)
def test_photos_are_batched_where_that_saves_time(
    runtime: Literal["openvino", "keras"], precision: str, most: int
) -> None:
    both_networks, _, of_image = networks()
    of_image.runtime, of_image.precision = runtime, precision
    answers = both_networks.logits([image(number) for number in range(MAX_PHOTOS + 1)])
    assert [float(answer[Modality.IMAGE][0]) for answer in answers] == list(range(MAX_PHOTOS + 1))
    sizes = [shape[0] for shape in of_image.batches]
    assert (sum(sizes), max(sizes)) == (MAX_PHOTOS + 1, most)


def test_another_number_of_classes_is_refused() -> None:
    both_networks, _, of_image = networks()
    both_networks.check_classes(3)
    of_image.classes = 4
    with pytest.raises(VersionRefused, match="image network has 4 classes, the taxonomy 3"):
        both_networks.check_classes(3)


def test_loading_takes_what_the_manifest_names(tiny_version: Path) -> None:
    manifest = read_manifest(tiny_version)
    loaded = Networks.load(tiny_version, manifest)
    assert set(loaded.by_modality) == set(Modality)
    assert loaded.by_modality[Modality.IMAGE].input_names == ("pixels",)
    text_only = manifest.model_copy(update={"networks": {Modality.TEXT: manifest.networks[Modality.TEXT]}})
    assert set(Networks.load(tiny_version, text_only).by_modality) == {Modality.TEXT}


def test_loading_asks_for_the_precision_of_the_manifest_unless_told_otherwise(
    tiny_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def load(folder: Path, modality: str, *, runtime: str, streams: int, threads: int, precision: str) -> Recorder:
        asked.append(precision)
        return Recorder("ids")

    monkeypatch.setattr("models.networks.inference.load_network", load)
    manifest = read_manifest(tiny_version)
    entry = manifest.networks[Modality.TEXT].model_copy(update={"precision": "bf16"})
    manifest = manifest.model_copy(update={"networks": {Modality.TEXT: entry}})
    Networks.load(tiny_version, manifest)
    Networks.load(tiny_version, manifest, precision="f32")
    assert asked == ["bf16", "f32"]
