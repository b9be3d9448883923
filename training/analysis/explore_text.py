"""Traits of the listings' texts: lengths, languages, and the words that tell a category from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from tqdm import tqdm

from models.preprocessing.text.clean import ListingText

LENGTH_EDGES = (0, 1, 11, 21, 41, 81, 161, 321, 641, 1281, 2561)
"""Characters at which the bins of lengths begin; the last has no end."""

LANGUAGE_CHARACTERS = 500
SHORTEST_LETTERS = 20
"""The language of shorter texts is uncertain."""
LANGUAGES = "ar cs da de el en es fi fr hu it ja ko nl no pl pt ro ru sv tr uk zh"
"""Languages to choose from: among all that py3langid knows, many an English title passes for Latin."""
LEAST_CONFIDENCE = 0.3
"""py3langid's normalised probability below which a text counts as uncertain, such as lists of brands and sizes."""
UNCERTAIN = "uncertain"

TERMS = 15
WORD = r"(?u)\b(?=\w*[^\W\d_])\w\w+\b"
"""Two characters or more, one of them a letter."""
TERM_CHARACTERS = 1_000
MOST_TERMS = 50_000
LEAST_LISTINGS = 3
PRIOR_LISTINGS = 500.0
"""Weight of the prior in listings: the evidence that a rare term needs."""
COMMON_FROM, COMMON_SHARE = 6, 0.01
"""From so many categories on, a term in this share of the listings of most of them is a common word."""
STOP_WORD_LANGUAGES = ("fr", "en", "de")


@dataclass(frozen=True, slots=True)
class Term:
    """A word or pair of words that tells a category from the others.

    `score` is the z-score of its log-odds; `share` the share of the category's listings that have it, `elsewhere` that
    of all others'.
    """

    text: str
    score: float
    share: float
    elsewhere: float


def length_bins(lengths: Sequence[int]) -> list[tuple[str, int]]:
    """The bins' names and numbers of texts; `lengths` are in characters."""
    counts = np.histogram(lengths, [*LENGTH_EDGES, np.inf])[0]
    names = ["none"]
    names += [f"{low}–{high - 1}" for low, high in pairwise(LENGTH_EDGES[1:])]
    return list(zip([*names, f"over {LENGTH_EDGES[-1] - 1}"], counts.tolist(), strict=True))


def languages(texts: pd.Series) -> pd.Series:
    """ISO 639-1 codes of texts (`ListingText`), indexed alike, or `UNCERTAIN`; without texts of too few letters."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    joined = texts.map(_joined)
    joined = joined[joined.map(lambda text: sum(map(str.isalpha, text)) >= SHORTEST_LETTERS)]
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES.split())
    results = [identifier.classify(text) for text in tqdm(joined, "languages", unit="text")]
    codes = [language if confidence >= LEAST_CONFIDENCE else UNCERTAIN for language, confidence in results]
    return pd.Series(codes, index=joined.index, dtype=object)


def telling_terms(texts: Sequence[ListingText], categories: Sequence[str], terms: int = TERMS) -> dict[str, list[Term]]:
    """The words and pairs of words that tell each category from all others, most telling first.

    They are ordered by the z-score of the log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and
    Quinn 2008, "Fightin' words", eq. 22), on the number of listings with a term, however often a listing repeats it.
    Words of `stop_words` are left out where that package is installed, and words that most categories have: else "the"
    would tell a category with many English listings.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    codes, labels = np.unique(np.asarray(categories, str), return_inverse=True)
    vectorizer = CountVectorizer(
        ngram_range=(1, 2),
        binary=True,
        min_df=min(LEAST_LISTINGS, max(1, len(texts))),
        max_features=MOST_TERMS,
        token_pattern=WORD,
        stop_words=stop_words(),
        dtype=np.float32,
    )
    try:
        counts = vectorizer.fit_transform(
            f"{text.designation[:TERM_CHARACTERS]} \n {text.description[:TERM_CHARACTERS]}"
            for text in tqdm(texts, "terms", unit="listing")
        )
    except ValueError:  # no word is left
        return {code: [] for code in codes.tolist()}
    names = vectorizer.get_feature_names_out()
    common = _common_words(counts, labels)
    listings = np.bincount(labels).astype(np.float64)
    total = np.asarray(counts.sum(0), np.float64).ravel()
    result = {}
    for label, code in enumerate(codes.tolist()):
        here = np.asarray(counts[labels == label].sum(0), np.float64).ravel()
        scores = _log_odds(here, total - here, listings[label], listings.sum() - listings[label])
        scores[common] = 0
        result[code] = [
            Term(
                str(names[position]),
                float(scores[position]),
                float(here[position] / listings[label]),
                float((total - here)[position] / max(listings.sum() - listings[label], 1)),
            )
            for position in _best(scores, names, terms)
        ]
    return result


def stop_words() -> list[str] | None:
    """Stop words of `STOP_WORD_LANGUAGES` when the package is there, else None."""
    if find_spec("stop_words") is None:
        return None
    from stop_words import get_stop_words

    return sorted({word for language in STOP_WORD_LANGUAGES for word in get_stop_words(language)})


def main_languages(languages: pd.Series, categories: pd.Series) -> Mapping[str, tuple[str, float]]:
    """The most frequent language of each category, and its share of the listings whose language is clear."""
    result = {}
    clear = languages[languages.ne(UNCERTAIN)]
    for code, group in clear.groupby(categories.loc[clear.index].to_numpy()):
        counts = group.value_counts()
        result[str(code)] = (str(counts.index[0]), float(counts.iloc[0] / counts.sum()))
    return result


def _joined(text: ListingText) -> str:
    return f"{text.designation} {text.description}"[:LANGUAGE_CHARACTERS]


def _common_words(counts: sparse.csr_matrix, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each term is in so many listings of so many categories that it tells none of them: bool [V]."""
    categories = int(labels.max()) + 1
    if categories < COMMON_FROM:
        return np.zeros(counts.shape[1], bool)
    spread = np.zeros(counts.shape[1], np.int64)
    for label in range(categories):
        own = counts[labels == label]
        spread += np.asarray(own.sum(0)).ravel() >= max(COMMON_SHARE * own.shape[0], 1)
    common: NDArray[np.bool_] = spread > categories / 2
    return common


def _log_odds(
    here: NDArray[np.float64], elsewhere: NDArray[np.float64], listings: float, others: float
) -> NDArray[np.float64]:
    """z-scores of the log-odds of each term in this category against the others."""
    prior = PRIOR_LISTINGS * (here + elsewhere) / max(listings + others, 1.0)
    odds = np.log((here + prior) / (listings + PRIOR_LISTINGS - here - prior).clip(1e-9))
    odds_elsewhere = np.log((elsewhere + prior) / (others + PRIOR_LISTINGS - elsewhere - prior).clip(1e-9))
    scores: NDArray[np.float64] = (odds - odds_elsewhere) / np.sqrt(1 / (here + prior) + 1 / (elsewhere + prior))
    return scores


def _best(scores: NDArray[np.float64], names: NDArray[np.object_], terms: int) -> list[int]:
    """Positions of the highest positive scores, without terms that repeat the words of a better one."""
    chosen: list[int] = []
    words: set[str] = set()
    for position in np.argsort(-scores, kind="stable")[: 6 * terms]:
        if scores[position] <= 0 or len(chosen) == terms:
            break
        parts = set(str(names[position]).split())
        if parts <= words:
            continue
        words |= parts
        chosen.append(int(position))
    return chosen
