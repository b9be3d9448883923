"""From a listing to the networks' inputs: the one preprocessing of training and serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ImageError, ListingError, NothingToPredict, TextEmpty
from models.listing import Evidence, Listing, Modality, PhotoFacts
from models.preprocessing.image.decode import DecodedImage, prepare_image
from models.preprocessing.settings import Preprocessing
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import TextFeatures, load_text_features
from models.timing import Stage, timed

TEXT_EMPTY = "text_empty"
TEXT_IGNORED = "text_ignored"
IMAGE_IGNORED = "image_ignored"


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One listing, ready for the networks.

    `text` maps input names of the text network to arrays of one row without its batch axis; `pixels` is uint8
    [H, W, 3]. At least one of them is there. `text_evidence` (TITLE or TEXT) calibrates the text network's
    answer. `photo` describes the photo file.
    """

    evidence: Evidence
    text: Mapping[str, NDArray[Any]] | None
    text_evidence: Evidence
    pixels: NDArray[np.uint8] | None
    warnings: tuple[str, ...]
    photo: PhotoFacts | None = None

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that the listing has evidence for, text first."""
        present = ((Modality.TEXT, self.text), (Modality.IMAGE, self.pixels))
        return tuple(modality for modality, value in present if value is not None)


class Preparation:
    """Cleans, featurises and decodes listings as one version does. Thread-safe: it holds no state between calls."""

    def __init__(self, config: Preprocessing, text_features: TextFeatures | None) -> None:
        self.config = config
        self._text_features = text_features

    @classmethod
    def load(cls, folder: Path) -> Preparation:
        """Read `preprocessing.json` and the files it refers to. Raises VersionRefused."""
        config = Preprocessing.read(folder)
        return cls(config, None if config.text is None else load_text_features(config.text, folder))

    def prepare(self, listing: Listing) -> Prepared:
        """Prepare one listing: CPU work of 0.1 to 5 ms. Raises ListingError with a pointer to the part at fault."""
        warnings: list[str] = []
        text = self._text(listing, warnings)
        decoded = self._decoded(listing, warnings)
        pixels, photo = (None, None) if decoded is None else (decoded.pixels, decoded.photo)
        if text is None:
            if pixels is None:
                raise self._nothing_left(listing, warnings)
            return Prepared(Evidence.IMAGE, None, Evidence.TITLE, pixels, tuple(warnings), photo)
        text_evidence, features = text
        return Prepared(
            text_evidence if pixels is None else Evidence.BOTH, features, text_evidence, pixels, tuple(warnings), photo
        )

    @property
    def modalities(self) -> frozenset[Modality]:
        """The modalities that listings are prepared for."""
        parts = ((Modality.TEXT, self.config.text), (Modality.IMAGE, self.config.image))
        return frozenset(modality for modality, part in parts if part is not None)

    def features(self, text: ListingText) -> tuple[Evidence, Mapping[str, NDArray[Any]]]:
        """The text network's inputs for a cleaned text, even an empty one, and the evidence that calibrates its answer.

        Raises ValueError when the version has no text network.
        """
        if self._text_features is None:
            raise ValueError("no text network")
        return Evidence.TEXT if text.description else Evidence.TITLE, self._text_features.extract(text)

    def _text(self, listing: Listing, warnings: list[str]) -> tuple[Evidence, Mapping[str, NDArray[Any]]] | None:
        if not listing.designation.strip() and not listing.description.strip():
            return None
        if self._text_features is None:
            warnings.append(TEXT_IGNORED)
            return None
        text_inputs = timed(Stage.TEXT, self._cleaned, listing)
        if text_inputs is None:
            warnings.append(TEXT_EMPTY)
        return text_inputs

    def _cleaned(self, listing: Listing) -> tuple[Evidence, Mapping[str, NDArray[Any]]] | None:
        text = ListingText.clean(listing.designation, listing.description)
        return None if text.is_empty else self.features(text)

    def _decoded(self, listing: Listing, warnings: list[str]) -> DecodedImage | None:
        if listing.image is None:
            return None
        if self.config.image is None:
            warnings.append(IMAGE_IGNORED)
            return None
        try:
            decoded = timed(Stage.DECODE, prepare_image, listing.image, self.config.image)
        except ImageError as error:
            error.pointer = "/image"
            raise
        warnings.extend(decoded.warnings)
        return decoded

    @staticmethod
    def _nothing_left(listing: Listing, warnings: list[str]) -> ListingError:
        if TEXT_EMPTY in warnings:
            return TextEmpty(pointer="/designation" if listing.designation.strip() else "/description")
        if warnings:
            return NothingToPredict("This model version has no network for what the listing holds.", pointer="")
        return NothingToPredict(pointer="")
