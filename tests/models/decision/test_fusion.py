from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.decision.calibration import log_softmax
from models.decision.fusion import FILE_NAME, Fusion
from models.errors import VersionRefused

logits = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(-1e4, 1e4, width=32, allow_nan=False)
)
WEIGHTED = Fusion(
    "weighted", np.float32([1.2, 0.8, 1, 0]), np.float32([0.3, 0.5, 0.7, 1]), np.float32([0.1, -0.2, 0, 2])
)


@given(logits)
def test_log_softmax_gives_distributions_without_overflow(values: np.ndarray) -> None:
    answer = log_softmax(values)
    assert answer.dtype == np.float32
    assert np.isfinite(answer).all()
    assert (answer <= 0).all()
    assert np.allclose(np.exp(answer).sum(-1), 1, atol=1e-5)
    best = np.take_along_axis(answer, values.argmax(-1)[:, None], 1)[:, 0]
    assert np.array_equal(best, answer.max(-1))


@given(logits, st.integers(0, 2**32 - 1))
def test_mean_is_the_average_of_the_probabilities(values: np.ndarray, seed: int) -> None:
    log_text, log_image = log_softmax(values), log_softmax(np.random.default_rng(seed).permuted(values, axis=1))
    fused = np.exp(Fusion.mean(4).fuse(log_text, log_image))
    assert np.allclose(fused, (np.exp(log_text) + np.exp(log_image)) / 2, atol=1e-6)


@given(logits, st.integers(0, 2**32 - 1))
def test_weighted_is_the_formula(values: np.ndarray, seed: int) -> None:
    log_text, log_image = log_softmax(values), log_softmax(np.random.default_rng(seed).permuted(values, axis=1))
    text, image = log_text.astype(np.float64), log_image.astype(np.float64)
    pool = WEIGHTED.text * text + WEIGHTED.image * image + WEIGHTED.bias
    expected = np.exp(pool - pool.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    assert np.allclose(np.exp(WEIGHTED.fuse(log_text, log_image)), expected, atol=2e-3)


@pytest.mark.parametrize("fusion", [Fusion.mean(4), WEIGHTED])
def test_what_is_written_is_read(tmp_path: Path, fusion: Fusion) -> None:
    fusion.write(tmp_path)
    read = Fusion.read(tmp_path, 4)
    assert read.method == fusion.method
    for name in ("text", "image", "bias"):
        assert np.array_equal(getattr(read, name), getattr(fusion, name))
        assert getattr(read, name).dtype == np.float32


def document(**changes: Any) -> str:
    return json.dumps({"method": "weighted", "text": [1, 1], "image": [1, 1], "bias": [0, 0]} | changes)


def test_the_document_of_the_next_test_is_right_without_its_changes(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(document())
    assert Fusion.read(tmp_path, 2).method == "weighted"


@pytest.mark.parametrize(
    "content",
    [
        None,  # no file
        "",
        "[]",
        document()[:-1],
        document(method="median"),
        document(text=[1]),
        document(image=[1, 1, 1]),
        document(bias=[]),
        document(bias=[[0, 0]]),
        document(bias=[0, float("nan")]),
        document(text=[1, float("inf")]),
        document(text=[1, 1e300]),
        document(text=[1, None]),
        document(more=1),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(VersionRefused):
        Fusion.read(tmp_path, 2)
