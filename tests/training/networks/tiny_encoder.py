"""A sentence encoder of a few kilobytes in the form of the package's files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.models.tiny_pieces import tokenizer_model
from training.networks import use_checkpoint
from training.networks.use_checkpoint import ORDERS, PACKAGE

PARTS, TABLE, CHANNELS, DENSE, VECTOR = 3, 12, 4, 6, 8


def write_weights(path: Path, pieces: int, seed: int = 0) -> None:
    """Write an archive with the names and shapes of the package's `weights.npz`, for a tokenizer of so many pieces."""
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32) / np.float32(np.sqrt(shape[0]))

    arrays = {
        f"q{part + 1}": random.integers(0, 64, (-(-pieces // PARTS), TABLE), dtype=np.uint8) for part in range(PARTS)
    }
    arrays |= {"scale": random.uniform(0.1, 0.2, PARTS).astype(np.float32), "lo": np.full(PARTS, -4, np.float32)}
    for order in ORDERS:
        arrays |= {f"proj{order}": normal(TABLE, CHANNELS), f"proj_b{order}": normal(CHANNELS)}
        arrays |= {f"ln_g{order}": 1 + normal(CHANNELS), f"ln_b{order}": normal(CHANNELS)}
        for number in (1, 2):
            arrays |= {f"w{number}_{order}": normal(order * CHANNELS, CHANNELS), f"b{number}_{order}": normal(CHANNELS)}
    features = TABLE + len(ORDERS) * CHANNELS
    arrays |= {"ln_g": 1 + normal(features), "ln_b": normal(features)}
    arrays |= {"cnn_W": normal(features, VECTOR), "cnn_b": normal(VECTOR)}
    arrays |= {"d0": normal(VECTOR, DENSE), "d1": normal(DENSE, DENSE), "p1": normal(VECTOR, DENSE)}
    arrays |= {"d2": normal(DENSE, VECTOR), "d3": normal(VECTOR, VECTOR), "p3": normal(DENSE, VECTOR)}
    np.savez(path, **arrays)  # type: ignore[arg-type]


def install(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Make a tiny package in `folder`, importable, and the one that training takes the encoder from."""
    package = folder / "tiny_encoder_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('the code of the package is not run')\n")
    (package / "pieces.model").write_bytes(tokenizer_model())
    write_weights(package / "weights.npz", pieces=130)
    digests = [hashlib.sha256((package / name).read_bytes()).hexdigest() for name in ("weights.npz", "pieces.model")]
    patch.syspath_prepend(folder)
    tiny = replace(
        PACKAGE,
        module=package.name,
        weights="weights.npz",
        weights_sha256=digests[0],
        tokenizer="pieces.model",
        tokenizer_sha256=digests[1],
    )
    patch.setattr(use_checkpoint, "PACKAGE", tiny)
