"""The split of a catalogue: the rows that fit, that stop the fit, that calibrate and that evaluate.

Rows that the catalogue gives as `test`, `validation` or `calibration` stay there. From the others the missing parts are
taken: by the config's holdout rules if it has any, else by its fractions. Groups of near-duplicates go as a
whole, categories keep their shares, and the same rows are chosen whatever order they come in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.arrays import Integers
from training.catalogue.dataset import Catalogue
from training.config.run import SplitConfig, matching
from training.errors import SplitError

TRAIN = "train"
HELD_OUT = ("test", "calibration", "validation")
"""The other parts; where the catalogue gives one group to several, the first of these wins."""
EXCLUDED = "excluded"
"""The part of rows that go nowhere: near-duplicates of held-out rows that may not be held out themselves."""


def split_catalogue(catalogue: Catalogue, config: SplitConfig, groups: Integers, *, seed: int = 7) -> pd.Series:
    """The part of each row: a Series "split" with the index of `catalogue.rows`, of train, `HELD_OUT` or `EXCLUDED`.

    `groups` is the near-duplicate group of each row, int64 [N] in the rows' order. Raises SplitError when a holdout
    rule matches nothing or a part that is asked for stays empty.
    """
    rows = catalogue.rows
    if not config.group_near_duplicates:
        groups = np.arange(len(rows), dtype=np.int64)
    given = rows["split"].to_numpy(object)
    parts = np.where(given == "", TRAIN, given).astype(object)
    open_rows = _settle_given(parts, groups)
    rules, fractions = _rules(rows, config, given)
    rules[~open_rows] = -1
    categories = np.unique(rows["category"].to_numpy(object), return_inverse=True)[1].astype(np.int64)
    keys = np.array(content_keys(rows, seed))
    governing = _governing_rule(rules, groups)
    for rule, shares in enumerate(fractions):
        # A near-duplicate group goes by the first rule that one of its rows matches, and only those rows are counted.
        members = np.flatnonzero((rules == rule) & (governing == rule))
        chosen = _share_out(groups[members], categories[members], keys[members], shares)
        relatives = np.flatnonzero(open_rows & (governing == rule))
        wanted = np.array([chosen[group] for group in groups[relatives]], object)
        allowed = _allowed(wanted, rules[relatives], fractions)
        parts[relatives] = np.where(allowed, wanted, EXCLUDED)
    for part in HELD_OUT:
        if any(part in shares for shares in fractions) and not (parts == part).any():
            raise SplitError(f"split.{part}: too few rows, none is left for it")
    return pd.Series(parts, index=rows.index, name="split")


def split_fingerprint(split: pd.Series) -> str:
    """SHA-256 of every row's part."""
    text = "\n".join(f"{row} {part}" for row, part in split.sort_index().items())
    return hashlib.sha256(text.encode()).hexdigest()


def _settle_given(parts: NDArray[np.object_], groups: Integers) -> NDArray[np.bool_]:
    """Exclude what is near to rows of a given part. Returns the rows that may still be moved, all of them `train`."""
    open_rows = np.ones(len(parts), bool)
    for part in HELD_OUT:
        near = np.isin(groups, groups[(parts == part) & open_rows]) & open_rows
        parts[near & (parts != part)] = EXCLUDED
        open_rows &= ~near
    return open_rows


def _rules(
    rows: pd.DataFrame, config: SplitConfig, given: NDArray[np.object_]
) -> tuple[Integers, list[Mapping[str, float]]]:
    """The rule of each row (-1: stays in train), and what each rule shares out: fractions by part, 1 in all."""
    if not config.holdout:
        wanted = {part: getattr(config, part) for part in HELD_OUT if part not in given}
        whole = config.train + sum(wanted.values())
        shares = {TRAIN: config.train / whole, **{part: share / whole for part, share in wanted.items() if share}}
        return np.zeros(len(rows), np.int64), [shares]
    rules = np.full(len(rows), -1, np.int64)
    fractions: list[Mapping[str, float]] = []
    for number, rule in enumerate(config.holdout):
        matches = matching(rows, rule.where, rule.min_share).to_numpy() & (rules == -1)
        if not matches.any():
            raise SplitError(f"split.holdout.{number}: no row matches")
        rules[matches] = number
        shares = {part: getattr(rule, part) for part in HELD_OUT if getattr(rule, part)}
        fractions.append({TRAIN: 1 - sum(shares.values()), **shares})
    return rules, fractions


def _governing_rule(rules: Integers, groups: Integers) -> Integers:
    """The first rule that any row of the row's group matches, -1 for none."""
    none = np.iinfo(np.int64).max
    first = np.full(int(groups.max(initial=-1)) + 1, none)
    np.minimum.at(first, groups, np.where(rules < 0, none, rules))
    return np.where(first[groups] == none, -1, first[groups])


def _share_out(
    groups: Integers, categories: Integers, keys: NDArray[np.str_], shares: Mapping[str, float]
) -> dict[int, str]:
    """The part of each group, so that every category and the whole are shared out as `shares` says.

    Greedy: groups come largest first, equals in the order of their keys, and each goes where it lowers chi-squared, the
    sum of (rows - wanted)^2 / wanted over categories and the whole, the most. Single rows, which come last, even out
    what the large groups left: each category ends within about one row of what was wanted.
    """
    if not len(groups):
        return {}
    names = list(shares)
    fraction = np.array([shares[name] for name in names])
    wanted = fraction[:, None] * np.bincount(categories)
    wanted_in_all = fraction * len(groups)
    filled, filled_in_all = np.zeros_like(wanted), np.zeros_like(wanted_in_all)
    order = np.lexsort((keys, groups))
    units = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    result: dict[int, str] = {}
    for unit in sorted(units, key=lambda unit: (-len(unit), str(keys[unit[0]]))):
        present, counts = np.unique(categories[unit], return_counts=True)
        missing = filled[:, present] - wanted[:, present]
        cost = ((2 * missing + counts) * counts / wanted[:, present]).sum(axis=1)
        cost += (2 * (filled_in_all - wanted_in_all) + len(unit)) * len(unit) / wanted_in_all
        best = int(cost.argmin())
        filled[best, present] += counts
        filled_in_all[best] += len(unit)
        result[int(groups[unit[0]])] = names[best]
    return result


def _allowed(
    parts: NDArray[np.object_], rules: Integers, fractions: Sequence[Mapping[str, float]]
) -> NDArray[np.bool_]:
    """Whether each row may go where its group went: to train always, else if the row's own rule gives to that part."""
    allowed: NDArray[np.bool_] = np.equal(parts, TRAIN).astype(bool)
    for rule, shares in enumerate(fractions):
        allowed |= (rules == rule) & np.isin(parts, list(shares))
    return allowed


def content_keys(rows: pd.DataFrame, seed: int) -> list[str]:
    """A seeded random number of each row that depends on its content, not on its position."""
    photos = [PurePath(image).name for image in rows["image"]]
    columns = [rows[column].tolist() for column in ("listing_id", "designation", "description", "category")]
    texts = ("\x1f".join((str(seed), *values)) for values in zip(*columns, photos, strict=True))
    return [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() for text in texts]
