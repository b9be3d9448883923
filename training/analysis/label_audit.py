"""Listings that are probably filed under the wrong category, found by confident learning on out-of-fold probabilities.

Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset labels", by `cleanlab`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.predictor import Predictor
from models.taxonomy import Taxonomy
from training.analysis.out_of_fold import FOLDS, OutOfFold, out_of_fold
from training.analysis.photo_opinions import photo_opinions
from training.catalogue.dataset import Catalogue
from training.catalogue.near_duplicates import group_near_duplicates
from training.catalogue.read import read_catalogue, read_taxonomy
from training.config.run import RunConfig
from training.workspace import Workspace

FILTER = "prune_by_noise_rate"
"""cleanlab's choice: as many rows of each pair of categories as its estimate of the noise says."""
RANKING = "normalized_margin"
"""cleanlab's order: the score of the category filed under, less the best other score."""

CLEAR, CLEARLY_NOT = 0.75, 0.1
"""A row is also an issue when another category scores at least `CLEAR` and its own at most `CLEARLY_NOT`. cleanlab asks
for a score above the average of the rows filed there, which in a category of easy listings is next to 1."""


@dataclass(frozen=True, eq=False)
class Audit:
    """The result of an audit. `issues` is indexed as `Catalogue.rows`, most certain first, with the columns

    `category` and `suggested` (codes), `category_score` and `suggested_score` (0..1, out of fold),
    `near_duplicates_in` (codes of other categories that near-duplicates of the row are filed under, joined by "; "),
    and, where a version gave a second opinion from the photo, `photo_category`, `photo_category_score` (its best),
    `photo_score_of_category` and `photo_score_of_suggested` (NaN where there is no photo or no such category).
    """

    catalogue: Catalogue
    taxonomy: Taxonomy
    issues: pd.DataFrame
    predictions: OutOfFold
    version: str = ""


def audit(config: RunConfig, workspace: Workspace, *, folds: int = FOLDS, predictor: Predictor | None = None) -> Audit:
    """Audit the catalogue that the config names. Raises CatalogueError."""
    catalogue = read_catalogue(config.catalogue)
    taxonomy = read_taxonomy(config.catalogue, catalogue)
    workspace.say(f"[data] {len(catalogue)} rows read")
    groups = group_near_duplicates(
        catalogue,
        phash_distance=config.split.phash_distance if config.split.group_near_duplicates else None,
        cache=workspace.folder("photo-hashes"),
        progress=True,
    )
    predictions = out_of_fold(catalogue, groups, workspace, seed=config.seed, folds=folds)
    issues = find_issues(predictions)
    if predictor is not None:
        issues = issues.join(photo_opinions(predictor, catalogue, issues))
    return Audit(catalogue, taxonomy, issues, predictions, "" if predictor is None else predictor.version)


def find_issues(predictions: OutOfFold) -> pd.DataFrame:
    """The rows that are probably filed wrong, most certain first; the first five columns of `Audit.issues`."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    labels, probabilities = predictions.labels, predictions.probabilities
    # With more jobs it forks, which is no faster and leaves processes behind an interrupt.
    chosen = find_label_issues(labels, probabilities, filter_by=FILTER, n_jobs=1)
    own = probabilities[np.arange(len(labels)), labels]
    clear = (probabilities.max(1) >= CLEAR) & (own <= CLEARLY_NOT)
    margins = get_label_quality_scores(labels, probabilities, method=RANKING)
    wrong = (np.asarray(chosen, bool) | clear) & (probabilities.argmax(1) != labels)
    positions = np.flatnonzero(wrong)
    positions = positions[np.argsort(margins[positions], kind="stable")]
    best = probabilities[positions].argmax(1)
    codes = np.array(predictions.codes, object)
    return pd.DataFrame(
        {
            "category": codes[labels[positions]],
            "suggested": codes[best],
            "category_score": own[positions],
            "suggested_score": probabilities[positions, best],
            "near_duplicates_in": _other_categories(predictions, positions),
        },
        index=predictions.rows[positions],
    )


def _other_categories(predictions: OutOfFold, positions: NDArray[np.int64]) -> list[str]:
    """Other categories of each row's near-duplicates."""
    labels, groups = predictions.labels.tolist(), predictions.groups.tolist()
    of_group: dict[int, set[int]] = defaultdict(set)
    for group, label in zip(groups, labels, strict=True):
        of_group[group].add(label)
    return [
        "; ".join(predictions.codes[label] for label in sorted(of_group[groups[position]] - {labels[position]}))
        for position in positions
    ]
