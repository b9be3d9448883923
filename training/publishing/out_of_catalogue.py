"""How listings from outside the catalogue fare with a version: texts and pictures of nothing that it sells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from models.decision.prediction import Action
from models.errors import ImageError
from models.listing import Evidence, Listing
from models.predictor import Predictor
from models.preprocessing.image.structure import read_structure
from training.config.run import UnfamiliarConfig
from training.errors import ConfigError
from training.evaluation.intervals import share_estimate
from training.evaluation.predict import reduce_to_evidence
from training.publishing.golden import read_lines


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: str = ""
    designation: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class OutOfCatalogueListing:
    """A listing that belongs to none of the categories, and the `kind` of thing that it is."""

    kind: str
    listing: Listing


@dataclass(frozen=True, slots=True)
class OutOfCatalogue:
    """Listings of a text alone, and of a picture alone."""

    texts: Sequence[OutOfCatalogueListing] = ()
    pictures: Sequence[OutOfCatalogueListing] = ()

    @classmethod
    def read(cls, config: UnfamiliarConfig) -> OutOfCatalogue:
        """Read the config's file of texts and folder of pictures. Raises ConfigError, which names the one at fault."""
        field = "unfamiliar.listings"
        texts = [] if config.listings is None else read_lines(config.listings, field, _text, "is not a listing")
        pictures = [] if config.pictures is None else list(_pictures(config.pictures))
        return cls(texts, pictures)

    @property
    def pairs(self) -> list[OutOfCatalogueListing]:
        """Each text with a picture, in turn; none when either is missing."""
        return [
            OutOfCatalogueListing(text.kind, replace(text.listing, image=picture.listing.image))
            for text, picture in zip(self.texts, cycle(self.pictures), strict=False)
        ]

    def measure(self, predictor: Predictor) -> dict[str, Any]:
        """How many listings are noticed, by evidence, as JSON types; evidence that the version has no network for is
        left out.

        `n`, `noticed` (reason `unfamiliar`) and `review` (any reason, at the default precision) with 95 % intervals,
        the mean `confidence`, and `kinds`: n and noticed of each.
        """
        listings = {
            Evidence.TITLE: self.texts,
            Evidence.TEXT: [text for text in self.texts if text.listing.description],
            Evidence.IMAGE: self.pictures,
            Evidence.BOTH: self.pairs,
        }
        figures = {
            evidence.value: _figures(predictor, evidence, chosen)
            for evidence, chosen in listings.items()
            if predictor.modalities.issuperset(evidence.modalities)
        }
        return {evidence: measured for evidence, measured in figures.items() if measured["n"]}


def _text(line: object) -> OutOfCatalogueListing:
    parsed = _Line.model_validate(line)
    return OutOfCatalogueListing(parsed.kind, Listing(parsed.designation, parsed.description))


def _pictures(folder: Path) -> Iterator[OutOfCatalogueListing]:
    """The folder's photos in the order of their names: "07-page-of-text.webp" is the picture of a page of text."""
    if not folder.is_dir():
        raise ConfigError([f"unfamiliar.pictures: no folder {folder.name}"])
    for path in sorted(folder.iterdir()):
        try:
            data = path.read_bytes()
            read_structure(data)
        except (OSError, ImageError) as error:
            raise ConfigError([f"unfamiliar.pictures: {path.name} is not a photo that can be read"]) from error
        yield OutOfCatalogueListing(path.stem.partition("-")[2].replace("-", " "), Listing(image=data))


def _figures(predictor: Predictor, evidence: Evidence, listings: Sequence[OutOfCatalogueListing]) -> dict[str, Any]:
    counts, noticed = Counter[str](), Counter[str]()
    review, confidence = 0, 0.0
    for entry in listings:
        listing = reduce_to_evidence(entry.listing, evidence)
        if listing is None:
            continue
        ready = predictor.prepare(listing)
        (scores,) = predictor.score([ready])
        answer = predictor.conclude(ready, scores, top_k=1)
        counts[entry.kind] += 1
        noticed[entry.kind] += scores.unfamiliar
        review += answer.decision.action is Action.REVIEW
        confidence += answer.confidence
    if not (n := counts.total()):
        return {"n": 0}
    return {
        "n": n,
        "noticed": share_estimate(noticed.total(), n),
        "review": share_estimate(review, n),
        "confidence": round(confidence / n, 6),
        "kinds": {kind: {"n": count, "noticed": noticed[kind]} for kind, count in counts.items()},
    }
