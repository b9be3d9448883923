"""Out-of-fold probabilities: a text model's, fitted on neither the listings that it predicts nor their near-duplicates.

The model is linear, on TF-IDF of words and of characters within words, one classifier a category (logistic loss,
stochastic gradient): docs/decisions/0030-out-of-fold-audit.md has its settings.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from tqdm import tqdm

from models.arrays import Floats, Integers
from training.calibration.temperature import calibrated, fit_temperature
from training.catalogue.dataset import Catalogue
from training.errors import CatalogueError
from training.fitting.text_features import cleaned
from training.workspace import Workspace

FOLDS = 5
TITLE_CHARACTERS, DESCRIPTION_CHARACTERS = 1000, 1000
"""Characters of each field that words are taken from: later text adds little, and costs time and memory."""
GRAM_CHARACTERS = 200
"""Characters of the title that character n-grams are taken from."""
BUCKETS = 2**18
PENALTY = 0.1
"""Weight of the L2 penalty over all rows, whatever their number: a C of 10."""
EPOCHS, FITTED_ROWS = (5, 50), 250_000
"""Passes over the rows, at least and at most, and the rows that they are to add up to."""
CALIBRATION_ROWS = 20_000
"""The temperature is fitted on at most so many rows."""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions for the rows of a catalogue that could be judged: `rows` [N] are labels of `Catalogue.rows`.

    `labels` [N] are positions in `codes`, every one of which occurs; `probabilities` [N, C] sum to 1; `groups` [N] are
    near-duplicate groups. `left_out` counts the other rows by reason.
    """

    rows: Integers
    codes: tuple[str, ...]
    labels: Integers
    probabilities: Floats
    groups: Integers
    left_out: dict[str, int]
    folds: int

    @property
    def agreement(self) -> float:
        """The share of rows whose most probable category is the one that they are filed under."""
        return float((self.probabilities.argmax(1) == self.labels).mean())


def out_of_fold(
    catalogue: Catalogue, groups: Integers, workspace: Workspace, *, seed: int, folds: int = FOLDS
) -> OutOfFold:
    """Fit on all folds but one and predict that one, for each fold. `groups` int64 [N] are near-duplicate groups.

    Finished folds are kept in the workspace. Raises CatalogueError when there is nothing to learn from.
    """
    rows = catalogue.rows
    text = rows["designation"].str.strip().ne("") | rows["description"].str.strip().ne("")
    left_out = {"no text": int((~text).sum()), "no category": int((text & rows["category"].eq("")).sum())}
    usable = (text & rows["category"].ne("")).to_numpy()
    rows, groups = rows[usable], groups[usable]
    codes, labels = np.unique(rows["category"].to_numpy(str), return_inverse=True)
    labels = labels.astype(np.int64)
    if len(codes) < 2:
        raise CatalogueError(f"{catalogue.name}: at least two categories with text are needed, {len(codes)} found")
    if len(np.unique(groups)) < folds:
        raise CatalogueError(f"{catalogue.name}: at least {folds} different listings with text are needed")
    parts = deal_folds(labels, groups, folds, seed)
    inputs = {
        "rows": _digest(rows, parts),
        "model": [TITLE_CHARACTERS, DESCRIPTION_CHARACTERS, GRAM_CHARACTERS, BUCKETS, PENALTY, *EPOCHS, FITTED_ROWS],
        "seed": seed,
    }
    stage = workspace.stage("audit-folds", inputs, lambda folder: _fit_folds(rows, labels, parts, len(codes), folder))
    scores = np.empty((len(rows), len(codes)), np.float32)
    for part in range(folds):
        scores[parts == part] = np.load(_fold_file(stage.folder, part), allow_pickle=False)
    learnable = _learnable(labels, parts, folds, len(codes))
    left_out["category of too few different listings to judge"] = int((~learnable).sum())
    kept, labels = np.unique(labels[learnable], return_inverse=True)
    if len(kept) < 2:
        raise CatalogueError(f"{catalogue.name}: at least two categories with several different listings are needed")
    return OutOfFold(
        rows=rows.index.to_numpy(np.int64)[learnable],
        codes=tuple(str(code) for code in codes[kept]),
        labels=labels.astype(np.int64),
        probabilities=_probabilities(scores[learnable][:, kept], labels.astype(np.int64), seed),
        groups=groups[learnable],
        left_out={reason: count for reason, count in left_out.items() if count},
        folds=folds,
    )


def deal_folds(labels: Integers, groups: Integers, folds: int, seed: int) -> Integers:
    """The fold of each row, int64 [N]: groups stay whole and categories are spread evenly.

    Groups are dealt like cards, those of one category (of the group's first row) after another, large ones first:
    scikit-learn's StratifiedGroupKFold weighs every group against every fold, which is slow for many groups.
    """
    unique, first, members = np.unique(groups, return_index=True, return_inverse=True)
    sizes = np.bincount(members)
    order = np.lexsort((np.random.default_rng(seed).permutation(len(unique)), -sizes, labels[first]))
    fold_of_group = np.empty(len(unique), np.int64)
    fold_of_group[order] = np.arange(len(unique)) % folds
    return fold_of_group[members]


