"""The cost of one listing: milliseconds from raw fields to a prediction, one listing at a time, as in the service.

The time includes reading markup, words and pieces, decoding the photo file, both networks, fusion and decision. It
depends on the other work of the machine as much as on the networks, so all networks of a comparison are timed together,
on the same listings, and no time is read from a file.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from models.listing import Evidence, Listing
from models.networks.runtime import available_precision
from models.predictor import Predictor
from training.catalogue.dataset import Catalogue
from training.evaluation.predict import readable, reduce_to_evidence, try_prepare

WARM_UP = 5
"""Listings predicted before the clock runs: the first ones allocate memory and compile kernels."""


@dataclass(frozen=True)
class Way:
    """The precision that networks are computed in, and the threads of each."""

    precision: str
    threads: int

    def __str__(self) -> str:
        return f"{self.precision}, {'one thread' if self.threads == 1 else 'a core pair'}"


@dataclass(frozen=True)
class Cost:
    """Of `listings` timed one by one: median and 95th percentile in ms of wall time, median in ms of CPU time."""

    listings: int
    ms: float
    ms_p95: float
    cpu_ms: float


def ways() -> list[Way]:
    """Every precision that this processor computes natively, on one thread and on two; float32 on one thread first."""
    precisions = dict.fromkeys(("f32", available_precision()))
    return [Way(precision, threads) for precision in precisions for threads in (1, 2)]


def measure_ways(folder: Path, listings: Mapping[Evidence, Sequence[Listing]]) -> dict[Way, dict[Evidence, Cost]]:
    """`measure_cost` of the version in `folder`, loaded unverified, in each of `ways`."""
    return {
        way: measure_cost(Predictor.load(folder, verify=False, threads=way.threads, precision=way.precision), listings)
        for way in ways()
    }


def listings_to_time(catalogue: Catalogue, rows: Sequence[int], count: int) -> dict[Evidence, list[Listing]]:
    """The first `count` of the rows that have text and photo, for each of text, photo and both.

    Where none has both, the first ones that have the evidence.
    """
    table = catalogue.rows.loc[list(rows)]
    text = table["designation"].str.strip().ne("") | table["description"].str.strip().ne("")
    both = list(table.index[text & table["image"].ne("")])
    of_case = {
        Evidence.TEXT: both or list(table.index[text]),
        Evidence.IMAGE: both or list(table.index[table["image"].ne("")]),
        Evidence.BOTH: both,
    }
    return {
        evidence: [replace(readable(catalogue, int(row)), id=None) for row in kept[:count]]
        for evidence, kept in of_case.items()
    }


def measure_cost(predictor: Predictor, listings: Mapping[Evidence, Sequence[Listing]]) -> dict[Evidence, Cost]:
    """Time `Predictor.predict` for each evidence that the version has networks for, one listing after another."""
    costs = {}
    for evidence, given in listings.items():
        if not predictor.modalities.issuperset(evidence.modalities):
            continue
        whole = [reduce_to_evidence(listing, evidence) for listing in given]
        reduced = [listing for listing in whole if listing is not None and try_prepare(predictor.prepare, listing)]
        if reduced:
            costs[evidence] = _timed(predictor, reduced)
    return costs


def _timed(predictor: Predictor, listings: Sequence[Listing]) -> Cost:
    for listing in listings[:WARM_UP]:
        predictor.predict(listing)
    wall, cpu = [], []
    for listing in listings:
        start, busy = time.perf_counter(), time.process_time()
        predictor.predict(listing)
        wall.append(1000 * (time.perf_counter() - start))
        cpu.append(1000 * (time.process_time() - busy))
    return Cost(len(listings), median(wall), float(np.quantile(wall, 0.95)), median(cpu))
