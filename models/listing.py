"""A listing: what a seller sends, before anything is done to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PIL import Image, WebPImagePlugin  # noqa: F401 - registers WebP; Pillow would import all its plugins to find it


class Modality(StrEnum):
    """A part of a listing that a network reads. Each has its own network."""

    TEXT = "text"
    IMAGE = "image"


class Evidence(StrEnum):
    """The evidence that a listing came with. Each kind has its own temperature, thresholds and prediction sets."""

    TITLE = "title"
    """A designation alone."""
    TEXT = "text"
    """A description, with or without a designation."""
    IMAGE = "image"
    """A photo alone."""
    BOTH = "both"
    """A photo and any text."""

    @property
    def label(self) -> str:
        """The evidence's English name, for tables and reports."""
        return _LABELS[self]

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that the evidence consists of, in the order of `Prepared.modalities`."""
        if self is Evidence.BOTH:
            return (Modality.TEXT, Modality.IMAGE)
        return (Modality.IMAGE,) if self is Evidence.IMAGE else (Modality.TEXT,)


_LABELS = {
    Evidence.TITLE: "title alone",
    Evidence.TEXT: "text",
    Evidence.IMAGE: "photo",
    Evidence.BOTH: "text and photo",
}


def evidence_label(key: str) -> str:
    """The label of the evidence that `metrics.json` has under `key`; an unknown key is its own label."""
    try:
        return Evidence(key).label
    except ValueError:
        return key


@dataclass(frozen=True, slots=True)
class Listing:
    """One product offer.

    `designation` (title) and `description` may hold HTML and entities; `image` holds the bytes of an encoded photo
    (JPEG, PNG, WebP or GIF), or `images` those of several. Nothing is checked here: `Predictor.prepare` does that.
    """

    designation: str = ""
    description: str = ""
    image: bytes | None = None
    id: str | None = None
    images: tuple[bytes, ...] = ()

    @property
    def photos(self) -> tuple[bytes, ...]:
        """All photos: `images`, or else `image`."""
        return self.images or (() if self.image is None else (self.image,))

    def photo_pointer(self, number: int) -> str:
        """The JSON pointer to one of `photos`."""
        return f"/images/{number}" if self.images else "/image"


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """A photo as a file: its format by content (JPEG, PNG, WEBP, GIF), and its size in pixels."""

    format: str
    width: int
    height: int
