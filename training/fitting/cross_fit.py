"""Cross-fitting: answers to training listings, each from networks that were fitted without it, to calibrate on.

Calibration needs hundreds of listings, and so do fits. Cross-fitted listings serve both. They stay training rows; for
each of some folds the networks are fitted again without the fold's listings (and all their near-duplicates), and
predict them. The networks that are shipped were fitted on all of them and are, if anything, a little better than those
that were calibrated. Vocabularies, which know no labels, are those of all training rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.arrays import Integers, Positions
from training.config.run import RunConfig
from training.evaluation.predictions import LabelledLogits

LEFT_OUT = "left out"
"""The part, in a fold, of rows that were left out of its fits."""


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold: labels of the catalogue's rows that it predicts, and of all that its fits leave out."""

    number: int
    predicted: pd.Index
    left_out: pd.Index

    def rows(self, rows: pd.DataFrame) -> pd.DataFrame:
        """A network's rows, with those that the fold leaves out in the part `LEFT_OUT`."""
        return rows.assign(split=rows["split"].where(~rows.index.isin(self.left_out), LEFT_OUT))

    def held(self, rows: pd.DataFrame) -> Positions:
        """Positions of a network's rows that the fold predicts."""
        return np.flatnonzero(rows.index.isin(self.predicted))

    def inputs(self, rows: pd.DataFrame) -> dict[str, str]:
        """What a fold's fit depends on beside the inputs of the shipped network."""
        positions = np.flatnonzero(rows.index.isin(self.left_out))
        return {"left_out": hashlib.sha256(positions.tobytes()).hexdigest()}


def cross_fit_folds(rows: pd.DataFrame, config: RunConfig) -> list[Fold]:
    """The folds over the training rows that the config chooses, empty without any: groups of near-duplicates stay
    together, and each category is spread evenly.
    """
    chosen, folds = config.cross_fit.chosen(rows, config.split.holdout), config.cross_fit.folds
    if not chosen.any():
        return []
    first = rows[chosen].drop_duplicates("group")
    shuffled = first.sample(frac=1, random_state=config.seed).sort_values("category", kind="stable")
    fold_of = pd.Series(np.arange(len(shuffled)) % folds, index=shuffled["group"])
    fold = rows["group"].map(fold_of)  # NaN for groups that are not chosen
    members = [fold.eq(number) for number in range(folds)]
    made = [Fold(number, rows.index[chosen & held], rows.index[held]) for number, held in enumerate(members)]
    return [fold for fold in made if len(fold.predicted)]


class Network(Protocol):
    """The stages that make a network."""

    def fold_logits(self, fold: Fold) -> tuple[pd.Index, Mapping[str, NDArray[Any]]]:
        """The rows that the network can predict of those that the fold predicts, and fields of `LabelledLogits`."""


def cross_fitted_logits(
    rows: pd.DataFrame, labels: Integers, folds: Sequence[Fold], networks: Sequence[Network]
) -> LabelledLogits:
    """What the networks of the folds, at least one, answer to the rows that these predict; `labels` are those of all
    `rows` [N].
    """
    predicted = np.concatenate([fold.predicted for fold in folds])
    chosen = rows.index.get_indexer(predicted)
    answered: dict[str, NDArray[Any]] = {}
    for network in networks:
        indices, arrays = zip(*(network.fold_logits(fold) for fold in folds), strict=True)
        places = pd.Index(predicted).get_indexer(np.concatenate(indices))
        for name in arrays[0]:
            values = np.concatenate([array[name] for array in arrays])
            missing = False if values.dtype == bool else np.nan
            answered[name] = np.full((len(predicted), *values.shape[1:]), missing, values.dtype)
            answered[name][places] = values
    return LabelledLogits(
        labels=labels[chosen],
        sources=rows["label_source"].to_numpy(str)[chosen],
        shares=rows["label_share"].fillna(1.0).to_numpy(np.float64)[chosen],
        described=answered.get("described", np.zeros(len(chosen), bool)),
        text=answered.get("text"),
        title=answered.get("title"),
        image=answered.get("image"),
    )
