"""What networks answered to labelled listings, kept on disk as plain arrays, so that nothing is asked twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from models.listing import Case
from training.evaluation import CaseAnswers, LabelledLogits


def write_logits(path: Path, labelled: LabelledLogits) -> None:
    """Write as `.npz`."""
    _write(path, labelled)


def read_logits(path: Path) -> LabelledLogits:
    """Read what `write_logits` wrote."""
    return LabelledLogits(**_read(path, LabelledLogits))


def write_answers(folder: Path, answers: Mapping[Case, CaseAnswers]) -> None:
    """Write one `.npz` for each case."""
    for case, given in answers.items():
        _write(folder / f"answers-{case}.npz", given)


def read_answers(folder: Path) -> dict[Case, CaseAnswers]:
    """Read what `write_answers` wrote, in the order of the cases."""
    found = {}
    for case in Case:
        path = folder / f"answers-{case}.npz"
        if path.exists():
            values = _read(path, CaseAnswers)
            values |= {"case": case, "precisions": tuple(values["precisions"].tolist())}
            found[case] = CaseAnswers(**values)
    return found


def _write(path: Path, values: Any) -> None:
    given = {field.name: getattr(values, field.name) for field in fields(values)}
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in given.items() if value is not None}
    np.savez(path, **arrays)


def _read(path: Path, kind: type[CaseAnswers] | type[LabelledLogits]) -> dict[str, Any]:
    """The fields of a dataclass; None for one that was None."""
    with np.load(path, allow_pickle=False) as arrays:
        return {field.name: arrays.get(field.name) for field in fields(kind)}
