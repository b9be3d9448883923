"""Fitting one Keras network: batches by row number, callbacks, learning-rate multipliers and the learning curve."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from models.arrays import Floats, Integers
from training.config.fit import FitConfig
from training.evaluation.predictions import LearningCurve

Inputs = Any
"""A network's inputs for B rows: one array, or a mapping from input name to array."""
LoadBatch = Callable[[Integers, int | None], Inputs]
"""(row numbers [B], pass) -> inputs; the number of the pass is None for validation, where nothing is random."""
BATCHES_PER_POOL = 50
"""Rows of a pool of so many batches are sorted by length, so that a batch pads little while batches stay mixed."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows to fit on or to validate with.

    `rows` int64 [N] are positions that `load` understands; `labels` int64 [N] class indices; `weights` float32 [N];
    `lengths` int64 [N] is what padding depends on, None where all rows are equally long.
    """

    rows: Integers
    labels: Integers
    weights: Floats
    load: LoadBatch
    lengths: Integers | None = None


class Batches:
    """Batches of (inputs, one-hot labels [B, C], weights [B]).

    With a seed, each iteration is the next epoch of so many `passes` over the rows, each in a new order; without, every
    one is in the rows' order.
    """

    def __init__(self, examples: Examples, classes: int, batch_size: int, seed: int | None, passes: int = 1) -> None:
        self.examples, self.classes, self.batch_size, self.seed = examples, classes, batch_size, seed
        self.passes, self.passed = passes, 0

    def __len__(self) -> int:
        return self.passes * math.ceil(len(self.examples.rows) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Inputs, Floats, Floats]]:
        examples = self.examples
        for _ in range(self.passes):
            number = None if self.seed is None else self.passed
            self.passed += 1
            for chosen in self._order(number):
                labels = np.eye(self.classes, dtype=np.float32)[examples.labels[chosen]]
                yield examples.load(examples.rows[chosen], number), labels, examples.weights[chosen]

    def for_model(self, model: keras.Model) -> Any:
        """The batches as a `tf.data.Dataset` whose shapes come from the model: batches may differ in length."""
        import tensorflow as tf

        specs = {node.name: tf.TensorSpec(node.shape, node.dtype) for node in model.inputs}
        named = isinstance(self.examples.load(self.examples.rows[:1], None), Mapping)
        inputs = specs if named else next(iter(specs.values()))
        signature = (inputs, tf.TensorSpec((None, self.classes), tf.float32), tf.TensorSpec((None,), tf.float32))
        batches = tf.data.Dataset.from_generator(lambda: iter(self), output_signature=signature)
        return batches.apply(tf.data.experimental.assert_cardinality(len(self))).prefetch(2)

    def _order(self, number: int | None) -> list[Integers]:
        """Positions of each batch's rows."""
        count = len(self.examples.rows)
        if self.seed is None or number is None:
            return _parts(np.arange(count), self.batch_size)
        random = np.random.default_rng([self.seed, number])
        shuffled = random.permutation(count)
        if self.examples.lengths is None:
            return _parts(shuffled, self.batch_size)
        batches: list[Integers] = []
        for pool in _parts(shuffled, self.batch_size * BATCHES_PER_POOL):
            batches += _parts(pool[np.argsort(self.examples.lengths[pool], kind="stable")], self.batch_size)
        return [batches[index] for index in random.permutation(len(batches))]


