"""Character and word n-grams of each field: the features of the n-gram text networks.

A word is a run of letters and digits ("ps4", "1to"). With one space on each side it gives character n-grams, as
scikit-learn's `char_wb`; neighbouring words give word n-grams. An n-gram's id comes from a hash of it, and is the same
in title and description: either a bucket that it shares with others, with no vocabulary to keep, or its position among
the hashes of the version's vocabulary. Hashes are plain integer arithmetic, equal on every platform and in every
process; any change to them makes existing versions answer nonsense (golden listings would show it).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.preprocessing.settings import NgramPreprocessing
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.sorted_array import read_sorted_array, write_sorted_array

_WORD = re.compile("[^\\W_]+(?:[\u0300-\u036f]+[^\\W_]*)*")
"""Combining marks that NFC leaves, such as the dot in the lower case of "İ", do not end a word."""
_ACCENT = re.compile("[\u0300-\u036f]")
_LATIN = re.compile("[\u00c0-\u024f\u1e00-\u1eff]+")
"""Latin letters beyond ASCII. Only these are decomposed: ordering long runs of marks takes quadratic time."""
NGRAMS_FILE = "ngrams.npy"
MAX_NGRAMS = 2**22
COUNTED_TOGETHER = 4_000_000
"""Hashes gathered before they are counted: 32 MB."""
_SPACE = ord(" ")
_BASE = np.uint64(0x9E3779B97F4A7C15)
"""Base of the polynomials, modulo 2**64; odd. The golden ratio's 64 bits, as in SplitMix64."""
_CHARACTERS, _WORDS = 1, 2
"""Kinds of n-grams: a character n-gram and a word n-gram of the same letters have different ids."""
Hashes = NDArray[np.uint64]


class NgramFeatures:
    """Ids and weights of both fields' n-grams. Thread-safe.

    `ids`, int32 `[T]`, and `weights`, float32 `[T]`, of the title; `description_ids` and `description_weights`, `[U]`,
    of the description. Ids are unique, ascending, in 1..buckets-1, or in 1..V for a vocabulary of V n-grams, where
    others are left out; a weight is 1 + log(count), the sublinear term frequency of Manning et al., Introduction to
    Information Retrieval (2008), 6.4.1. A field without any n-gram has one entry, id 0 (padding) with weight 0.
    `vocabulary` is uint64 [V], ascending hashes; None for buckets.
    """

    def __init__(self, config: NgramPreprocessing, vocabulary: Hashes | None = None) -> None:
        self.config = config
        self.vocabulary = vocabulary
        longest = max(config.title_characters, config.description_characters)
        self._powers = np.cumprod(np.full(longest + 1, _BASE, np.uint64))

    def extract(self, text: ListingText) -> dict[str, np.ndarray]:
        ids, weights = self._field(text.designation, self.config.title_characters)
        description_ids, description_weights = self._field(text.description, self.config.description_characters)
        return {
            "ids": ids,
            "weights": weights,
            "description_ids": description_ids,
            "description_weights": description_weights,
        }

    def hashes(self, text: ListingText) -> Hashes:
        """The distinct n-grams of both fields: ascending 64-bit hashes, as in a vocabulary."""
        title = self._words(text.designation, self.config.title_characters)
        description = self._words(text.description, self.config.description_characters)
        fields = [self._hashes(words) for words in (title, description) if words]
        return np.unique(_mix(np.concatenate([*fields, np.empty(0, np.uint64)])))

    def _field(self, text: str, characters: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        words = self._words(text, characters)
        if words and len(grams := self._hashes(words)):
            ids, counts = self._ids(_mix(grams))
            if len(ids):
                return ids, (1 + np.log(counts)).astype(np.float32)
        return np.zeros(1, np.int32), np.zeros(1, np.float32)

    def _ids(self, hashes: Hashes) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Distinct ids, ascending, and how often each occurs."""
        if self.vocabulary is None:
            return np.unique(_bucket(hashes, self.config.buckets), return_counts=True)
        distinct, counts = np.unique(hashes, return_counts=True)
        positions = np.searchsorted(self.vocabulary, distinct)
        known = self.vocabulary.take(positions, mode="clip") == distinct
        return (1 + positions[known]).astype(np.int32), counts[known]

    def _words(self, text: str, characters: int) -> list[str]:
        text = text[:characters]
        if self.config.lowercase:
            text = text.lower()
        if self.config.strip_accents and not text.isascii():
            text = _ACCENT.sub("", _LATIN.sub(lambda letters: unicodedata.normalize("NFD", letters[0]), text))
        return _WORD.findall(text[:characters])  # again, since lower-casing may lengthen the text

    def _hashes(self, words: list[str]) -> Hashes:
        """One number per n-gram occurrence, of every kind and size."""
        code_points = np.frombuffer(f" {' '.join(words)} ".encode("utf-32-le"), "<u4").astype(np.uint64)
        spaces = np.flatnonzero(code_points == _SPACE)
        spans = np.diff(spaces)  # of a space and the word after it
        positions = np.arange(len(code_points) - 1)
        grams = []
        to_next_space = np.repeat(spaces[1:], spans) - positions
        for size, hashes in _windows(code_points, self.config.char_sizes):
            within = to_next_space[: len(hashes)] >= size - 1 if size > 1 else code_points != _SPACE
            grams.append(_salted(hashes[within], _CHARACTERS, size))
        if self.config.word_sizes:
            powers = self._powers[positions - np.repeat(spaces[:-1], spans)]
            word_hashes = np.add.reduceat(code_points[:-1] * powers, spaces[:-1])
            for size, hashes in _windows(_mix(word_hashes), self.config.word_sizes):
                grams.append(_salted(hashes, _WORDS, size))
        return np.concatenate(grams) if grams else np.empty(0, np.uint64)


def _windows(values: Hashes, sizes: tuple[int, ...]) -> Iterator[tuple[int, Hashes]]:
    """For each size, the polynomial hash of every window of so many values; nothing for sizes over their number."""
    hashes = values
    for size in range(1, min(max(sizes, default=0), len(values)) + 1):
        if size > 1:
            hashes = hashes[:-1] * _BASE + values[size - 1 :]
        if size in sizes:
            yield size, hashes


def _salted(hashes: Hashes, kind: int, size: int) -> Hashes:
    return hashes + np.uint64((kind << 8 | size) * 0xD1B54A32D192ED03 % 2**64)


def _mix(hashes: Hashes) -> Hashes:
    """SplitMix64's finaliser: every bit of the input moves every bit of the output.

    Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators (OOPSLA 2014); constants as in Vigna's
    splitmix64.c (public domain).
    """
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


def _bucket(hashes: Hashes, buckets: int) -> NDArray[np.int32]:
    """Ids in 1..buckets-1 from the upper 32 bits, by multiplication (Lemire, Fast Random Integer Generation, 2019)."""
    return (1 + ((hashes >> np.uint64(32)) * np.uint64(buckets - 1) >> np.uint64(32))).astype(np.int32)


def build_ngram_vocabulary(
    texts: Iterable[ListingText], config: NgramPreprocessing, size: int, min_documents: int
) -> Hashes:
    """The `size` n-grams that most of `texts` have in either field, each in at least `min_documents` of them.

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