def _learnable(labels: Integers, parts: Integers, folds: int, classes: int) -> NDArray[np.bool_]:
    """Whether a row's category occurs outside of the row's fold; without it the model would call the row wrong."""
    counts = np.zeros((folds, classes), np.int64)
    np.add.at(counts, (parts, labels), 1)
    learned: NDArray[np.bool_] = (counts.sum(0) - counts)[parts, labels] > 0
    return learned


def _probabilities(scores: Floats, labels: Integers, seed: int) -> Floats:
    """Scores as probabilities: softmax at the one temperature that fits the labels best."""
    chosen = np.random.default_rng(seed).permutation(len(labels))[:CALIBRATION_ROWS]
    result: Floats = np.exp(calibrated(scores, fit_temperature(scores[chosen], labels[chosen])))
    result /= result.sum(1, keepdims=True)
    return result


def _fit_folds(rows: pd.DataFrame, labels: Integers, parts: Integers, classes: int, folder: Path) -> None:
    """Write the scores of each fold, float32 [rows of the fold, C]; finished folds are kept."""
    folds = int(parts.max()) + 1
    todo = [part for part in range(folds) if not _fold_file(folder, part).exists()]
    if not todo:
        return
    features = _features(rows)
    weights = rows["weight"].to_numpy(np.float64)
    with tqdm(total=folds * classes, initial=(folds - len(todo)) * classes, desc="out of fold", unit="fit") as bar:
        for part in todo:
            inside = parts != part
            held_out = features[~inside]
            scores = np.empty((held_out.shape[0], classes), np.float32)
            for label, coefficients in _fits(features[inside], labels[inside], weights[inside], classes):
                scores[:, label] = held_out @ coefficients[:-1] + coefficients[-1]
                bar.update()
            unfinished = folder / f".fold-{part}.npy"
            np.save(unfinished, scores, allow_pickle=False)
            unfinished.replace(_fold_file(folder, part))


def _fits(
    train: sparse.csr_matrix, labels: Integers, weights: NDArray[np.float64], classes: int
) -> Iterator[tuple[int, Floats]]:
    """The weights of each category as soon as they are fitted; at most one fit a core is under way or unread."""
    at_once = os.cpu_count() or 1
    with ThreadPoolExecutor(at_once) as pool:
        for start in range(0, classes, at_once):
            block = range(start, min(start + at_once, classes))
            fits = [pool.submit(_fit_category, train, labels == label, weights) for label in block]
            yield from zip(block, (fit.result() for fit in fits), strict=True)


def _fit_category(train: sparse.csr_matrix, positive: NDArray[np.bool_], weights: NDArray[np.float64]) -> Floats:
    """The weights of one category against all others, the last its bias: float32 [V + 1]."""
    from sklearn.linear_model import SGDClassifier

    if not positive.any() or positive.all():
        constant = np.zeros(train.shape[1] + 1, np.float32)
        constant[-1] = 10.0 if positive.any() else -10.0
        return constant
    rows = train.shape[0]
    epochs = min(max(FITTED_ROWS // rows, EPOCHS[0]), EPOCHS[1])
    model = SGDClassifier("log_loss", alpha=PENALTY / rows, max_iter=epochs, tol=None, random_state=0)
    model.fit(train, positive, sample_weight=weights)
    return np.append(model.coef_[0], model.intercept_[0]).astype(np.float32)


def _features(rows: pd.DataFrame) -> sparse.csr_matrix:
    """TF-IDF of words and word pairs of all text and of characters of the title: float32 [N, V], rows of 1.

    Document frequencies are those of all rows: they know no categories.
    """
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    counts = {"n_features": BUCKETS, "alternate_sign": False, "norm": None, "dtype": np.float32}
    words = HashingVectorizer(ngram_range=(1, 2), **counts)
    characters = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **counts)
    texts = cleaned(rows)
    blocks = (
        words.transform(
            f"{text.designation[:TITLE_CHARACTERS]} {text.description[:DESCRIPTION_CHARACTERS]}"
            for text in tqdm(texts, "words", unit="row")
        ),
        characters.transform(text.designation[:GRAM_CHARACTERS] for text in tqdm(texts, "characters", unit="row")),
    )
    used = [block[:, np.unique(block.indices)] for block in blocks]  # few of all buckets in a small catalogue
    weighed = [TfidfTransformer(sublinear_tf=True).fit_transform(block) for block in used]
    return sparse.csr_matrix(sparse.hstack(weighed, format="csr", dtype=np.float32) * np.float32(0.5**0.5))


def _fold_file(folder: Path, part: int) -> Path:
    return folder / f"fold-{part}.npy"


def _digest(rows: pd.DataFrame, parts: Integers) -> str:
    digest = hashlib.sha256(parts.tobytes())
    for values in rows[["designation", "description", "category", "weight"]].itertuples(index=False):
        digest.update(repr(tuple(values)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
