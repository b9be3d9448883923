"""The stages that make a text network, and those that cross-fit: others like it predict listings they have not seen.

Listings with trusted labels are few, and fitting and calibration both need them. With `[cross_fit]` they serve both.
They stay training rows; for each of some folds the network is fitted again without the fold's listings (and all their
near-duplicates), and predicts them. Calibration takes these logits. The network that is shipped was fitted on all of
them and is, if anything, a little better than those that were calibrated. Vocabularies, which know no labels, are those
of all training rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.arrays import Floats, Integers, Mask, Positions
from models.listing import Modality
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import load_text_features, pad_batch
from training.config.fit import FitConfig
from training.config.run import RunConfig
from training.evaluation.prediction_store import read_logits, write_logits
from training.evaluation.predictions import LabelledLogits
from training.fitting.fitted import FittedNetwork
from training.fitting.text import BATCH, TextFit, make_text_features
from training.fitting.text_features import cleaned
from training.fitting.text_vocabulary import text_vocabulary_files
from training.workspace import Stage, Workspace

LOGITS_FILE = "logits.npz"


@dataclass(frozen=True, eq=False)
class TextStages:
    """Makes text networks of `rows`, those with text in train and validation; `labels` are their class indices [N]."""

    config: RunConfig
    rows: pd.DataFrame
    labels: Integers
    codes: tuple[str, ...]
    workspace: Workspace
    features: Stage
    vectors: Stage | None

    @classmethod
    def start(
        cls,
        config: RunConfig,
        rows: pd.DataFrame,
        labels: Integers,
        codes: tuple[str, ...],
        fingerprints: list[str],
        workspace: Workspace,
    ) -> TextStages:
        """Compute the features of all networks. `fingerprints` are those of the catalogue and of its split."""
        inputs = {
            "data": fingerprints,
            "preprocessing": config.text.preprocessing.model_dump(mode="json"),
            "vocabulary": [config.text.vocabulary_size, config.text.min_documents],
        }
        features = workspace.stage("text-features", inputs, lambda folder: make_text_features(config, rows, folder))
        stages = cls(config, rows, labels, codes, workspace, features, None)
        vectors_inputs = stages._fit(rows).vectors_inputs()
        if vectors_inputs is None:
            return stages
        inputs = {"features": features.key, **vectors_inputs}
        return replace(stages, vectors=workspace.stage("sentence-vectors", inputs, stages._fit(rows).make_vectors))

    def network(self) -> tuple[FittedNetwork, list[Stage]]:
        """The network that the version carries, and all its stages, the last of which holds it."""
        fitted = self._stages(self.rows, "", {})
        files = tuple(self.features.folder / name for name in text_vocabulary_files(self.config.text.preprocessing))
        path = fitted[-1].folder / "text.keras"
        stages = [self.features, *([self.vectors] if self.vectors else []), *fitted]
        return FittedNetwork(Modality.TEXT, self.config.text.network, path, files), stages

    def cross_fitted(self) -> LabelledLogits | None:
        """Logits of the training rows that `[cross_fit]` chooses, each from a network fitted without it."""
        chosen = self.config.cross_fit.chosen(self.rows) & self.rows["split"].eq("train")
        if not chosen.any():
            return None
        return LabelledLogits.joined([self._fold_logits(*fold) for fold in self._folds(chosen.to_numpy())])

    def _folds(self, chosen: Mask) -> Iterator[tuple[int, Positions, Mask]]:
        """(Fold, positions held out, mask of rows to fit on): groups of near-duplicates stay together."""
        groups = self.rows["group"].to_numpy()
        names = np.unique(groups[chosen])
        fold_of = np.random.default_rng(self.config.seed).permutation(len(names)) % self.config.cross_fit.folds
        for fold in range(self.config.cross_fit.folds):
            held = np.isin(groups, names[fold_of == fold])
            positions = np.flatnonzero(held & chosen)
            if len(positions):
                yield fold, positions, ~held

    def _fold_logits(self, fold: int, held: Positions, fitted_on: Mask) -> LabelledLogits:
        left_out = {"left_out": hashlib.sha256(np.flatnonzero(~fitted_on).tobytes()).hexdigest()}
        rows = self.rows.assign(split=self.rows["split"].where(fitted_on, "left out"))
        network = self._stages(rows, f"-fold{fold + 1}", left_out)[-1]
        inputs = {"network": network.key, "rows": hashlib.sha256(held.tobytes()).hexdigest()}
        make = partial(self._write_logits, network.folder / "text.keras", held)
        return read_logits(self.workspace.stage("text-logits", inputs, make).folder / LOGITS_FILE)

    def _write_logits(self, path: Path, held: Positions, folder: Path) -> None:
        """Compute a network's logits of rows with and without their descriptions, through the kernel's features."""
        import keras

        from training.fitting.export import compiled

        features = load_text_features(self.config.text.preprocessing, self.features.folder)
        run = compiled(keras.saving.load_model(path))
        rows = self.rows.iloc[held]
        texts = cleaned(rows, progress=False)

        def logits(texts: list[ListingText]) -> Floats:
            batches = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
            return np.concatenate([run(pad_batch([features.extract(text) for text in batch])) for batch in batches])

        title = logits([ListingText(text.designation, "") for text in texts])
        title[[not text.designation for text in texts]] = np.nan
        labelled = LabelledLogits(
            labels=self.labels[held],
            sources=rows["label_source"].to_numpy(str),
            shares=rows["label_share"].fillna(1.0).to_numpy(np.float64),
            described=np.array([bool(text.description) for text in texts]),
            text=logits(texts),
            title=title,
            image=None,
        )
        write_logits(folder / LOGITS_FILE, labelled)

    def _fit(self, rows: pd.DataFrame) -> TextFit:
        vectors = None if self.vectors is None else self.vectors.folder
        return TextFit(self.config, rows, self.labels, len(self.codes), self.features.folder, vectors)

    def _stages(self, rows: pd.DataFrame, suffix: str, fold_inputs: Mapping[str, Any]) -> list[Stage]:
        """Fit each network of the config on the rows of `train`, and join them if there are several."""
        fit, text, fitted = self._fit(rows), self.config.text, {}
        for network, options in text.networks.items():
            inputs = {
                "features": self.features.key,
                "classes": list(self.codes),
                "network": network,
                "options": {name: json.loads(options.model_dump_json())[name] for name in FitConfig.model_fields},
                "augmentation": text.augmentation.model_dump(mode="json"),
                "byte_tables": text.byte_tables,
                "seed": self.config.seed,
                **fold_inputs,
            }
            name = f"text-{network}" if text.network == "combined" else "text"
            fitted[network] = self.workspace.stage(name + suffix, inputs, partial(fit.fit, network))
        stages = list(fitted.values())
        if text.network == "combined":
            keys = {network: stage.key for network, stage in fitted.items()}
            folders = {network: stage.folder for network, stage in fitted.items()}
            stages.append(self.workspace.stage(f"text{suffix}", {"parts": keys}, partial(fit.join, folders)))
        return stages
