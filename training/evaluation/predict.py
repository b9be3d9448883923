"""Predicting labelled listings with a version: raw logits for calibration, whole predictions for the metrics.

Both start from raw rows and photo files and go through the kernel's preprocessing, as a served request does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from tqdm import tqdm

from models.arrays import Floats, Integers
from models.decision.calibration import PRECISIONS
from models.errors import ImageBlank, NothingToPredict, TextEmpty
from models.listing import Evidence, Listing, Modality
from models.networks.inference import Networks
from models.predictor import Predictor
from models.preprocessing.prepare import Preparation, Prepared
from models.preprocessing.text.clean import MAX_CHARACTERS
from models.taxonomy import Taxonomy
from training.catalogue.dataset import Catalogue
from training.evaluation.predictions import LabelledLogits, Predictions

BLOCK = 64
"""Listings read, prepared and predicted together: 64 photos of 224x224 are 10 MB."""


def reduce_to_evidence(listing: Listing, evidence: Evidence) -> Listing | None:
    """The listing with this evidence alone, None when it does not have it."""
    text = bool(listing.designation.strip() or listing.description.strip())
    if evidence is Evidence.IMAGE:
        return replace(listing, designation="", description="") if listing.image is not None else None
    if evidence is Evidence.TITLE:
        return replace(listing, description="", image=None) if listing.designation.strip() else None
    if evidence is Evidence.TEXT:
        return replace(listing, image=None) if text else None
    return listing if text and listing.image is not None else None


def labelled_logits(
    preparation: Preparation, networks: Networks, catalogue: Catalogue, rows: Sequence[int], taxonomy: Taxonomy
) -> LabelledLogits:
    """Logits of every network for rows (labels of `catalogue.rows`) of the catalogue, for calibration."""
    table = catalogue.rows.loc[list(rows)]
    classes = len(taxonomy)
    described = np.zeros(len(table), bool)

    def logits(evidence: Evidence, modality: Modality) -> Floats | None:
        if modality not in networks.by_modality:
            return None
        values = np.full((len(table), classes), np.nan, np.float32)
        for positions, prepared in _prepared_blocks(preparation.prepare, catalogue, table, evidence):
            if evidence is Evidence.TEXT:
                described[positions] = [ready.text_evidence is Evidence.TEXT for ready in prepared]
            for position, by_modality in zip(positions, networks.logits(prepared), strict=True):
                values[position] = by_modality[modality]
        return values

    return LabelledLogits(
        labels=class_indices(table, taxonomy),
        sources=table["label_source"].to_numpy(str),
        shares=table["label_share"].fillna(1.0).to_numpy(np.float64),
        described=described,
        text=logits(Evidence.TEXT, Modality.TEXT),
        title=logits(Evidence.TITLE, Modality.TEXT),
        image=logits(Evidence.IMAGE, Modality.IMAGE),
    )


def predict_rows(
    predictor: Predictor, catalogue: Catalogue, rows: Sequence[int], evidence: Evidence, progress: bool = True
) -> Predictions | None:
    """Predictions for the rows reduced to `evidence`; None if no row has it or the version has no network for it."""
    if not predictor.modalities.issuperset(evidence.modalities):
        return None
    table = catalogue.rows.loc[list(rows)]
    results: list[tuple[int, Floats, list[float], bool, bool, bool, int]] = []
    labels = class_indices(table, predictor.taxonomy)
    for positions, prepared in _prepared_blocks(predictor.prepare, catalogue, table, evidence, progress):
        for position, ready, scores in zip(positions, prepared, predictor.score(prepared), strict=True):
            prediction = predictor.conclude(ready, scores, top_k=1)
            wanted = [predictor.calibration.threshold(ready.evidence, prediction.code, p) for p in PRECISIONS]
            codes = prediction.prediction_set.codes
            results.append(
                (
                    position,
                    predictor.decider.served(ready, scores),
                    [np.nan if threshold is None else threshold for threshold in wanted],
                    prediction.disagreement,
                    scores.unfamiliar,
                    predictor.taxonomy.codes[labels[position]] in codes,
                    len(codes),
                )
            )
    if not results:
        return None
    order, probabilities, thresholds, disagreement, unfamiliar, covered, sizes = zip(*results, strict=True)
    return Predictions(
        evidence=evidence,
        rows=table.index.to_numpy(np.int64)[list(order)],
        labels=labels[list(order)],
        probabilities=np.stack(probabilities),
        precisions=PRECISIONS,
        thresholds=np.asarray(thresholds, np.float64).T,
        disagreement=np.asarray(disagreement, bool),
        unfamiliar=np.asarray(unfamiliar, bool),
        covered=np.asarray(covered, bool),
        set_sizes=np.asarray(sizes, np.int64),
    )


def predict_by_evidence(
    predictor: Predictor,
    catalogue: Catalogue,
    rows: Sequence[int],
    kinds: Iterable[Evidence] = tuple(Evidence),
    progress: bool = True,
) -> dict[Evidence, Predictions]:
    """`predict_rows` for each kind of evidence, without those that it has no predictions for."""
    predictions = {evidence: predict_rows(predictor, catalogue, rows, evidence, progress) for evidence in kinds}
    return {evidence: part for evidence, part in predictions.items() if part is not None}


def class_indices(table: pd.DataFrame, taxonomy: Taxonomy) -> Integers:
    """The class index of each row's category, int64 [N]."""
    return np.asarray([taxonomy.index(code) for code in table["category"]], np.int64)


def readable(catalogue: Catalogue, row: int) -> Listing:
    """A row as a listing that the kernel accepts: over-long fields are cut to its limit, as the data check reports."""
    listing = catalogue.listing(row)
    return replace(
        listing,
        designation=listing.designation[:MAX_CHARACTERS],
        description=listing.description[:MAX_CHARACTERS],
    )


def try_prepare(prepare: Callable[[Listing], Prepared], listing: Listing) -> Prepared | None:
    """The prepared listing; None when it holds nothing that the version predicts from."""
    try:
        return prepare(listing)
    except (ImageBlank, NothingToPredict, TextEmpty):
        return None


def _prepared_blocks(
    prepare: Callable[[Listing], Prepared],
    catalogue: Catalogue,
    table: pd.DataFrame,
    evidence: Evidence,
    progress: bool = True,
) -> Iterator[tuple[list[int], list[Prepared]]]:
    """Blocks of (positions in `table`, prepared listings) of the rows that have the evidence."""
    has_photo = (table["image"] != "").to_numpy()
    candidates = np.flatnonzero(has_photo) if Modality.IMAGE in evidence.modalities else np.arange(len(table))
    index = table.index.to_numpy()
    for start in tqdm(range(0, len(candidates), BLOCK), f"predict: {evidence}", unit="block", disable=not progress):
        positions, prepared = [], []
        for position in candidates[start : start + BLOCK]:
            listing = reduce_to_evidence(readable(catalogue, int(index[position])), evidence)
            ready = None if listing is None else try_prepare(prepare, listing)
            if ready is not None and ready.modalities == evidence.modalities:
                positions.append(int(position))
                prepared.append(ready)
        if prepared:
            yield positions, prepared
