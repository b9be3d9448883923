"""Which training rows are learned from, where that is less than all of them: what shows how much more data would give.

The split stays what it is without: the same rows judge, whatever share of the others, or kinds of label, is learned.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.config import CatalogueConfig, SplitConfig
from training.dataset import WEIGHTLESS, Catalogue, training_weights
from training.errors import SplitError
from training.split import HELD_OUT, TRAIN, content_keys

BEYOND_SHARE = "beyond split.train_share"


def may_judge(rows: pd.DataFrame, split: SplitConfig) -> pd.Series:
    """Which rows take part in the split though nothing may be learned from them: bool.

    Those that the catalogue holds out; with holdout rules all, so that the same rows judge whatever is learned from.
    """
    return rows["split"].isin(HELD_OUT) | bool(split.holdout)


def lessons(catalogue: Catalogue, config: CatalogueConfig, share: float, *, seed: int) -> Catalogue:
    """The catalogue with the training rows that are learned from, and all others.

    `catalogue.rows` have "split" and "group". Training rows of weight 0 go, and held-out ones are given the weight that
    they would have had. Of the rest of each category, groups of near-duplicates stay until `share` (0..1] is reached;
    smaller shares are parts of larger ones. Raises SplitError when a category is left without training rows.
    """
    rows = catalogue.rows
    train, weightless = rows["split"].eq(TRAIN), rows["weight"].eq(0)
    if weightless.any():
        judging = training_weights(rows, config.model_copy(update={"weights": {}, "kind_weights": {}}))
        rows = rows.assign(weight=rows["weight"].where(~weightless | train, judging))
    codes = set(rows["category"])
    found = Catalogue(catalogue.name, rows, catalogue.left_out).only(~(train & weightless), WEIGHTLESS)
    if share < 1:
        train = found.rows["split"].eq(TRAIN)
        taught = ~train
        taught[train] = _first(found.rows[train], share, seed)
        found = found.only(taught, BEYOND_SHARE)
    learned = set(found.rows["category"][found.rows["split"].eq(TRAIN)])
    if without := sorted(codes - learned):
        raise SplitError(f"split: category {without[0]} has no row to learn from ({len(without)} such categories)")
    return found


def _first(rows: pd.DataFrame, share: float, seed: int) -> NDArray[np.bool_]:
    """Bool [N]: whole groups, in an order of their own, until the share of their category is reached.

    A group counts for the category of its first row, and its order hangs on what its rows say, not on where they stand.
    """
    keys = pd.Series(content_keys(rows, seed), index=rows.index)
    table = pd.DataFrame({"group": rows["group"], "category": rows["category"], "key": keys}).sort_values("key")
    groups = table.groupby("group", sort=False).agg(category=("category", "first"), size=("key", "size"))
    before = groups.groupby("category")["size"].cumsum() - groups["size"]
    wanted = share * groups["category"].map(groups.groupby("category")["size"].sum())
    return np.asarray(rows["group"].isin(groups.index[before < wanted]), bool)
