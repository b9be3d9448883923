"""The check that the label sources, kinds of text and categories that a config names occur in its catalogue.

A misspelt one would silently choose nothing, or fail at the end of a long run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from training.config.run import RunConfig
from training.errors import CatalogueRefused

MOST_NAMED = 10
"""Existing values that a line names before it only counts."""
LABEL_SOURCE = "label_source"


def check_named_values(config: RunConfig, rows: pd.DataFrame) -> None:
    """Raises CatalogueRefused with one line for each value that none of the catalogue's rows has."""
    lines = [
        f"{field}: no row has the {column.replace('_', ' ')} {_shown(value)} (there {_existing(rows[column])})"
        for field, column, value in _named(config)
        if not rows[column].eq(value).any()
    ]
    if lines:
        raise CatalogueRefused(lines)


def _named(config: RunConfig) -> Iterator[tuple[str, str, str]]:
    """(Dotted field, column, value) of every value that the config names."""
    for number, rule in enumerate(config.split.holdout):
        yield from _chosen(f"split.holdout.{number}.where", rule.where)
    yield from _chosen("cross_fit.where", config.cross_fit.where)
    for number, cohort in enumerate(config.cohorts):
        yield from _chosen(f"cohorts.{number}.where", cohort.where)
    for source in config.decision.trusted:
        yield "decision.trusted", LABEL_SOURCE, source
    for source in config.decision.reliability:
        yield f"decision.reliability.{source}", LABEL_SOURCE, source


def _chosen(field: str, where: Mapping[Any, Sequence[str]]) -> Iterator[tuple[str, str, str]]:
    for column, values in where.items():
        for value in values:
            yield f"{field}.{column}", column, value


def _existing(column: pd.Series) -> str:
    """A column's values, most frequent first: "are true, vote"."""
    counts = Counter(column)
    values = [_shown(value) for value in sorted(counts, key=lambda value: (-counts[value], value))]
    more = f" and {len(values) - MOST_NAMED} more" if len(values) > MOST_NAMED else ""
    return f"{'is' if len(values) == 1 else 'are'} {', '.join(values[:MOST_NAMED])}{more}"


def _shown(value: str) -> str:
    """The value, or "" in quotes for rows without one."""
    return value or '""'
