"""The stages that make a text network, and those that ask others like it about listings that they have not seen.

Listings with trusted labels are few, and both sides want them: the network to learn from, calibration to be honest.
With `[cross_fit]` they do both. They stay training rows; for each of some folds the network is fitted again without
the fold's listings (and all that are near-duplicates of them), and answers them. Calibration takes these answers. The
network that is shipped has learned from all of them and is, if anything, a little better than what was calibrated.
Vocabularies, which know no labels, are those of all training rows.
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
from numpy.typing import NDArray

from models.listing import Modality
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import load_text_features, pad_batch
from training.config.fit import FitConfig
from training.config.run import RunConfig
from training.evaluation.prediction_store import read_logits, write_logits
from training.evaluation.predictions import Floats, LabelledLogits
from training.fitting.fitted import FittedNetwork
from training.fitting.text import BATCH, TextFit, make_text_features
from training.fitting.text_features import cleaned
from training.fitting.text_vocabulary import text_vocabulary_files
from training.workspace import Stage, Workspace

ANSWERS = "answers.npz"


@dataclass(frozen=True, eq=False)
class TextStages:
    """Makes text networks of `rows`, those with text in train and validation; `labels` are their class indices [N]."""

    config: RunConfig
    rows: pd.DataFrame
    labels: NDArray[np.int64]
    codes: tuple[str, ...]
    workspace: Workspace
    features: Stage
    vectors: Stage | None

    @classmethod
    def start(
        cls,
        config: RunConfig,
        rows: pd.DataFrame,
        labels: NDArray[np.int64],
        codes: tuple[str, ...],
        fingerprints: list[str],
        workspace: Workspace,
    ) -> TextStages:
        """Compute what all networks take. `fingerprints` are those of the catalogue and of its split."""
        inputs = {
            "data": fingerprints,
            "preprocessing": config.text.preprocessing.model_dump(mode="json"),
            "vocabulary": [config.text.vocabulary_size, config.text.min_documents],
        }
        features = workspace.stage("text-features", inputs, lambda folder: make_text_features(config, rows, folder))
        stages = cls(config, rows, labels, codes, workspace, features, None)
        asked = stages._fit(rows).vectors_inputs()
        if asked is None:
            return stages
        make = stages._fit(rows).make_vectors
        return replace(stages, vectors=workspace.stage("sentence-vectors", {"features": features.key, **asked}, make))

    def network(self) -> tuple[FittedNetwork, list[Stage]]:
        """The network that the version carries, and all its stages, the last of which holds it."""
        fitted = self._stages(self.rows, "", {})
        files = tuple(self.features.folder / name for name in text_vocabulary_files(self.config.text.preprocessing))
        path = fitted[-1].folder / "text.keras"
        stages = [self.features, *([self.vectors] if self.vectors else []), *fitted]
        return FittedNetwork(Modality.TEXT, self.config.text.network, path, files), stages

    def cross_fitted(self) -> LabelledLogits | None:
        """Answers to the training rows that `[cross_fit]` chooses, each from a network that has not seen it."""
        chosen = self.config.cross_fit.chosen(self.rows) & self.rows["split"].eq("train")
        if not chosen.any():
            return None
        found = [self._answers(fold, asked, seen) for fold, asked, seen in self._folds(chosen.to_numpy())]
        return LabelledLogits.joined(found)

    def _folds(self, chosen: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.bool_]]]:
        """(Fold, positions asked, which rows may be learned from): groups of near-duplicates stay together."""
        groups = self.rows["group"].to_numpy()
        names = np.unique(groups[chosen])
        dealt = np.random.default_rng(self.config.seed).permutation(len(names)) % self.config.cross_fit.folds
        for fold in range(self.config.cross_fit.folds):
            held = np.isin(groups, names[dealt == fold])
            asked = np.flatnonzero(held & chosen)
            if len(asked):
                yield fold, asked, ~held

    def _answers(self, fold: int, asked: NDArray[np.intp], seen: NDArray[np.bool_]) -> LabelledLogits:
        told = {"left_out": hashlib.sha256(np.flatnonzero(~seen).tobytes()).hexdigest()}
        rows = self.rows.assign(split=self.rows["split"].where(seen, "left out"))
        network = self._stages(rows, f"-fold{fold + 1}", told)[-1]
        inputs = {"network": network.key, "asked": hashlib.sha256(asked.tobytes()).hexdigest()}
        make = partial(self._ask, network.folder / "text.keras", asked)
        return read_logits(self.workspace.stage("text-answers", inputs, make).folder / ANSWERS)

    def _ask(self, path: Path, asked: NDArray[np.intp], folder: Path) -> None:
        """Ask a network about rows with and without their descriptions, through the kernel's features."""
        import keras

        from training.fitting.export import compiled

        features = load_text_features(self.config.text.preprocessing, self.features.folder)
        run = compiled(keras.saving.load_model(path))
        rows = self.rows.iloc[asked]
        texts = cleaned(rows, progress=False)

        def logits(shown: list[ListingText]) -> Floats:
            parts = (shown[start : start + BATCH] for start in range(0, len(shown), BATCH))
            return np.concatenate([run(pad_batch([features.extract(text) for text in part])) for part in parts])

        title = logits([ListingText(text.designation, "") for text in texts])
        title[[not text.designation for text in texts]] = np.nan
        answers = LabelledLogits(
            labels=self.labels[asked],
            sources=rows["label_source"].to_numpy(str),
            shares=rows["label_share"].fillna(1.0).to_numpy(np.float64),
            described=np.array([bool(text.description) for text in texts]),
            text=logits(texts),
            title=title,
            image=None,
        )
        write_logits(folder / ANSWERS, answers)

    def _fit(self, rows: pd.DataFrame) -> TextFit:
        vectors = None if self.vectors is None else self.vectors.folder
        return TextFit(self.config, rows, self.labels, len(self.codes), self.features.folder, vectors)

    def _stages(self, rows: pd.DataFrame, suffix: str, told: Mapping[str, Any]) -> list[Stage]:
        """Fit each network of the config on the rows of `train`, and join them if there are several."""
        fit, text, fitted = self._fit(rows), self.config.text, {}
        for network, options in text.networks.items():
            asked = {
                "features": self.features.key,
                "classes": list(self.codes),
                "network": network,
                "options": {name: json.loads(options.model_dump_json())[name] for name in FitConfig.model_fields},
                "augmentation": text.augmentation.model_dump(mode="json"),
                "byte_tables": text.byte_tables,
                "seed": self.config.seed,
                **told,
            }
            name = f"text-{network}" if text.network == "combined" else "text"
            fitted[network] = self.workspace.stage(name + suffix, asked, partial(fit.fit, network))
        stages = list(fitted.values())
        if text.network == "combined":
            keys = {network: stage.key for network, stage in fitted.items()}
            folders = {network: stage.folder for network, stage in fitted.items()}
            stages.append(self.workspace.stage(f"text{suffix}", {"parts": keys}, partial(fit.join, folders)))
        return stages
