"""Text features of many listings in flat arrays: the text network's inputs, computed once a run by the kernel."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from models.arrays import Integers
from models.preprocessing.text.clean import MAX_CHARACTERS, ListingText
from models.preprocessing.text.features import TextFeatures, pad_batch

Arrays = dict[str, np.ndarray]


def cleaned(rows: pd.DataFrame, progress: bool = True) -> list[ListingText]:
    """The kernel's cleaned text of each row; fields over the kernel's limit are cut, as the data check reports."""
    fields = zip(rows["designation"], rows["description"], strict=True)
    return [
        ListingText.clean(designation[:MAX_CHARACTERS], description[:MAX_CHARACTERS])
        for designation, description in tqdm(fields, "clean text", len(rows), disable=not progress, unit="row")
    ]


@dataclass(frozen=True, eq=False)
class FlatFeatures:
    """Ragged rows end to end: `values[key]` holds all rows' values, and `offsets[key]` [N + 1] where each begins."""

    values: Arrays
    offsets: dict[str, Integers]

    @classmethod
    def of(cls, texts: Sequence[ListingText], features: TextFeatures, progress: bool = True) -> FlatFeatures:
        """Compute the features of each text."""
        rows = [features.extract(text) for text in tqdm(texts, "text features", disable=not progress, unit="row")]
        keys = rows[0].keys()
        return cls(
            {key: np.concatenate([row[key] for row in rows]) for key in keys},
            {key: np.cumsum([0, *(len(row[key]) for row in rows)]) for key in keys},
        )

    def __len__(self) -> int:
        return len(next(iter(self.offsets.values()))) - 1

    def row(self, index: int) -> Arrays:
        """One row's arrays, each [T]."""
        bounds = {key: offsets[index : index + 2] for key, offsets in self.offsets.items()}
        return {key: self.values[key][start:end] for key, (start, end) in bounds.items()}

    def batch(self, indices: Iterable[int]) -> Arrays:
        """Padded arrays [B, T] of some rows."""
        return pad_batch([self.row(int(index)) for index in indices])

    def lengths(self) -> Integers:
        """The number of values of each row over all keys, [N], which its time in the network grows with."""
        total: Integers = np.sum([np.diff(offsets) for offsets in self.offsets.values()], axis=0)
        return total

    def document_frequencies(self, keys: Sequence[str], indices: Integers, size: int) -> Integers:
        """The number of rows of `indices` in which each id below `size` occurs under any of `keys`: int64 [size]."""
        counts = np.zeros(size, np.int64)
        for index in indices:
            row = self.row(int(index))
            counts[np.unique(np.concatenate([row[key] for key in keys]))] += 1
        return counts

    def save(self, folder: Path) -> None:
        """Write as plain `.npy` files."""
        for key in self.values:
            np.save(folder / f"{key}.values.npy", self.values[key], allow_pickle=False)
            np.save(folder / f"{key}.offsets.npy", self.offsets[key], allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, names: Collection[str] | None = None) -> FlatFeatures:
        """Read what `save` wrote, or some `names` of it; values stay on disk until they are read."""
        keys = sorted(path.name.removesuffix(".values.npy") for path in folder.glob("*.values.npy"))
        keys = [key for key in keys if names is None or key in names]
        return cls(
            {key: np.load(folder / f"{key}.values.npy", mmap_mode="r", allow_pickle=False) for key in keys},
            {key: np.load(folder / f"{key}.offsets.npy", allow_pickle=False) for key in keys},
        )
