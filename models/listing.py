"""A listing: what a seller sends, before anything is done to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PIL import Image, WebPImagePlugin  # noqa: F401 - registers WebP; Pillow would import all its plugins to find it


class Modality(StrEnum):
    """A kind of evidence. Each has its own network."""

    TEXT = "text"
    IMAGE = "image"


class Evidence(StrEnum):
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
        if self is Evidence.BOTH:
            return (Modality.TEXT, Modality.IMAGE)
        return (Modality.IMAGE,) if self is Evidence.IMAGE else (Modality.TEXT,)


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


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What a photo was like as a file: its format by content (JPEG, PNG, WEBP, GIF), and its size in pixels."""

    format: str
    width: int
    height: int
