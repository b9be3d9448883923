"""A listing: what a seller sends, before anything is done to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Modality(StrEnum):
    """A kind of evidence. Each has its own network."""

    TEXT = "text"
    IMAGE = "image"


class Case(StrEnum):
    """Which evidence a listing came with. Each case has its own temperature, thresholds and prediction sets."""

    TITLE = "title"
    """A designation alone."""
    TEXT = "text"
    """A description, with or without a designation."""
    IMAGE = "image"
    """A photo alone."""
    BOTH = "both"
    """A photo and any text."""

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What the evidence consists of, in the order of `Prepared.modalities`."""
        if self is Case.BOTH:
            return (Modality.TEXT, Modality.IMAGE)
        return (Modality.IMAGE,) if self is Case.IMAGE else (Modality.TEXT,)


@dataclass(frozen=True, slots=True)
class Listing:
    """One product offer.

    `designation` (title) and `description` may hold HTML and entities; `image` holds the bytes of an encoded photo
    (JPEG, PNG, WebP or GIF). Nothing is checked here: `Predictor.prepare` does that.
    """

    designation: str = ""
    description: str = ""
    image: bytes | None = None
    id: str | None = None
