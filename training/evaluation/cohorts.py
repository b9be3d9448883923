"""The sets of test listings that a version is judged on, each by itself."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from models.listing import Evidence
from training.config.run import RunConfig
from training.errors import SplitError
from training.evaluation.predictions import Cohorts, Predictions


def cohort_rows(config: RunConfig, table: pd.DataFrame) -> dict[str, set[int]]:
    """Labels of the rows of each cohort that the config has; without cohorts, of each label source."""
    if not config.cohorts:
        sources = sorted(set(table["label_source"]))
        return {source or "test": set(table.index[table["label_source"] == source]) for source in sources}
    return {rule.name: set(table.index[rule.matches(table)]) for rule in config.cohorts}


def check_cohorts(config: RunConfig, rows: pd.DataFrame) -> list[str]:
    """Sentences about the cohorts that nothing can be evaluated of; `rows` have "split" and "given_split".

    Those are left out of the evaluation. Raises SplitError when no other is left.
    """
    test = rows[rows["split"].eq("test")]
    text, photo = (getattr(config, key).network != "none" for key in ("text", "image"))
    answerable = (has_text(test) & text) | (test["image"].ne("") & photo)
    members = cohort_rows(config, test[answerable])
    if not any(members.values()):
        field = "cohorts" if config.cohorts else "split.test"
        raise SplitError(f"{field}: no test listing that the networks could answer, so nothing could be evaluated")
    without = [name for name, found in members.items() if not found]
    return [f"cohort {name!r} has no test listing that the networks could answer: left out" for name in without]


def has_text(rows: pd.DataFrame) -> pd.Series:
    """Which rows have a title or a description: bool."""
    return rows["designation"].str.strip().ne("") | rows["description"].str.strip().ne("")


def by_cohort(whole: Mapping[Evidence, Predictions], members: Mapping[str, set[int]]) -> Cohorts:
    """Split predictions by cohort; cohorts and evidence without listings are left out."""
    cohorts: dict[str, dict[Evidence, Predictions]] = {}
    for name, rows in members.items():
        parts = {evidence: predictions.only(rows) for evidence, predictions in whole.items()}
        cohorts[name] = {evidence: part for evidence, part in parts.items() if len(part.rows)}
    return {name: parts for name, parts in cohorts.items() if parts}
