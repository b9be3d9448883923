"""Batches are whole and repeatable epochs, and a fit ends with its best weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

keras = pytest.importorskip("keras")

from training.config.fit import Callbacks, FitConfig  # noqa: E402
from training.evaluation.predictions import LearningCurve  # noqa: E402
from training.fitting.fit import (  # noqa: E402
    BATCHES_PER_POOL,
    Batches,
    Examples,
    LearningRateMultiplier,
    fit_network,
    fix_seeds,
)

pytestmark = pytest.mark.tensorflow

CLASSES = 3
NONE = np.empty(0, np.int64)


def examples(count: int, *, lengths: Any = None, first: int = 100) -> Examples:
    """Rows 100.. whose inputs are their own numbers and the epoch."""
    rows = np.arange(first, first + count)
    weights = np.linspace(0.5, 1, count, dtype=np.float32)
    return Examples(rows, rows % CLASSES, weights, lambda indices, epoch: (indices, epoch), lengths)


def orders(batches: Batches, epochs: int) -> list[list[int]]:
    return [[int(row) for (rows, _), _, _ in batches for row in rows] for _ in range(epochs)]


@settings(deadline=None)
@given(
    count=st.integers(1, 90), size=st.integers(1, 20), seed=st.none() | st.integers(0, 9), with_lengths=st.booleans()
)
def test_each_epoch_has_every_row_once(count: int, size: int, seed: int | None, with_lengths: bool) -> None:
    lengths = np.arange(count) % 7 if with_lengths else None
    batches = Batches(examples(count, lengths=lengths), CLASSES, size, seed)
    for epoch in range(2):
        epoch_batches = list(batches)
        assert len(epoch_batches) == len(batches)
        assert sorted(int(row) for (rows, _), _, _ in epoch_batches for row in rows) == list(range(100, 100 + count))
        for (rows, number), labels, weights in epoch_batches:
            assert number == (None if seed is None else epoch)
            assert labels.dtype == weights.dtype == np.float32
            np.testing.assert_array_equal(labels, np.eye(CLASSES)[rows % CLASSES])
            np.testing.assert_array_equal(weights, examples(count).weights[rows - 100])


def test_epochs_differ_and_a_seed_repeats_them() -> None:
    first = orders(Batches(examples(40), CLASSES, 8, seed=7), 3)
    assert orders(Batches(examples(40), CLASSES, 8, seed=7), 3) == first
    assert len({tuple(order) for order in first}) == 3
    assert orders(Batches(examples(40), CLASSES, 8, seed=8), 1) != first[:1]
    assert orders(Batches(examples(10), CLASSES, 4, seed=None), 2) == [list(range(100, 110))] * 2


def test_batches_are_of_rows_of_similar_lengths() -> None:
    count, size = 4 * BATCHES_PER_POOL, 4
    lengths = np.random.default_rng(0).permutation(count)  # all different, all of them in one pool
    batches = Batches(examples(count, lengths=lengths), CLASSES, size, seed=1)
    spans = [np.ptp(lengths[rows - 100]) for (rows, _), _, _ in batches]
    assert set(spans) == {size - 1}
    lengths_in_order = [int(lengths[rows[0] - 100]) for (rows, _), _, _ in batches]
    assert lengths_in_order != sorted(lengths_in_order)  # short and long batches alternate


POINTS = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
LABELS = POINTS[:, :CLASSES].argmax(1)


class Source:
    """Hands out points, and remembers for which epochs it was asked for how many."""

    def __init__(self, named: bool = True) -> None:
        self.named = named
        self.requests: list[tuple[int | None, int]] = []

    def load(self, rows: np.ndarray, epoch: int | None) -> Any:
        self.requests.append((epoch, len(rows)))
        return {"points": POINTS[rows]} if self.named else POINTS[rows]

    def examples(self, rows: np.ndarray, labels: np.ndarray = LABELS, weights: Any = 1.0) -> Examples:
        return Examples(rows, labels[rows], np.full(len(rows), weights, np.float32), self.load)


def network() -> Any:
    fix_seeds(5)
    points = keras.Input((4,), name="points")
    return keras.Model([points], keras.layers.Dense(CLASSES, name="logits")(points))


def fit(
    model: Any,
    folder: Path,
    train: Examples,
    validation: Examples,
    multiplier: LearningRateMultiplier | None = None,
    **options: Any,
) -> LearningCurve:
    config = FitConfig(**{"epochs": 3, "batch_size": 16, "learning_rate": 0.1, **options})
    return fit_network(model, train, validation, config, seed=3, folder=folder, name="points", multiplier=multiplier)


TRAIN, VALIDATION = np.arange(60), np.arange(60, 90)


@pytest.mark.parametrize("named", [True, False])
def test_a_fit_learns_and_tells_its_curve(tmp_path: Path, named: bool) -> None:
    model, source = network(), Source(named)
    curve = fit(model, tmp_path, source.examples(TRAIN), source.examples(VALIDATION), epochs=4)
    assert (model.predict(POINTS, verbose=0).argmax(1) == LABELS).mean() > 0.7
    assert curve.network == "points"
    assert type(model.optimizer).__name__ == "Adam"
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)
    assert len(curve.train_loss) == len(curve.validation_loss) == len(curve.validation_accuracy) == 4
    assert curve.train_loss[-1] < curve.train_loss[0]
    assert curve.validation_accuracy[-1] > 0.7
    assert [epoch for epoch, _ in source.requests if epoch is not None] == sorted([0, 1, 2, 3] * 4)
    assert sum(count for epoch, count in source.requests if epoch is not None) == 4 * len(TRAIN)
    assert list(tmp_path.iterdir()) == []


def test_layers_are_named_as_in_a_fresh_process() -> None:
    def names() -> list[str]:
        fix_seeds(1)
        one = keras.Input((2,))
        return [layer.name for layer in keras.Model(one, keras.layers.Dense(2)(keras.layers.Dense(3)(one))).layers]

    assert names() == names()


def test_the_best_epoch_s_weights_stay(tmp_path: Path) -> None:
    model, source = network(), Source()
    noise = np.random.default_rng(1).integers(0, CLASSES, len(LABELS))  # nothing to learn: it gets worse and worse
    calm = Callbacks(reduce_on_plateau=False, early_stopping=False)
    validation = source.examples(VALIDATION)
    curve = fit(model, tmp_path, source.examples(TRAIN, noise), validation, epochs=4, callbacks=calm)
    assert curve.validation_loss[-1] > min(curve.validation_loss)
    assert loss_of(model) == pytest.approx(min(curve.validation_loss), rel=1e-4)


def test_without_validation_rows_the_last_weights_stay(tmp_path: Path) -> None:
    (tmp_path / "best.weights.h5").write_text("of another fit, which was interrupted")
    model, source = network(), Source()
    curve = fit(model, tmp_path, source.examples(TRAIN), source.examples(NONE), epochs=2)
    assert (len(curve.train_loss), curve.validation_loss, curve.validation_accuracy) == (2, (), ())
    assert list(tmp_path.iterdir()) == []


def test_a_fit_stops_when_validation_gets_no_better(tmp_path: Path) -> None:
    model, source = network(), Source()
    noise = np.random.default_rng(1).integers(0, CLASSES, len(LABELS))
    callbacks = Callbacks(stop_patience=1, reduce_on_plateau=False)
    train, validation = source.examples(TRAIN, noise), source.examples(VALIDATION)
    curve = fit(model, tmp_path, train, validation, epochs=30, callbacks=callbacks)
    assert len(curve.train_loss) < 30


def test_rows_of_little_weight_teach_little(tmp_path: Path) -> None:
    model, source = network(), Source()
    wrong = (LABELS + 1) % CLASSES
    rows = np.concatenate([TRAIN, TRAIN])
    labels = np.concatenate([LABELS[TRAIN], wrong[TRAIN]])
    weights = np.repeat(np.float32([1, 0.01]), len(TRAIN))
    fit(model, tmp_path, Examples(rows, labels, weights, source.load), source.examples(NONE))
    assert (model.predict(POINTS, verbose=0).argmax(1) == LABELS).mean() > 0.7


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_variables_with_a_multiplier_move_less_and_do_not_decay(tmp_path: Path, decay: float) -> None:
    moved = {}
    for share in (None, 0.01):
        model, source = network(), Source()
        kernel, bias = model.get_layer("logits").trainable_variables
        both = [(variable, variable.numpy()) for variable in (kernel, bias)]
        multiplier = None if share is None else LearningRateMultiplier([kernel], share)
        fit(
            model,
            tmp_path,
            source.examples(TRAIN),
            source.examples(NONE),
            multiplier=multiplier,
            epochs=1,
            weight_decay=decay,
        )
        moved[share] = [float(np.abs(variable.numpy() - old).mean()) for variable, old in both]
    assert moved[0.01][0] < 0.02 * moved[None][0]
    assert moved[0.01][1] > 0.3 * moved[None][1]


def test_the_learning_rate_falls_along_a_cosine_and_weights_decay(tmp_path: Path) -> None:
    model, source = network(), Source()
    options = {"schedule": "cosine", "weight_decay": 0.01, "epochs": 2}
    fit(model, tmp_path, source.examples(TRAIN), source.examples(NONE), **options)
    assert type(model.optimizer).__name__ == "AdamW"
    assert float(model.optimizer.learning_rate) == pytest.approx(0.02 * 0.1, rel=1e-3)


def loss_of(model: Any) -> float:
    logits = model.predict(POINTS[VALIDATION], verbose=0)
    labels = LABELS[VALIDATION]
    return float(keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits))
