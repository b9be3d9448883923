"""Fitting the text network on the kernel's features: vocabulary or hashed n-grams, augmentation, learning curve."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.preprocessing import (
    NgramPreprocessing,
    TextFeatures,
    TextPreprocessing,
    TokenPreprocessing,
    load_text_features,
    pad_batch,
)
from models.text import ListingText
from models.tokens import FIRST_WORD, build_vocabulary, write_vocabulary
from training.augment import augment_text, generator
from training.config import RunConfig
from training.fit_config import TextConfig
from training.label_weights import balanced
from training.text_features import Arrays, FlatFeatures, cleaned

MIN_DOCUMENTS = 2
"""An n-gram that occurs in fewer training listings says nothing about others; its idf is 0, which leaves it out."""


def make_text_features(config: RunConfig, rows: pd.DataFrame, folder: Path) -> None:
    """The stage that cleans and featurises all rows with text; the vocabulary comes from the training rows alone.

    `rows` are the catalogue's, with their "split".
    """
    texts = cleaned(rows)
    preprocessing = config.text.preprocessing
    if isinstance(preprocessing, TokenPreprocessing):
        train = (text for text, split in zip(texts, rows["split"], strict=True) if split == "train")
        size = config.text.vocabulary_size - FIRST_WORD
        write_vocabulary(folder, build_vocabulary(train, preprocessing, size))
    FlatFeatures.of(texts, load_text_features(preprocessing, folder)).save(folder)


def fit_text(
    config: RunConfig, rows: pd.DataFrame, labels: NDArray[np.int64], classes: int, features: Path, folder: Path
) -> None:
    """The stage that fits the text network on the rows of `features` (in their order) and writes `text.keras`."""
    from training.export import save_keras
    from training.fit import Examples, fit_network, fix_seeds
    from training.networks.text import build_text_network, set_idf

    fix_seeds(config.seed)
    flat = FlatFeatures.load(features)
    parts = {part: np.flatnonzero(rows["split"].to_numpy() == part) for part in ("train", "validation")}
    parameters = dict(config.text.parameters)
    preprocessing = config.text.preprocessing
    if isinstance(preprocessing, NgramPreprocessing):
        model = build_text_network(config.text.network, classes, buckets=preprocessing.buckets, **parameters)
        counts = flat.document_frequencies(("ids", "description_ids"), parts["train"], preprocessing.buckets)
        set_idf(model, inverse_document_frequencies(counts, len(parts["train"])))
    else:
        model = build_text_network(config.text.network, classes, vocabulary=config.text.vocabulary_size, **parameters)
    source = TextSource(rows, flat, config.text, load_text_features(preprocessing, features), config.seed)
    weights = rows["weight"].to_numpy(np.float32)
    weights = weights * balanced(labels, rows["split"].to_numpy() == "train", config.text.class_balance)
    lengths = flat.lengths()
    train, validation = (
        Examples(index, labels[index], weights[index], source.batch, lengths[index]) for index in parts.values()
    )
    name = config.text.network
    curve = fit_network(model, train, validation, config.text, seed=config.seed, folder=folder, name=name)
    save_keras(model, folder / "text.keras")
    (folder / "curve.json").write_text(json.dumps(asdict(curve)))


def inverse_document_frequencies(counts: NDArray[np.int64], documents: int) -> NDArray[np.float32]:
    """Scikit-learn's smooth idf, log((1 + N) / (1 + df)) + 1; 0 for ids in fewer than `MIN_DOCUMENTS`, and padding."""
    idf = np.where(counts >= MIN_DOCUMENTS, np.log((1 + documents) / (1 + counts)) + 1, 0.0)
    idf[0] = 0.0
    return idf.astype(np.float32)


class TextSource:
    """Padded features of rows: those computed before, and for listings that augmentation changes, new ones."""

    def __init__(
        self, rows: pd.DataFrame, flat: FlatFeatures, config: TextConfig, features: TextFeatures, seed: int
    ) -> None:
        self._flat, self._options, self._features, self._seed = flat, config.augmentation, features, seed
        self._texts = cleaned(rows, progress=False) if any(self._options.model_dump().values()) else []

    def batch(self, indices: NDArray[np.int64], epoch: int | None) -> Arrays:
        """Features [B, T] of rows; augmented when an epoch is given."""
        if epoch is None or not self._texts:
            return self._flat.batch(indices)
        return pad_batch([self._augmented(int(index), epoch) for index in indices])

    def _augmented(self, index: int, epoch: int) -> Arrays:
        text = self._texts[index]
        changed = augment_text(text.designation, text.description, self._options, generator(self._seed, index, epoch))
        if changed == (text.designation, text.description):
            return self._flat.row(index)
        return self._features(ListingText(*changed))


def text_preprocessing_files(preprocessing: TextPreprocessing, features: Path) -> list[Path]:
    """Files of fitted state that a version needs beside `preprocessing.json`."""
    return [features / "vocabulary.txt"] if isinstance(preprocessing, TokenPreprocessing) else []
