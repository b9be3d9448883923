"""The data analysis of a catalogue: categories, texts, photos, duplicates, labels that look wrong.

The costly parts look at a seeded sample of a large catalogue, and the page says so. Photos are read one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.taxonomy import Taxonomy
from training.analysis.explore_duplicates import DuplicatePair, conflicts, sampled_pairs
from training.analysis.explore_photos import traits_of
from training.analysis.explore_text import Term, languages, telling_terms
from training.analysis.label_audit import Audit, find_issues
from training.analysis.out_of_fold import OutOfFold, out_of_fold
from training.catalogue.check import CheckReport, check_catalogue
from training.catalogue.dataset import Catalogue
from training.catalogue.near_duplicates import group_near_duplicates
from training.catalogue.read import read_catalogue, read_taxonomy
from training.config.run import RunConfig
from training.errors import CatalogueError
from training.fitting.text_features import cleaned
from training.workspace import Workspace

SAMPLE = 20_000
"""Rows or photos that each costly part takes, unless the command says otherwise."""
PAIRS = 16
CONFLICTS = 15


@dataclass(frozen=True, eq=False)
class Exploration:
    """The result of an analysis. Tables are indexed as `Catalogue.rows`; those of samples hold fewer rows.

    `lengths`: characters of the readable `title` and `description`. `languages`: codes. `terms`: by category. `photos`:
    columns as `PhotoTraits`. `sampled`: for each sampled part, how many rows of how many. `audit` is None where labels
    could not be judged, and `no_audit` says why.
    """

    catalogue: Catalogue
    taxonomy: Taxonomy
    check: CheckReport
    lengths: pd.DataFrame
    languages: pd.Series
    terms: Mapping[str, list[Term]]
    photos: pd.DataFrame
    pairs: list[DuplicatePair]
    conflicts: list[tuple[str, str, int]]
    sampled: Mapping[str, tuple[int, int]]
    audit: Audit | None
    no_audit: str
    seed: int
    context: Mapping[str, Any]


def explore(
    config: RunConfig, workspace: Workspace, *, sample: int = SAMPLE, context: Mapping[str, Any] | None = None
) -> Exploration:
    """Analyse the catalogue that the config names. `sample` 0 takes every row. Raises CatalogueError."""
    catalogue = read_catalogue(config.catalogue)
    if not len(catalogue):
        raise CatalogueError(f"{catalogue.name}: no rows")
    taxonomy = read_taxonomy(config.catalogue, catalogue)
    workspace.say(f"[data] {len(catalogue)} rows read")
    rows = catalogue.rows
    most = sample or len(rows)
    chosen = _sample(rows.index, most, config.seed)
    photos = rows.loc[rows["image"].ne(""), "image"]
    measured = photos.loc[_sample(photos.index, most, config.seed)]
    hashed = replace(catalogue, rows=rows.assign(image=rows["image"].where(rows.index.isin(measured.index), "")))
    groups = group_near_duplicates(
        hashed, phash_distance=config.split.phash_distance, cache=workspace.folder("photo-hashes"), progress=True
    )
    check = check_catalogue(catalogue, taxonomy, groups=groups, progress=True)
    texts = pd.Series(cleaned(rows.loc[chosen]), index=chosen, dtype=object)
    predictions, no_audit = _predictions(catalogue, groups, chosen, config.seed, workspace)
    return Exploration(
        catalogue=catalogue,
        taxonomy=taxonomy,
        check=check,
        lengths=_lengths(texts),
        languages=languages(texts),
        terms=_terms(texts, rows, groups),
        photos=traits_of(measured),
        pairs=sampled_pairs(rows, groups, PAIRS, config.seed),
        conflicts=conflicts(rows, groups, CONFLICTS),
        sampled=_sampled(len(rows), len(chosen), len(photos), len(measured)),
        audit=None if predictions is None else Audit(catalogue, taxonomy, find_issues(predictions), predictions),
        no_audit=no_audit,
        seed=config.seed,
        context=context or {},
    )


def _sample(index: pd.Index, most: int, seed: int) -> pd.Index:
    """At most so many labels of the index, in its order."""
    if len(index) <= most:
        return index
    return index[np.sort(np.random.default_rng(seed).choice(len(index), most, replace=False))]


def _sampled(rows: int, texts: int, photos: int, measured: int) -> dict[str, tuple[int, int]]:
    """The parts that did not take every row."""
    parts = {
        "lengths, languages, telling words and labels": (texts, rows),
        "sizes, margins and near-duplicates of photos": (measured, photos),
    }
    return {part: (taken, of) for part, (taken, of) in parts.items() if taken < of}


def _lengths(texts: pd.Series) -> pd.DataFrame:
    lengths = [(len(text.designation), len(text.description)) for text in texts]
    return pd.DataFrame(lengths, texts.index, ["title", "description"])


def _terms(texts: pd.Series, rows: pd.DataFrame, groups: NDArray[np.int64]) -> dict[str, list[Term]]:
    """Telling terms by category, from one listing of each near-duplicate group: sellers repeat stock phrases."""
    group = pd.Series(groups, index=rows.index).loc[texts.index]
    once = texts[~group.duplicated()]
    return telling_terms(once.tolist(), rows.loc[once.index, "category"].tolist())


def _predictions(
    catalogue: Catalogue, groups: NDArray[np.int64], chosen: pd.Index, seed: int, workspace: Workspace
) -> tuple[OutOfFold | None, str]:
    """The out-of-fold predictions for the chosen rows, or the reason why there are none."""
    inside = catalogue.rows.index.isin(chosen)
    try:
        return out_of_fold(replace(catalogue, rows=catalogue.rows[inside]), groups[inside], workspace, seed=seed), ""
    except CatalogueError as error:
        return None, str(error)
