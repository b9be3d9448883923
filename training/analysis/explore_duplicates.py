"""Near-duplicates for people: pairs of listings that offer one product twice, and the link between them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.catalogue.near_duplicates import normalised_title


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two rows of one group (labels of `Catalogue.rows`), their link, and the number of rows in their group."""

    first: int
    second: int
    link: str
    group_size: int


def sampled_pairs(rows: pd.DataFrame, groups: NDArray[np.int64], pairs: int, seed: int) -> list[DuplicatePair]:
    """Seeded pairs of near-duplicates, half of them filed under different categories if so many exist."""
    members = pd.Series(rows.index.to_numpy()).groupby(groups).agg(list)
    members = members[members.map(len) > 1]
    if members.empty:
        return []
    shuffled = members.sample(frac=1, random_state=seed)
    category = rows["category"]
    differing: list[DuplicatePair] = []
    alike: list[DuplicatePair] = []
    for group in shuffled:
        other = next((row for row in group[1:] if category[row] != category[group[0]]), None)
        chosen = (group[0], group[1] if other is None else other)
        pair = DuplicatePair(*chosen, _link(rows.loc[chosen[0]], rows.loc[chosen[1]]), len(group))
        (alike if other is None else differing).append(pair)
    half = min(len(differing), max(pairs - pairs // 2, pairs - len(alike)))
    return [*differing[:half], *_mixed(alike, pairs - half)]


def conflicts(rows: pd.DataFrame, groups: NDArray[np.int64], most: int) -> list[tuple[str, str, int]]:
    """Pairs of categories that share groups of near-duplicates, and how many groups; most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    spread = rows["category"].groupby(groups).unique()
    for codes in spread[spread.map(len) > 1]:
        counts.update(combinations(sorted(codes), 2))
    return [(first, second, count) for (first, second), count in counts.most_common(most)]


def _mixed(pairs: list[DuplicatePair], count: int) -> list[DuplicatePair]:
    """About as many pairs of every kind of link, so that rare links are shown too."""
    by_link: dict[str, list[DuplicatePair]] = {}
    for pair in pairs:
        by_link.setdefault(pair.link, []).append(pair)
    queues = list(by_link.values())
    turns = [pair for turn in range(count) for queue in queues for pair in queue[turn : turn + 1]]
    return turns[:count]


def _link(first: pd.Series, second: pd.Series) -> str:
    if first["listing_id"] and first["listing_id"] == second["listing_id"]:
        return "same listing id"
    titles = [normalised_title(row["designation"]) for row in (first, second)]
    if titles[0] and titles[0] == titles[1]:
        return "same title"
    if all(titles) and (titles[0].startswith(titles[1]) or titles[1].startswith(titles[0])):
        return "one text begins with the other"
    return "same photo" if first["image"] and second["image"] else "through others of the group"