def fix_seeds(seed: int) -> None:
    """Make the next fit repeatable on this machine: random draws, order of summation and names of layers.

    Names go into the files, and count the layers that the process has built, which are fewer where stages are cached.
    """
    import tensorflow as tf

    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit_network(
    model: keras.Model,
    train: Examples,
    validation: Examples,
    config: FitConfig,
    *,
    seed: int,
    folder: Path,
    name: str,
    multiplier: LearningRateMultiplier | None = None,
) -> LearningCurve:
    """Fit `model` in place and leave it with its best epoch's weights if `config.callbacks` asks for them.

    `folder` holds the checkpoint. Without validation rows nothing is stopped early and the last epoch's weights stay.
    `multiplier` names variables that learn more slowly than the others.
    """
    classes = int(model.outputs[0].shape[1])
    passes = math.ceil(config.steps / (config.epochs * math.ceil(len(train.rows) / config.batch_size)))
    batches = Batches(train, classes, config.batch_size, seed, passes)
    checks = Batches(validation, classes, config.batch_size, None) if len(validation.rows) else None
    model.compile(
        optimizer=_optimizer(config, len(batches) * config.epochs, multiplier),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=config.label_smoothing),
        weighted_metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    best = folder / "best.weights.h5"
    best.unlink(missing_ok=True)  # of a fit that was interrupted
    start = time.monotonic()
    history: Mapping[str, list[float]] = model.fit(
        batches.for_model(model),
        validation_data=checks.for_model(model) if checks else None,
        epochs=config.epochs,
        shuffle=False,  # `Batches` does it
        callbacks=[*_callbacks(config, best, watched=checks is not None), Progress(name, len(batches))],
        verbose=0,
    ).history
    if best.exists():
        model.load_weights(best)
        best.unlink()
    return LearningCurve(
        name,
        tuple(history["loss"]),
        tuple(history.get("val_loss", ())),
        tuple(history.get("val_accuracy", ())),
        round(time.monotonic() - start, 1),
    )


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """One progress bar for each epoch, with the time left, and one line of figures at its end."""

    def __init__(self, name: str, steps: int) -> None:
        super().__init__()
        self.name, self.steps = name, steps

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        total = self.params["epochs"]
        self.bar = tqdm(total=self.steps, desc=f"{self.name} epoch {epoch + 1}/{total}", unit="batch")

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.bar.close()
        figures = ", ".join(f"{key} {float(value):.4g}" for key, value in (logs or {}).items())
        tqdm.write(f"{self.name} epoch {epoch + 1}: {figures}")


def _optimizer(config: FitConfig, steps: int, multiplier: LearningRateMultiplier | None) -> keras.optimizers.Optimizer:
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, steps, alpha=0.02)
    if multiplier is not None:
        return AdamWithMultiplier(rate, config.weight_decay, multiplier, epsilon=config.epsilon)
    if config.weight_decay:
        return keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, epsilon=config.epsilon)
    return keras.optimizers.Adam(rate, epsilon=config.epsilon)


def _callbacks(config: FitConfig, best: Path, *, watched: bool) -> list[keras.callbacks.Callback]:
    chosen = config.callbacks
    callbacks: list[keras.callbacks.Callback] = []
    if not watched:
        return callbacks
    if chosen.reduce_on_plateau and config.schedule == "constant":
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(factor=chosen.reduce_factor, patience=chosen.reduce_patience)
        )
    if chosen.early_stopping:
        callbacks.append(keras.callbacks.EarlyStopping(patience=chosen.stop_patience))
    if chosen.best_checkpoint:
        callbacks.append(keras.callbacks.ModelCheckpoint(best, save_best_only=True, save_weights_only=True))
    return callbacks


def _parts(values: Integers, size: int) -> list[Integers]:
    return [values[start : start + size] for start in range(0, len(values), size)]


@dataclass(frozen=True, slots=True, eq=False)
class LearningRateMultiplier:
    """Variables of a network and the `factor` on their learning rate, more than 0 and at most 1."""

    variables: Sequence[keras.Variable]
    factor: float


class AdamWithMultiplier(keras.optimizers.Adam):  # type: ignore[misc]
    """Adam with decoupled weight decay and a learning rate of their own for some variables.

    These variables do not decay, for that would undo their pretraining.
    """

    def __init__(
        self, learning_rate: Any, weight_decay: float, multiplier: LearningRateMultiplier, *, epsilon: float = 1e-7
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay or None, epsilon=epsilon)
        self._factor = multiplier.factor
        self._multiplied = frozenset(self._var_key(variable) for variable in multiplier.variables)
        self.exclude_from_weight_decay(var_list=list(multiplier.variables))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable; Keras calls this for each in every step."""
        factor = self._factor if self._var_key(variable) in self._multiplied else 1.0
        super().update_step(gradient, variable, learning_rate * factor)
