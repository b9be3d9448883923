"""The sets of test listings that a version is judged on, each by itself."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from models.listing import Case
from training.config import RunConfig
from training.evaluation import CaseAnswers, Cohorts


def cohort_rows(config: RunConfig, table: pd.DataFrame) -> dict[str, set[int]]:
    """Labels of the rows of each cohort that the config has; without cohorts, of each label source."""
    if not config.cohorts:
        sources = sorted(set(table["label_source"]))
        return {source or "test": set(table.index[table["label_source"] == source]) for source in sources}
    return {rule.name: set(table.index[rule.matches(table)]) for rule in config.cohorts}


def by_cohort(whole: Mapping[Case, CaseAnswers | None], members: Mapping[str, set[int]]) -> Cohorts:
    """Answers told apart by cohort; cohorts and cases without answers are left out."""
    cohorts: dict[str, dict[Case, CaseAnswers]] = {}
    for name, rows in members.items():
        found = {case: answer.only(rows) for case, answer in whole.items() if answer is not None}
        cohorts[name] = {case: answer for case, answer in found.items() if len(answer.rows)}
    return {name: cases for name, cases in cohorts.items() if cases}
