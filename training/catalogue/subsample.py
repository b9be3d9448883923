"""The training rows that are learned from, and how much each counts: the one place that decides it.

Rows of weight 0 take part in the split where they may evaluate. Once it is made, training rows of weight 0 go, and of
the others a share may be kept, which shows how much more data would gain.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.catalogue.dataset import Catalogue
from training.catalogue.split import HELD_OUT, TRAIN, content_keys
from training.config.run import CatalogueConfig, SplitConfig

WEIGHTLESS = "label source of weight 0"
BEYOND_SHARE = "beyond split.train_share"


def training_weights(rows: pd.DataFrame, config: CatalogueConfig) -> pd.Series:
    """Each row's weight in training, by its label source, label share and kind of text: float, not negative."""
    weights = rows["label_source"].map(config.weights).fillna(1.0).astype(float) * _share_weights(rows, config)
    if config.kind_weights:
        weights *= rows["text_kind"].map(config.kind_weights).fillna(1.0).astype(float)
    return weights


def may_evaluate(rows: pd.DataFrame, split: SplitConfig) -> pd.Series:
    """Which rows take part in the split though nothing may be learned from them: bool.

    Those that the catalogue holds out; with holdout rules all, so that the same rows evaluate whatever is learned from.
    """
    return rows["split"].isin(HELD_OUT) | bool(split.holdout)


def learnable(catalogue: Catalogue, split: SplitConfig | None = None) -> Catalogue:
    """The rows that may be learned from, and with `split` those that may evaluate."""
    usable = catalogue.rows["weight"].gt(0)
    if split is not None:
        usable |= may_evaluate(catalogue.rows, split)
    return catalogue.only(usable, WEIGHTLESS)


def subsample(catalogue: Catalogue, config: CatalogueConfig, share: float, *, seed: int) -> Catalogue:
    """The catalogue without the training rows that are not learned from.

    `catalogue.rows` have "split" and "group". Training rows of weight 0 go, and held-out ones are given the weight of
    their label share. Of the rest of each category, groups of near-duplicates stay until `share` (0..1] is reached;
    smaller shares are parts of larger ones.
    """
    rows = catalogue.rows
    weightless = rows["weight"].eq(0)
    if weightless.any():
        rows = rows.assign(weight=rows["weight"].where(~weightless, _share_weights(rows, config)))
    catalogue = replace(catalogue, rows=rows).only(~(rows["split"].eq(TRAIN) & weightless), WEIGHTLESS)
    train = catalogue.rows["split"].eq(TRAIN)
    if share < 1:
        kept = ~train
        kept[train] = _first(catalogue.rows[train], share, seed)
        catalogue = catalogue.only(kept, BEYOND_SHARE)
    return catalogue


def _share_weights(rows: pd.DataFrame, config: CatalogueConfig) -> pd.Series:
    """Each row's weight by its label share alone: 1 where the config does not weigh its label source by it."""
    by_share = rows["label_source"].isin(config.weigh_by_share) & rows["label_share"].notna()
    return rows["label_share"].where(by_share, 1.0) ** config.share_exponent


def _first(rows: pd.DataFrame, share: float, seed: int) -> NDArray[np.bool_]:
    """Bool [N]: whole groups, in a seeded order, until the share of their category is reached.

    A group counts for the category of its first row; its place in the order depends on its rows' content alone.
    """
    keys = pd.Series(content_keys(rows, seed), index=rows.index)
    table = pd.DataFrame({"group": rows["group"], "category": rows["category"], "key": keys}).sort_values("key")
    groups = table.groupby("group", sort=False).agg(category=("category", "first"), size=("key", "size"))
    before = groups.groupby("category")["size"].cumsum() - groups["size"]
    wanted = share * groups["category"].map(groups.groupby("category")["size"].sum())
    return np.asarray(rows["group"].isin(groups.index[before < wanted]), bool)
