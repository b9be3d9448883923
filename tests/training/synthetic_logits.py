"""Logits whose truth is known: exact posteriors of Gaussian classes, times a temperature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from training.evaluation.predictions import LabelledLogits

Labels = NDArray[np.int64]


def posterior_logits(
    rng: np.random.Generator,
    labels: Labels,
    classes: int,
    signal: float | NDArray[np.float64],
    temperature: float = 1.0,
) -> Floats:
    """Logits float32 [N, C]; divided by `temperature`, their softmax is the exact posterior if classes are equally
    frequent.

    Each class has its own axis, along which its listings lie `signal` (one number, or one per class) standard
    deviations off.
    """
    offset = np.broadcast_to(signal, classes)
    signals = rng.normal(size=(len(labels), classes))
    signals[np.arange(len(labels)), labels] += offset[labels]
    return (temperature * (offset * signals - offset**2 / 2)).astype(np.float32)


def labelled_logits(
    seed: int,
    listings: int,
    classes: int,
    *,
    text: float | None = 2.5,
    image: float | None = 1.5,
    temperatures: tuple[float, float] = (2.0, 0.7),
) -> LabelledLogits:
    """Listings with all evidence, two thirds of them described; a signal of None means no network for the modality."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, listings)

    def ask(signal: float | None, temperature: float) -> Floats | None:
        return None if signal is None else posterior_logits(rng, labels, classes, signal, temperature)

    return LabelledLogits(
        labels=labels,
        sources=np.full(listings, ""),
        shares=np.ones(listings),
        described=np.arange(listings) % 3 > 0,
        text=ask(text, temperatures[0]),
        title=ask(None if text is None else 0.8 * text, temperatures[0]),
        image=ask(image, temperatures[1]),
    )
