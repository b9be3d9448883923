"""How listings from outside the catalogue fare with a version: texts written for it and pictures drawn for it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from models.decision.prediction import Action
from models.listing import Evidence, Listing
from models.predictor import Predictor
from training.errors import ConfigError
from training.evaluation.intervals import share_estimate
from training.evaluation.predict import reduce_to_evidence
from training.publishing.drawn_pictures import draw_pictures


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: str = ""
    designation: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class OutOfCatalogueListing:
    """A listing that belongs to none of the categories, and what `kind` of thing it is."""

    kind: str
    listing: Listing


def read_out_of_catalogue(path: Path) -> list[OutOfCatalogueListing]:
    """The listings of a file. Raises ConfigError, which names the line at fault."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"unfamiliar.listings: {path.name} cannot be read"]) from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            parsed = _Line.model_validate(json.loads(line))
        except (ValueError, ValidationError) as error:
            raise ConfigError([f"unfamiliar.listings: line {number} of {path.name} is not a listing"]) from error
        found.append(OutOfCatalogueListing(parsed.kind, Listing(parsed.designation, parsed.description)))
    return found


def drawn_strangers(count: int) -> list[OutOfCatalogueListing]:
    """Pictures of no product, as listings without text."""
    return [OutOfCatalogueListing(kind, Listing(image=picture)) for kind, picture in draw_pictures(count)]


def paired(
    texts: Sequence[OutOfCatalogueListing], pictures: Sequence[OutOfCatalogueListing]
) -> list[OutOfCatalogueListing]:
    """Each text with a picture, in turn; none when either is missing."""
    if not pictures:
        return []
    return [
        OutOfCatalogueListing(text.kind, replace(text.listing, image=picture.listing.image))
        for text, picture in zip(texts, cycle(pictures), strict=False)
    ]


def measure_strangers(
    predictor: Predictor, texts: Sequence[OutOfCatalogueListing], pictures: Sequence[OutOfCatalogueListing]
) -> dict[str, Any]:
    """How many are noticed, by case, as JSON types; cases that the version has no network for are left out.

    `n`, `noticed` (reason `unfamiliar`) and `review` (any reason, at the default precision) with 95 % intervals, the
    mean `confidence`, and `kinds`: n and noticed of each.
    """
    shown = {
        Evidence.TITLE: texts,
        Evidence.TEXT: texts,
        Evidence.IMAGE: pictures,
        Evidence.BOTH: paired(texts, pictures),
    }
    found = {}
    for evidence, strangers in shown.items():
        if predictor.modalities.issuperset(evidence.modalities) and strangers:
            found[evidence.value] = _measured(predictor, evidence, strangers)
    return {evidence: figures for evidence, figures in found.items() if figures["n"]}


def _measured(predictor: Predictor, evidence: Evidence, strangers: Sequence[OutOfCatalogueListing]) -> dict[str, Any]:
    kinds: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    n = noticed = review = 0
    confidence = 0.0
    for stranger in strangers:
        listing = reduce_to_evidence(stranger.listing, evidence)
        if listing is None or (evidence is Evidence.TEXT and not listing.description):
            continue
        ready = predictor.prepare(listing)
        (scores,) = predictor.score([ready])
        answer = predictor.conclude(ready, scores, top_k=1)
        n += 1
        noticed += scores.unfamiliar
        review += answer.decision.action is Action.REVIEW
        confidence += answer.confidence
        kinds[stranger.kind][0] += 1
        kinds[stranger.kind][1] += scores.unfamiliar
    if not n:
        return {"n": 0}
    return {
        "n": n,
        "noticed": share_estimate(noticed, n),
        "review": share_estimate(review, n),
        "confidence": round(confidence / n, 6),
        "kinds": {kind: {"n": count, "noticed": seen} for kind, (count, seen) in kinds.items()},
    }
