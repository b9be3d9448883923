"""A version's predictions for a whole catalogue, made block by block and kept on disk: an interrupt loses little.

Of each worker only one block's photos are in memory. What stays are the probabilities: of 100,000 listings in 27
categories 43 MB for the four cases together.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from models.decision.calibration import PRECISIONS
from models.listing import Evidence
from models.predictor import Predictor
from training.catalogue.dataset import Catalogue, photo_fingerprints
from training.evaluation.predict import predict_rows
from training.evaluation.predictions import LabelledLogits, Predictions

ROWS = 128
"""Of a block: a few seconds of work, and 800 files for 100,000 listings."""
WORKERS = min(4, os.cpu_count() or 1)
"""Blocks asked at the same time; the predictor needs as many streams."""
FORMAT = 1
"""Raised when the files change, or code changes what is in them."""
_LISTINGS_AXIS = {"thresholds": 1}
"""Of arrays whose first axis is not that of the listings."""


def prediction_inputs(predictor: Predictor, catalogue: Catalogue) -> dict[str, Any]:
    """All that the answers depend on, as JSON types, for `Workspace.stage`."""
    photos = catalogue.rows[catalogue.rows["image"] != ""]
    return {
        "format": FORMAT,
        "block": ROWS,
        "version": predictor.version,
        "digest": predictor.manifest.digest,
        "precisions": list(PRECISIONS),
        "catalogue": catalogue.fingerprint(),
        "photos": hashlib.sha256(json.dumps(list(photo_fingerprints(photos))).encode()).hexdigest(),
    }


def predict_catalogue(predictor: Predictor, catalogue: Catalogue, folder: Path, *, progress: bool = True) -> None:
    """Ask the version about every row in every case that it has the evidence for; blocks found in `folder` are kept."""
    index = [int(row) for row in catalogue.rows.index]
    blocks = {_path(folder, start): index[start : start + ROWS] for start in range(0, len(index), ROWS)}
    missing = {path: rows for path, rows in blocks.items() if not path.exists()}
    pool = ThreadPoolExecutor(WORKERS)
    try:
        asked = [pool.submit(_ask, predictor, catalogue, rows, path) for path, rows in missing.items()]
        done = len(blocks) - len(missing)
        for future in tqdm(as_completed(asked), "ask", len(blocks), initial=done, unit="block", disable=not progress):
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def read_blocks(folder: Path) -> dict[Evidence, Predictions]:
    """All answers below `folder`, in the catalogue's order; without the cases that no row has the evidence for."""
    parts: dict[Evidence, list[Predictions]] = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as stored:
            for evidence in Evidence:
                arrays = {
                    field.name: stored[name]
                    for field in fields(Predictions)
                    if (name := f"{evidence}.{field.name}") in stored
                }
                if arrays:
                    parts.setdefault(evidence, []).append(
                        Predictions(evidence=evidence, precisions=PRECISIONS, **arrays)
                    )
    return {evidence: _joined(found) for evidence, found in parts.items()}


def _path(folder: Path, start: int) -> Path:
    return folder / f"{start:09d}.npz"


def _ask(predictor: Predictor, catalogue: Catalogue, rows: Sequence[int], path: Path) -> None:
    found = (predict_rows(predictor, catalogue, rows, evidence, progress=False) for evidence in Evidence)
    arrays: dict[str, Any] = {}
    for answer in found:
        if answer is not None:
            arrays |= {f"{answer.evidence}.{name}": value for name, value in _arrays(answer).items()}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
    partial.replace(path)


def _arrays(answer: Predictions) -> Mapping[str, Any]:
    values = {field.name: getattr(answer, field.name) for field in fields(Predictions)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def _joined(parts: Sequence[Predictions]) -> Predictions:
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts], axis=_LISTINGS_AXIS.get(name, 0))
        for name in _arrays(parts[0])
    }
    return Predictions(evidence=parts[0].evidence, precisions=parts[0].precisions, **arrays)


def write_logits(path: Path, labelled: LabelledLogits) -> None:
    """Write as `.npz`."""
    _write(path, labelled)


def read_logits(path: Path) -> LabelledLogits:
    """Read what `write_logits` wrote."""
    return LabelledLogits(**_read(path, LabelledLogits))


def write_answers(folder: Path, answers: Mapping[Evidence, Predictions]) -> None:
    """Write one `.npz` for each case."""
    for evidence, given in answers.items():
        _write(folder / f"answers-{evidence}.npz", given)


def read_answers(folder: Path) -> dict[Evidence, Predictions]:
    """Read what `write_answers` wrote, in the order of the cases."""
    found = {}
    for evidence in Evidence:
        path = folder / f"answers-{evidence}.npz"
        if path.exists():
            values = _read(path, Predictions)
            values |= {"evidence": evidence, "precisions": tuple(values["precisions"].tolist())}
            found[evidence] = Predictions(**values)
    return found


def _write(path: Path, values: Any) -> None:
    given = {field.name: getattr(values, field.name) for field in fields(values)}
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in given.items() if value is not None}
    np.savez(path, **arrays)


def _read(path: Path, kind: type[Predictions] | type[LabelledLogits]) -> dict[str, Any]:
    """The fields of a dataclass; None for one that was None."""
    with np.load(path, allow_pickle=False) as arrays:
        return {field.name: arrays.get(field.name) for field in fields(kind)}
