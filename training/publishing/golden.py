"""Golden listings of a version that is being published: read from a file written for them, or taken from the catalogue.

The file holds one JSON object a line, `{"designation", "description", "image"}`, all optional; `image` names a file
beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import ListingError
from models.listing import Evidence, Listing
from models.predictor import Predictor
from models.versions.golden import GoldenListing
from training.catalogue.dataset import Catalogue
from training.errors import ConfigError, PublishRefused
from training.evaluation.predict import readable, reduce_to_evidence, try_prepare

PER_CASE = 4
"""Golden listings taken from a catalogue for each case: swapped categories show, and loading stays fast."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    designation: str = ""
    description: str = ""
    image: str = ""


def read_golden_listings(path: Path) -> list[Listing]:
    """The listings of a file. Raises ConfigError, which names the line at fault."""
    listings = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"golden: {path.name} cannot be read"]) from error
    for number, line in enumerate(lines, start=1):
        try:
            parsed = _Line.model_validate(json.loads(line))
            image = (path.parent / Path(parsed.image).name).read_bytes() if parsed.image else None
        except (ValueError, ValidationError, OSError) as error:
            problem = f"golden: line {number} of {path.name} is not a listing, or its photo is missing"
            raise ConfigError([problem]) from error
        listings.append(Listing(parsed.designation, parsed.description, image))
    return listings


def golden_from_file(predictor: Predictor, listings: Sequence[Listing]) -> list[GoldenListing]:
    """The listings that the version has networks for, with its answers. Raises ConfigError, PublishRefused."""
    usable = []
    for number, listing in enumerate(listings, start=1):
        try:
            if try_prepare(predictor.prepare, listing):
                usable.append(listing)
        except ListingError as error:
            raise ConfigError([f"golden: listing {number} cannot be prepared: {error.message}"]) from error
    return _answered(predictor, usable)


def golden_from_catalogue(predictor: Predictor, catalogue: Catalogue, rows: Iterable[int]) -> list[GoldenListing]:
    """A few listings of every case with the version's answers: the first of `rows` with the evidence, of different
    categories, so that a swapped label list shows. Raises PublishRefused.
    """
    rows = list(rows)
    chosen: list[Listing] = []
    for evidence in Evidence:
        if predictor.modalities.issuperset(evidence.modalities):
            chosen.extend(_of_case(predictor, catalogue, rows, evidence))
    return _answered(predictor, chosen)


def _of_case(predictor: Predictor, catalogue: Catalogue, rows: Sequence[int], evidence: Evidence) -> Iterator[Listing]:
    categories, seen = catalogue.rows["category"], set[str]()
    for row in rows:
        if len(seen) == min(PER_CASE, len(predictor.taxonomy)):
            return
        listing = None if categories[row] in seen else reduce_to_evidence(readable(catalogue, row), evidence)
        ready = listing and try_prepare(predictor.prepare, listing)
        if listing and ready and ready.modalities == evidence.modalities:
            seen.add(categories[row])
            yield listing


def _answered(predictor: Predictor, listings: Sequence[Listing]) -> list[GoldenListing]:
    if not listings:
        raise PublishRefused("there is no golden listing that the version can answer")
    answers = [scores.fused for scores in predictor.score([predictor.prepare(listing) for listing in listings])]
    if not all(np.isfinite(answer).all() for answer in answers):
        raise PublishRefused("the version answers numbers that are not finite")
    return [GoldenListing(listing, answer) for listing, answer in zip(listings, answers, strict=True)]
