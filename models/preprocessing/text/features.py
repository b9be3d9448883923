"""The features of a text network, put together: one object for whatever kinds of features a version has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from models.preprocessing.settings import CombinedPreprocessing, PiecePreprocessing, TextSettings, TokenPreprocessing
from models.preprocessing.text.clean import ListingText


class TextFeatures(Protocol):
    """Turns a cleaned text into the arrays of one listing: no batch axis, each at least one long. Thread-safe."""

    def extract(self, text: ListingText) -> dict[str, np.ndarray]: ...


def load_text_features(config: TextSettings, folder: Path) -> TextFeatures:
    """The text features of the version in `folder`. Raises VersionRefused if a file of theirs is missing or malformed.

    Each kind's module is imported when it is asked for.
    """
    if isinstance(config, TokenPreprocessing):
        from models.preprocessing.text.tokens import TokenFeatures, read_vocabulary

        return TokenFeatures(config, read_vocabulary(folder))
    if isinstance(config, PiecePreprocessing):
        from models.preprocessing.text.pieces import PieceFeatures, read_kept_pieces, read_tokenizer

        tokenizer = read_tokenizer(folder)
        return PieceFeatures(config, tokenizer, read_kept_pieces(folder, tokenizer))
    if isinstance(config, CombinedPreprocessing):
        return CombinedFeatures([load_text_features(part, folder) for part in (config.ngrams, config.pieces)])
    from models.preprocessing.text.ngrams import NgramFeatures, read_ngram_vocabulary

    return NgramFeatures(config, read_ngram_vocabulary(folder) if config.vocabulary else None)


class CombinedFeatures:
    """Several features of the same text, whose arrays have different names. Thread-safe if they are."""

    def __init__(self, parts: Sequence[TextFeatures]) -> None:
        self.parts = tuple(parts)

    def extract(self, text: ListingText) -> dict[str, np.ndarray]:
        return {name: array for part in self.parts for name, array in part.extract(text).items()}


def pad_batch(
    rows: Sequence[Mapping[str, np.ndarray]], length: Callable[[int], int] = lambda longest: longest
) -> dict[str, np.ndarray]:
    """Stack listings' arrays `[T, ...]` into `[B, T, ...]`; shorter rows are followed by zeros up to the longest.

    All rows have the same keys, dtypes and trailing axes. Networks mask the padding (id 0, weight 0), so a listing's
    answer does not depend on its neighbours. `length` says how long the batch is to be for its longest row, at least as
    long. Raises ValueError on no rows.
    """
    if not rows:
        raise ValueError("a batch needs at least one row")
    batch: dict[str, np.ndarray] = {}
    for key, first in rows[0].items():
        arrays = [row[key] for row in rows]
        padded = np.zeros((len(rows), length(max(map(len, arrays))), *first.shape[1:]), first.dtype)
        for target, array in zip(padded, arrays, strict=True):
            target[: len(array)] = array
        batch[key] = padded
    return batch


def serving_length(longest: int) -> int:
    """The length that texts are padded to before a compiled network sees them: 1, 8, 16, 24, 32, 48, 64, 96, 128, ...

    OpenVINO makes and keeps kernels for every length that it meets. 1,500 listings, each padded to its own, took 615 MB
    of them; with lengths that grow by a third or a half they take 14 MB, and a sixth less time.
    """
    if longest <= 1:
        return longest
    power = 1 << max(3, (longest - 1).bit_length())
    return power // 4 * 3 if longest <= power // 4 * 3 and power >= 32 else power
