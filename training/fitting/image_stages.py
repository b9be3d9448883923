"""The stages that make an image network, and others like it for the folds of cross-fitting."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.arrays import Integers
from models.listing import Modality
from training.config.run import RunConfig
from training.fitting.cross_fit import Fold
from training.fitting.fitted import FittedNetwork
from training.fitting.image import activation_inputs, fit_image, make_activations, write_image_logits
from training.workspace import Stage, Workspace

LOGITS_FILE = "logits.npz"


@dataclass(frozen=True, eq=False)
class ImageStages:
    """Makes image networks of `rows`, those with a photo in train and validation; `labels` are class indices [N]."""

    config: RunConfig
    rows: pd.DataFrame
    labels: Integers
    codes: tuple[str, ...]
    workspace: Workspace
    activations: Stage

    @classmethod
    def start(
        cls, config: RunConfig, rows: pd.DataFrame, labels: Integers, codes: tuple[str, ...], workspace: Workspace
    ) -> ImageStages:
        """Compute the activations of all networks."""
        workspace.say(f"[image] {config.image.network} starts from {_starting_weights(config.image.weights)}")
        inputs = activation_inputs(config, rows)
        make = partial(make_activations, config, rows)
        return cls(config, rows, labels, codes, workspace, workspace.stage("activations", inputs, make))

    def network(self) -> tuple[FittedNetwork, list[Stage]]:
        """The network that the version carries, and all its stages, the last of which holds it."""
        make = partial(fit_image, self.config, self.rows, self.labels, len(self.codes), self.activations.folder)
        fitted = self.workspace.stage("image", self._inputs(), make)
        network = FittedNetwork(Modality.IMAGE, self.config.image.network, fitted.folder / "image.keras")
        return network, [self.activations, fitted]

    def fold_logits(self, fold: Fold) -> tuple[pd.Index, Mapping[str, NDArray[Any]]]:
        """See `training.fitting.cross_fit.Network`."""
        held, rows = fold.held(self.rows), fold.rows(self.rows)
        predicted = hashlib.sha256(held.tobytes()).hexdigest()
        inputs = {**self._inputs(), **fold.inputs(self.rows), "rows": predicted, "seed": self.config.seed}

        def make(folder: Path) -> None:
            fit = (self.config, rows, self.labels, len(self.codes), self.activations.folder)
            write_image_logits(*fit, held, folder / LOGITS_FILE)

        stage = self.workspace.stage(f"image-fold{fold.number + 1}", inputs, make)
        with np.load(stage.folder / LOGITS_FILE, allow_pickle=False) as stored:
            return self.rows.index[held], dict(stored)

    def _inputs(self) -> dict[str, Any]:
        return {
            "activations": self.activations.key,
            "classes": list(self.codes),
            "labels": self.labels.tolist(),
            "weights": self.rows["weight"].tolist(),
            "config": self.config.image.model_dump(mode="json"),
        }


def _starting_weights(weights: str) -> str:
    known = {
        "package": "ImageNet weights, those of its package",
        "imagenet": "ImageNet weights, those that keras.applications downloads",
        "none": "random weights: nothing is pretrained, which is for tests",
    }
    return known.get(weights, f"the weights given, {Path(weights).name}")
