"""The categories that are trained on: rows without one, and categories of too few rows, must not stop a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from training.catalogue.check import readable_text
from training.catalogue.dataset import Catalogue, named_rows
from training.config.run import CatalogueConfig
from training.errors import CatalogueRefused

OTHER = "other"
"""The category of rare categories' rows, with `rare = "other"`."""
NO_CATEGORY = "no category"
MOST_NAMED = 10
"""Categories that a line names before it only counts."""


def settle_categories(
    catalogue: Catalogue, config: CatalogueConfig, least: int | None = None, expected: Iterable[str] = ()
) -> Catalogue:
    """The catalogue without rows that have no category, and without those of rare categories, or as `rare` says.

    A category is rare when fewer than `least` (default `min_listings`) of its rows have text or a photo that is there,
    or when none of them may be learned from; so are `expected` ones that do not occur. Raises CatalogueRefused, also
    when fewer than two categories are left.
    """
    least = config.min_listings if least is None else least
    labelled = catalogue.rows["category"].ne("")
    if not labelled.all():
        rows = catalogue.rows.index[~labelled]
        count = f"{len(rows):,} row{'s' if len(rows) > 1 else ''}"
        note = f"{count} without a category left out ({named_rows(rows)})"
        catalogue = catalogue.noting(note).only(labelled, NO_CATEGORY)
    counts, rare = _counts(catalogue.rows, least, expected)
    if rare and config.rare == OTHER:
        merged = catalogue.rows["category"].where(~catalogue.rows["category"].isin(rare), OTHER)
        joined = replace(catalogue, rows=catalogue.rows.assign(category=merged))
        if OTHER not in _counts(joined.rows, least)[1]:
            note = f"categories of fewer than {least} listings are filed under {OTHER}: {_listed(rare, counts)}"
            return joined.noting(note)
    few = f"fewer than {least} listings" if least > 1 else "no listing to learn from"
    if rare and config.rare == "refuse":
        raise CatalogueRefused(
            [
                f"{catalogue.name}: categories of {few}: {_listed(rare, counts)}: add listings, lower "
                'catalogue.min_listings, or set catalogue.rare to "leave_out" or "other"'
            ]
        )
    kept = [code for code in counts if code not in rare]
    if len(kept) < 2:
        there = _listed(list(counts), counts) or "no row has a category"
        raise CatalogueRefused(
            [f"{catalogue.name}: at least two categories of {least} or more listings are needed ({there})"]
        )
    if not rare:
        return catalogue
    catalogue = catalogue.noting(f"categories of {few} are left out: {_listed(rare, counts)}")
    return catalogue.only(~catalogue.rows["category"].isin(rare), f"category of {few}")


def _counts(rows: pd.DataFrame, least: int, expected: Iterable[str] = ()) -> tuple[dict[str, int], list[str]]:
    """The usable rows of each category, and the categories that are rare."""
    usable = readable_text(rows) | rows["image"].map(lambda path: bool(path) and Path(path).is_file()).astype(bool)
    learnable = usable & rows["weight"].gt(0) & rows["split"].isin(["", "train"])
    counts, learned = (rows["category"][chosen].value_counts() for chosen in (usable, learnable))
    codes = {code: int(counts.get(code, 0)) for code in sorted({*rows["category"], *expected})}
    return codes, [code for code, count in codes.items() if count < least or code not in learned]


def _listed(codes: list[str], counts: dict[str, int]) -> str:
    named = [f"{code} ({counts[code]})" for code in codes[:MOST_NAMED]]
    return ", ".join([*named, *([f"and {len(codes) - MOST_NAMED} more"] if len(codes) > MOST_NAMED else [])])
