"""The n-grams that a version knows, as their 64-bit hashes: each has an id of its own, where hashing shares buckets.

Of 16 million n-grams, two share a 64-bit hash with a probability below one in a hundred thousand (n**2 / 2**65).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.ngrams import NgramFeatures
from models.preprocessing import NgramPreprocessing
from models.sorted_array import read_sorted_array, write_sorted_array
from models.text import ListingText

NGRAMS_FILE = "ngrams.npy"
MAX_NGRAMS = 2**22
COUNTED_TOGETHER = 4_000_000
"""Hashes gathered before they are counted: 32 MB."""

Hashes = NDArray[np.uint64]


def build_ngram_vocabulary(
    texts: Iterable[ListingText], config: NgramPreprocessing, size: int, min_documents: int
) -> Hashes:
    """The `size` n-grams that most of `texts` have in either field, but none that fewer than `min_documents` have.

    Ascending uint64 hashes; equally frequent n-grams are chosen in the order of their hashes. Raises ValueError when
    there is none.
    """
    features = NgramFeatures(config)
    counted, counts = np.empty(0, np.uint64), np.empty(0, np.int64)
    waiting: list[Hashes] = []
    gathered = 0
    for text in texts:
        waiting.append(features.hashes(text))
        gathered += len(waiting[-1])
        if gathered > COUNTED_TOGETHER:
            counted, counts = _count(counted, counts, waiting)
            waiting, gathered = [], 0
    counted, counts = _count(counted, counts, waiting)
    often = counts >= min_documents
    counted, counts = counted[often], counts[often]
    if not len(counted):
        raise ValueError(f"no n-gram occurs in {min_documents} listings")
    chosen = np.lexsort((counted, -counts))[: min(size, MAX_NGRAMS)]
    return np.sort(counted[chosen])


def _count(counted: Hashes, counts: NDArray[np.int64], more: list[Hashes]) -> tuple[Hashes, NDArray[np.int64]]:
    """Add one for each occurrence in `more` to the counts of ascending hashes."""
    if not more:
        return counted, counts
    new, new_counts = np.unique(np.concatenate(more), return_counts=True)
    together = np.concatenate([counted, new])
    order = np.argsort(together, kind="stable")
    together, sums = together[order], np.concatenate([counts, new_counts])[order]
    if not len(together):
        return counted, counts
    starts = np.flatnonzero(np.concatenate([[True], together[1:] != together[:-1]]))
    return together[starts], np.add.reduceat(sums, starts)


def read_ngram_vocabulary(folder: Path) -> Hashes:
    """Read `ngrams.npy` of a version folder. Raises VersionRefused if it is missing or malformed."""
    return read_sorted_array(folder, NGRAMS_FILE, np.uint64, MAX_NGRAMS)


def write_ngram_vocabulary(folder: Path, vocabulary: Hashes) -> None:
    """Write `ngrams.npy`. Raises ValueError on what `read_ngram_vocabulary` would refuse."""
    write_sorted_array(folder, NGRAMS_FILE, vocabulary.astype(np.uint64))
