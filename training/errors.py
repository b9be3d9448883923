"""Errors before and during a run, in the project's one error tree.

    TrainingError           exit code 2       the input cannot be trained on; found before any long work where possible
    |-- ConfigError                           the run's config: one line per field at fault
    |-- CatalogueError                        the catalogue's files: a missing column, a folder that is not there
    |   `-- CatalogueRefused                  the data check found what cannot be trained on: one line per problem
    |-- SplitError                            the catalogue cannot be split as asked
    |-- training.networks.WeightsUnavailable, CutInvalid      what the config asks of a network cannot be had
    `-- PublishRefused      exit code 1       the version was trained, but is not good enough to be published

Each prints as lines that name the file, column or field, without a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.errors import PykutenError


class TrainingError(PykutenError):
    """Root of the training errors. `exit_code` is what the command ends with."""

    exit_code = 2
    message = "The run cannot go on."


class _Problems(TrainingError):
    """An error of several `problems`, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ConfigError(_Problems):
    """The config is not valid. Each problem begins with the dotted name of its field."""

    message = "The config is not valid."


class CatalogueError(TrainingError):
    """The catalogue cannot be read as the config describes it."""

    message = "The catalogue cannot be read."


class CatalogueRefused(_Problems, CatalogueError):
    """The data check found problems that make training impossible."""

    message = "The catalogue cannot be trained on."


class SplitError(TrainingError):
    """The catalogue cannot be split as asked."""

    message = "The catalogue cannot be split as asked."


class PublishRefused(TrainingError):
    """The version does not meet the conditions of publishing; `--force` overrides."""

    exit_code = 1
    message = "The version is not good enough to be published."


class WeightsUnavailable(TrainingError):
    """The pretrained weights cannot be had from the source that the run names; no other is taken instead."""


class CutInvalid(TrainingError):
    """The layer after which fine-tuning shall start does not exist, or data flows around it."""
