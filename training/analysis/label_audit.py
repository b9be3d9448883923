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
"""How cleanlab chooses: as many rows of each pair of categories as its estimate of the noise says."""
RANKING = "normalized_margin"
"""How it orders them: the score of the category filed under, less the best other score."""

CLEAR, CLEARLY_NOT = 0.75, 0.1
"""A row also counts when another category scores at least `CLEAR` and its own at most `CLEARLY_NOT`. cleanlab asks that
the other score is above the average of the rows filed there, which in a category of easy listings is next to 1."""


@dataclass(frozen=True, eq=False)
class Audit:
    """What was found. `issues` is indexed as `Catalogue.rows`, most certain first, with the columns

    `category` and `suggested` (codes), `category_score` and `suggested_score` (0..1, out of fold),
    `near_duplicates_in` (codes of other categories that near-duplicates of the row are filed under, joined by "; "),
    and, where a version gave a second opinion from the photo, `photo_category`, `photo_category_score` (its best),
    `photo_score_of_category` and `photo_score_of_suggested` (NaN where there is no photo or no such category).
    """

    catalogue: Catalogue
    taxonomy: Taxonomy
    issues: pd.DataFrame
    judged: OutOfFold
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
    judged = out_of_fold(catalogue, groups, workspace, seed=config.seed, folds=folds)
    issues = find_issues(judged)
    if predictor is not None:
        issues = issues.join(photo_opinions(predictor, catalogue, issues))
    return Audit(catalogue, taxonomy, issues, judged, "" if predictor is None else predictor.version)


def find_issues(judged: OutOfFold) -> pd.DataFrame:
    """The rows that are probably filed wrong, most certain first; the first five columns of `Audit.issues`."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    # With more jobs it forks, which is no faster and leaves processes behind an interrupt.
    chosen = find_label_issues(judged.labels, judged.probabilities, filter_by=FILTER, n_jobs=1)
    own = judged.probabilities[np.arange(len(judged.labels)), judged.labels]
    clear = (judged.probabilities.max(1) >= CLEAR) & (own <= CLEARLY_NOT)
    margins = get_label_quality_scores(judged.labels, judged.probabilities, method=RANKING)
    wrong = (np.asarray(chosen, bool) | clear) & (judged.probabilities.argmax(1) != judged.labels)
    positions = np.flatnonzero(wrong)
    positions = positions[np.argsort(margins[positions], kind="stable")]
    best = judged.probabilities[positions].argmax(1)
    codes = np.array(judged.codes, object)
    given = judged.labels[positions]
    return pd.DataFrame(
        {
            "category": codes[given],
            "suggested": codes[best],
            "category_score": judged.probabilities[positions, given],
            "suggested_score": judged.probabilities[positions, best],
            "near_duplicates_in": _elsewhere(judged, positions),
        },
        index=judged.rows[positions],
    )


def _elsewhere(judged: OutOfFold, positions: NDArray[np.int64]) -> list[str]:
    """Other categories of each row's near-duplicates."""
    found: dict[int, set[int]] = defaultdict(set)
    for group, label in zip(judged.groups.tolist(), judged.labels.tolist(), strict=True):
        found[group].add(label)
    return [
        "; ".join(judged.codes[label] for label in sorted(found[int(judged.groups[p])] - {int(judged.labels[p])}))
        for p in positions
    ]
