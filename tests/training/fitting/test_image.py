"""The image network's fit: activations on disk are the trunk's, and a fitted network answers from pixels alike."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.preprocessing.image.decode import decode_image
from tests.training.generated_catalogue import KINDS, make_photo
from training.catalogue.dataset import photo_fingerprints
from training.config.run import RunConfig
from training.fitting import image as image_fit
from training.fitting.image import fit_image, image_parameters, make_activations, write_image_logits

SIDE = 32
CUT = "block4_pool"
TAUGHT = {"block5_conv1", "block5_conv2", "block5_conv3", "classifier_logits"}
"""The layers after it that have weights."""


def run_config(**options: Any) -> RunConfig:
    image = {"network": "vgg16", "weights": "none", "height": SIDE, "width": SIDE, "fine_tune_from": CUT, "views": 1}
    fit = {"steps": 1, "epochs": 2, "fine_tune_epochs": 1, "batch_size": 4, "parameters": {"head": 0}}
    catalogue = {"path": "listings.csv"}
    return RunConfig.model_validate({"name": "tiny", "catalogue": catalogue, "image": image | fit | options})


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Ten photos of two categories, the last two for validation; labels are `arange(10) % 2`."""
    folder, chance = tmp_path_factory.mktemp("photos"), random.Random(0)
    for number in range(10):
        make_photo(KINDS[number % 2], chance, 48).save(folder / f"{number}.jpg")
    paths = [str(folder / f"{number}.jpg") for number in range(10)]
    return pd.DataFrame({"image": paths, "split": ["train"] * 8 + ["validation"] * 2, "weight": 1.0})


LABELS = np.arange(10) % 2


def pixels(rows: pd.DataFrame) -> np.ndarray:
    return np.stack([decode_image(Path(path).read_bytes(), SIDE, SIDE).pixels for path in rows["image"]])


@pytest.fixture(scope="module")
def stored(photos: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the photos' activations."""
    folder = tmp_path_factory.mktemp("activations")
    make_activations(run_config(), photos, folder)
    return folder


@pytest.fixture(scope="module")
def fitted(photos: pd.DataFrame, stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the network fitted on them."""
    folder = tmp_path_factory.mktemp("fitted")
    fit_image(run_config(), photos, LABELS, 2, stored, folder)
    yield folder
    (folder / "image.keras").unlink()  # 59 MB


def test_logits_of_a_fold_are_those_of_a_network_fitted_without_the_rows_it_leaves_out(
    photos: pd.DataFrame, stored: Path, fitted: Path, tmp_path: Path
) -> None:
    import keras

    network = keras.saving.load_model(fitted / "image.keras")
    held = np.array([1, 4, 9])
    answers = []
    for left_out in ([], [1, 4]):
        rows = photos.assign(split=photos["split"].where(~photos.index.isin(left_out), "left out"))
        write_image_logits(run_config(), rows, LABELS, 2, stored, held, tmp_path / "logits.npz")
        answers.append(np.load(tmp_path / "logits.npz")["image"])
    np.testing.assert_allclose(answers[0], network.predict(pixels(photos)[held], verbose=0), atol=0.02)
    assert np.abs(answers[0] - answers[1]).max() > 0.02


def test_the_head_is_one_width_or_none() -> None:
    assert image_parameters(run_config()) == {"head": ()}
    assert image_parameters(run_config(parameters={"head": 64, "dropout": 0.1})) == {"head": (64,), "dropout": 0.1}
    assert image_parameters(run_config(parameters={})) == {}


def test_a_photo_that_changes_has_another_fingerprint(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"12")
    rows = pd.DataFrame({"image": [str(photo)]})
    before = list(photo_fingerprints(rows))
    assert before == list(photo_fingerprints(rows))
    assert json.loads(json.dumps(before)) == before
    assert str(tmp_path) not in json.dumps(before)
    photo.write_bytes(b"123")
    grown = list(photo_fingerprints(rows))
    os.utime(photo, ns=(0, 0))
    assert len({json.dumps(each) for each in (before, grown, list(photo_fingerprints(rows)))}) == 3


@pytest.mark.tensorflow
def test_activations_are_what_the_trunk_says_to_the_kernel_s_pixels(photos: pd.DataFrame, stored: Path) -> None:
    from training.networks.image import split_at

    found = np.load(stored / "activations.npy")
    assert (found.dtype, found.shape) == (np.float16, (2, 10, 2, 2, 512))
    trunk, _ = split_at(image_fit.build_network(run_config(), classes=5), CUT)  # the same weights whatever the classes
    expected = trunk.predict(pixels(photos), verbose=0)
    np.testing.assert_allclose(found[0], expected, atol=2e-3 * np.abs(expected).max())
    augmented = np.abs(found[1].astype(np.float32) - found[0]).max(axis=(1, 2, 3))
    assert (augmented[:8] > 0).all()
    assert not found[1, 8:].any()  # what is not trained on has no augmented view


@pytest.mark.tensorflow
def test_an_interrupted_stage_goes_on_where_it_was(
    photos: pd.DataFrame, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    stop_at = {photos["image"][5]}

    def decode(path: str, config: RunConfig) -> np.ndarray:
        if path in stop_at:
            raise KeyboardInterrupt
        decoded.append(Path(path).name)
        return decode_image(Path(path).read_bytes(), SIDE, SIDE).pixels

    monkeypatch.setattr(image_fit, "BLOCK", 2)
    monkeypatch.setattr(image_fit, "_decode", decode)
    with pytest.raises(KeyboardInterrupt):
        make_activations(run_config(), photos, tmp_path)
    assert {"0.jpg", "1.jpg", "2.jpg", "3.jpg"} <= set(decoded)
    decoded.clear()
    stop_at.clear()
    make_activations(run_config(), photos, tmp_path)
    assert sorted(decoded) == [f"{number}.jpg" for number in range(4, 10)]
    whole, resumed = (np.load(folder / "activations.npy").astype(np.float32) for folder in (stored, tmp_path))
    np.testing.assert_allclose(resumed, whole, atol=2e-3 * whole.max())


@pytest.mark.tensorflow
def test_the_fitted_network_answers_as_its_tail_was_taught(photos: pd.DataFrame, stored: Path, fitted: Path) -> None:
    import keras

    from training.networks.image import split_at
    from training.networks.tables import half_exact

    curve = json.loads((fitted / "curve.json").read_text())
    assert (curve["network"], len(curve["validation_loss"])) == ("vgg16", 2 + 1)  # head, then all after the cut

    after, before = keras.saving.load_model(fitted / "image.keras"), image_fit.build_network(run_config(), classes=2)
    changed = {
        layer.name: any((now != half_exact(was)).any() for now, was in zip(layer.get_weights(), old, strict=True))
        for layer in after.layers
        if (old := before.get_layer(layer.name).get_weights())
    }
    assert {name for name, moved in changed.items() if moved} == TAUGHT

    _, tail = split_at(after, CUT)
    activations = np.load(stored / "activations.npy")[0].astype(np.float32)
    from_pixels, from_disk = after.predict(pixels(photos), verbose=0), tail.predict(activations, verbose=0)
    np.testing.assert_allclose(from_pixels, from_disk, atol=5e-3 * max(1, np.abs(from_disk).max()))


@pytest.mark.tensorflow
def test_the_same_seed_gives_the_same_file(photos: pd.DataFrame, stored: Path, fitted: Path, tmp_path: Path) -> None:
    fit_image(run_config(), photos, LABELS, 2, stored, tmp_path)
    files = [folder / "image.keras" for folder in (fitted, tmp_path)]
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    files[1].unlink()
    assert len(digests) == 1
