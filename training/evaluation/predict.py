"""Asking a version about labelled listings: raw logits for calibration, whole predictions for the published metrics.

Both start from raw rows and photo files and go through the kernel's preprocessing, as a served request does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from models.decision.calibration import PRECISIONS
from models.errors import NothingToPredict, TextEmpty
from models.listing import Evidence, Listing, Modality
from models.networks.inference import Networks
from models.predictor import Predictor
from models.preprocessing.prepare import Preparation, Prepared
from models.preprocessing.text.clean import MAX_CHARACTERS
from models.taxonomy import Taxonomy
from training.catalogue.dataset import Catalogue
from training.evaluation.predictions import Floats, LabelledLogits, Predictions

BLOCK = 64
"""Listings read, prepared and asked together: 64 photos of 224x224 are 10 MB."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How much of a listing is shown to the model."""

    evidence: Evidence

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The networks that answer, in the order of `Prepared.modalities`."""
        return self.evidence.modalities

    def of(self, listing: Listing) -> Listing | None:
        """The listing with only this evidence, None when it does not have it."""
        text = bool(listing.designation.strip() or listing.description.strip())
        if self.evidence is Evidence.IMAGE:
            return replace(listing, designation="", description="") if listing.image is not None else None
        if self.evidence is Evidence.TITLE:
            return replace(listing, description="", image=None) if listing.designation.strip() else None
        if self.evidence is Evidence.TEXT:
            return replace(listing, image=None) if text else None
        return listing if text and listing.image is not None else None


def labelled_logits(
    preparation: Preparation, networks: Networks, catalogue: Catalogue, rows: Sequence[int], taxonomy: Taxonomy
) -> LabelledLogits:
    """Logits of every network for rows (labels of `catalogue.rows`) of the catalogue, for calibration."""
    table = catalogue.rows.loc[list(rows)]
    classes = len(taxonomy)
    described = np.zeros(len(table), bool)

    def ask(evidence: Evidence, modality: Modality) -> Floats | None:
        if modality not in networks.by_modality:
            return None
        answers = np.full((len(table), classes), np.nan, np.float32)
        for positions, prepared in _prepared(preparation.prepare, catalogue, table, evidence):
            if evidence is Evidence.TEXT:
                described[positions] = [ready.text_evidence is Evidence.TEXT for ready in prepared]
            for position, values in zip(positions, networks.logits(prepared), strict=True):
                answers[position] = values[modality]
        return answers

    return LabelledLogits(
        labels=class_indices(table, taxonomy),
        sources=table["label_source"].to_numpy(str),
        shares=table["label_share"].fillna(1.0).to_numpy(np.float64),
        described=described,
        text=ask(Evidence.TEXT, Modality.TEXT),
        title=ask(Evidence.TITLE, Modality.TEXT),
        image=ask(Evidence.IMAGE, Modality.IMAGE),
    )


def answers(
    predictor: Predictor, catalogue: Catalogue, rows: Sequence[int], evidence: Evidence, progress: bool = True
) -> Predictions | None:
    """What the version answers to rows shown as `case`; None if no row has that evidence or the version no network."""
    if not predictor.modalities.issuperset(Shown(evidence).modalities):
        return None
    table = catalogue.rows.loc[list(rows)]
    found: list[tuple[int, Floats, list[float], bool, bool, bool, int]] = []
    labels = class_indices(table, predictor.taxonomy)
    for positions, prepared in _prepared(predictor.prepare, catalogue, table, evidence, progress):
        for position, ready, scores in zip(positions, prepared, predictor.score(prepared), strict=True):
            prediction = predictor.conclude(ready, scores, top_k=1)
            thresholds = [predictor.calibration.threshold(ready.evidence, prediction.code, p) for p in PRECISIONS]
            codes = prediction.prediction_set.codes
            found.append(
                (
                    position,
                    predictor.decider.served(ready, scores),
                    [np.nan if threshold is None else threshold for threshold in thresholds],
                    prediction.disagreement,
                    scores.unfamiliar,
                    predictor.taxonomy.codes[labels[position]] in codes,
                    len(codes),
                )
            )
    if not found:
        return None
    order, probabilities, thresholds_, disagreement, unfamiliar, covered, sizes = zip(*found, strict=True)
    return Predictions(
        evidence=evidence,
        rows=table.index.to_numpy(np.int64)[list(order)],
        labels=labels[list(order)],
        probabilities=np.stack(probabilities),
        precisions=PRECISIONS,
        thresholds=np.asarray(thresholds_, np.float64).T,
        disagreement=np.asarray(disagreement, bool),
        unfamiliar=np.asarray(unfamiliar, bool),
        covered=np.asarray(covered, bool),
        set_sizes=np.asarray(sizes, np.int64),
    )


def class_indices(table: pd.DataFrame, taxonomy: Taxonomy) -> NDArray[np.int64]:
    """The class index of each row's category, int64 [N]."""
    return np.asarray([taxonomy.index(code) for code in table["category"]], np.int64)


def readable(catalogue: Catalogue, row: int) -> Listing:
    """A row as a listing that the kernel accepts: over-long fields are cut to its limit, as the data check said."""
    listing = catalogue.listing(row)
    return replace(
        listing,
        designation=listing.designation[:MAX_CHARACTERS],
        description=listing.description[:MAX_CHARACTERS],
    )


def try_prepare(prepare: Callable[[Listing], Prepared], listing: Listing) -> Prepared | None:
    """The prepared listing; None when the version has no network for what it holds, or its text is markup alone."""
    try:
        return prepare(listing)
    except (NothingToPredict, TextEmpty):
        return None


def _prepared(
    prepare: Callable[[Listing], Prepared],
    catalogue: Catalogue,
    table: pd.DataFrame,
    evidence: Evidence,
    progress: bool = True,
) -> Iterator[tuple[list[int], list[Prepared]]]:
    """Blocks of (positions in `table`, prepared listings) of the rows that have the evidence of `case`."""
    shown = Shown(evidence)
    has_photo = (table["image"] != "").to_numpy()
    candidates = np.flatnonzero(has_photo) if Modality.IMAGE in shown.modalities else np.arange(len(table))
    index = table.index.to_numpy()
    for start in tqdm(range(0, len(candidates), BLOCK), f"ask: {evidence}", unit="block", disable=not progress):
        positions, prepared = [], []
        for position in candidates[start : start + BLOCK]:
            listing = shown.of(readable(catalogue, int(index[position])))
            ready = None if listing is None else try_prepare(prepare, listing)
            if ready is not None and ready.modalities == shown.modalities:
                positions.append(int(position))
                prepared.append(ready)
        if prepared:
            yield positions, prepared
