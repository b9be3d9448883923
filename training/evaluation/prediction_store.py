"""Predictions and logits on disk, and a version's predictions for a whole catalogue, made block by block.

A stage's folder holds predictions in one file, or in several that hold its blocks; an interrupt loses only the blocks
that are not written. Of each worker only one block's photos are in memory. What stays are the probabilities: of 100,000
listings in 27 categories 43 MB for the four kinds of evidence together.
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
from training.evaluation.predict import predict_by_evidence
from training.evaluation.predictions import LabelledLogits, Predictions

ROWS = 128
"""Of a block: a few seconds of work, and 800 files for 100,000 listings."""
WORKERS = min(4, os.cpu_count() or 1)
"""Blocks predicted at the same time; the predictor needs as many streams."""
FORMAT = 2
"""Of the files of predictions; part of the inputs of each stage that writes them. Raised when the files change, or code
changes their contents."""
PREDICTIONS_FILE = "predictions.npz"


def prediction_inputs(predictor: Predictor, catalogue: Catalogue) -> dict[str, Any]:
    """All that the predictions depend on, as JSON types, for `Workspace.stage`."""
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
    """Predict every row with each kind of evidence that it has; blocks that are in `folder` already are kept."""
    index = [int(row) for row in catalogue.rows.index]
    blocks = {_block_path(folder, start): index[start : start + ROWS] for start in range(0, len(index), ROWS)}
    missing = {path: rows for path, rows in blocks.items() if not path.exists()}
    pool = ThreadPoolExecutor(WORKERS)
    try:
        futures = [pool.submit(_predict_block, predictor, catalogue, *block) for block in missing.items()]
        done = len(blocks) - len(missing)
        bar = tqdm(as_completed(futures), "predict", len(blocks), initial=done, unit="block", disable=not progress)
        for future in bar:
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _block_path(folder: Path, start: int) -> Path:
    return folder / f"predictions-{start:09d}.npz"


def _predict_block(predictor: Predictor, catalogue: Catalogue, path: Path, rows: Sequence[int]) -> None:
    write_predictions(path, predict_by_evidence(predictor, catalogue, rows, progress=False))


def write_predictions(path: Path, predictions: Mapping[Evidence, Predictions]) -> None:
    """Write predictions for each kind of evidence as one `.npz`, whole or not at all."""
    arrays: dict[str, Any] = {}
    for evidence, part in predictions.items():
        arrays |= {f"{evidence}.{name}": values for name, values in _arrays(part).items()}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
    partial.replace(path)


def read_predictions(folder: Path) -> dict[Evidence, Predictions]:
    """Join what `write_predictions` wrote into `folder`, in the order of file names; without absent evidence."""
    parts: dict[Evidence, list[Predictions]] = {evidence: [] for evidence in Evidence}
    for path in sorted(folder.glob("predictions*.npz")):
        with np.load(path, allow_pickle=False) as stored:
            for evidence in {Evidence(name.partition(".")[0]) for name in stored.files}:
                values = {field.name: stored[f"{evidence}.{field.name}"] for field in fields(Predictions)}
                values |= {"evidence": evidence, "precisions": tuple(values["precisions"].tolist())}
                parts[evidence].append(Predictions(**values))
    return {evidence: Predictions.joined(found) for evidence, found in parts.items() if found}


def write_logits(path: Path, labelled: LabelledLogits) -> None:
    """Write logits as `.npz`."""
    np.savez(path, **_arrays(labelled))


def read_logits(path: Path) -> LabelledLogits:
    """Read what `write_logits` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return LabelledLogits(**{field.name: stored.get(field.name) for field in fields(LabelledLogits)})


def _arrays(record: Predictions | LabelledLogits) -> dict[str, Any]:
    """The fields of a dataclass by name, without those that are None."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: np.asarray(value) for name, value in values.items() if value is not None}
