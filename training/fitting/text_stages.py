"""The stages that make a text network, and others like it for the folds of cross-fitting."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.arrays import Floats, Integers, Positions
from models.listing import Modality
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import load_text_features, pad_batch
from training.config.fit import FitConfig
from training.config.run import RunConfig
from training.fitting.cross_fit import Fold
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

    def fold_logits(self, fold: Fold) -> tuple[pd.Index, Mapping[str, NDArray[Any]]]:
        """See `training.fitting.cross_fit.Network`."""
        network = self._stages(fold.rows(self.rows), f"-fold{fold.number + 1}", fold.inputs(self.rows))[-1]
        held = fold.held(self.rows)
        inputs = {"network": network.key, "rows": hashlib.sha256(held.tobytes()).hexdigest()}
        make = partial(self._write_logits, network.folder / "text.keras", held)
        stage = self.workspace.stage("text-logits", inputs, make)
        with np.load(stage.folder / LOGITS_FILE, allow_pickle=False) as stored:
            return self.rows.index[held], dict(stored)

    def _write_logits(self, path: Path, held: Positions, folder: Path) -> None:
        """Compute a network's logits of rows with and without their descriptions, through the kernel's features."""
        import keras

        from training.fitting.export import compiled

        features = load_text_features(self.config.text.preprocessing, self.features.folder)
        run = compiled(keras.saving.load_model(path))
        texts = cleaned(self.rows.iloc[held], progress=False)

        def logits(texts: list[ListingText]) -> Floats:
            batches = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
            blocks = [run(pad_batch([features.extract(text) for text in batch])) for batch in batches]
            values = np.concatenate([*blocks, np.empty((0, len(self.codes)), np.float32)])
            values[np.array([text.is_empty for text in texts], bool)] = np.nan
            return values

        title = logits([ListingText(text.designation, "") for text in texts])
        described = np.array([bool(text.description) for text in texts], bool)
        np.savez(folder / LOGITS_FILE, text=logits(texts), title=title, described=described)

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
