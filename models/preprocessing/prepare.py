"""From a listing to the networks' inputs: the one preprocessing of training and serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ImageBlank, ImageError, ImageTooLarge, ListingError, NothingToPredict, TextEmpty
from models.listing import Evidence, Listing, Modality, PhotoFacts
from models.preprocessing.image.decode import WARNING_BLANK, DecodedImage, prepare_image
from models.preprocessing.image.limits import MAX_IMAGE_PIXELS
from models.preprocessing.image.structure import read_structure
from models.preprocessing.settings import Preprocessing
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import TextFeatures, load_text_features
from models.preprocessing.text.number_sign import smallest_share, without_number_signs
from models.timing import Stage, timed

TEXT_EMPTY = "text_empty"
TEXT_IGNORED = "text_ignored"
TEXT_PLACEHOLDER = "text_placeholder"
IMAGE_IGNORED = "image_ignored"


@dataclass(frozen=True, slots=True, eq=False)
class UnsignedText:
    """A text without its number signs, as the text network's inputs.

    A category that was found with the signs, and has less than `smallest_share` of the probability here, is made by
    the signs alone: then the answer is that of this text.
    """

    features: Mapping[str, NDArray[Any]]
    smallest_share: float


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One listing, ready for the networks.

    `text` maps input names of the text network to arrays of one row without its batch axis; `pixels` is uint8
    [H, W, 3]. At least one of them is there. `text_evidence` (TITLE or TEXT) calibrates the text network's
    answer. `photo` describes the (first) photo file, `unsigned` is there for a text with number signs. Of several
    photos, `more_pixels` has those after the first, and `photo_numbers` says which of the listing's photos all are.
    """

    evidence: Evidence
    text: Mapping[str, NDArray[Any]] | None
    text_evidence: Evidence
    pixels: NDArray[np.uint8] | None
    warnings: tuple[str, ...]
    photo: PhotoFacts | None = None
    unsigned: UnsignedText | None = None
    more_pixels: tuple[NDArray[np.uint8], ...] = ()
    photo_numbers: tuple[int, ...] = (0,)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that the listing has evidence for, text first."""
        present = ((Modality.TEXT, self.text), (Modality.IMAGE, self.pixels))
        return tuple(modality for modality, value in present if value is not None)


_Features = tuple[Evidence, Mapping[str, NDArray[Any]], UnsignedText | None]
"""What calibrates the text network's answer, its inputs, and those without number signs."""


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
        photos = self._decoded(listing, warnings)
        shown = {number: photo.pixels for number, photo in photos.items() if WARNING_BLANK not in photo.warnings}
        if text is None and not shown:
            raise self._nothing_left(listing, warnings)
        text_evidence, features, unsigned = text or (Evidence.TITLE, None, None)
        evidence = Evidence.IMAGE if text is None else Evidence.BOTH
        pixels = tuple(shown.values())
        return Prepared(
            evidence if shown else text_evidence,
            features,
            text_evidence,
            pixels[0] if pixels else None,
            tuple(warnings),
            next((photo.photo for photo in photos.values()), None),
            unsigned,
            pixels[1:],
            tuple(shown),
        )

    @property
    def modalities(self) -> frozenset[Modality]:
        """The modalities that listings are prepared for."""
        parts = ((Modality.TEXT, self.config.text), (Modality.IMAGE, self.config.image))
        return frozenset(modality for modality, part in parts if part is not None)

    def text_alone(self, text: ListingText) -> Prepared:
        """Prepare a cleaned text, even an empty one. Raises ValueError when the version has no text network."""
        evidence, features, unsigned = self._features(text)
        return Prepared(evidence, features, evidence, None, (), None, unsigned)

    def _features(self, text: ListingText) -> _Features:
        if self._text_features is None:
            raise ValueError("no text network")
        plain = without_number_signs(text)
        unsigned = None if plain is None else UnsignedText(self._text_features.extract(plain), smallest_share(plain))
        evidence = Evidence.TEXT if text.description else Evidence.TITLE
        return evidence, self._text_features.extract(text), unsigned

    def _text(self, listing: Listing, warnings: list[str]) -> _Features | None:
        if not listing.designation.strip() and not listing.description.strip():
            return None
        if self._text_features is None:
            warnings.append(TEXT_IGNORED)
            return None
        return timed(Stage.TEXT, self._cleaned, listing, warnings)

    def _cleaned(self, listing: Listing, warnings: list[str]) -> _Features | None:
        text = ListingText.clean(listing.designation, listing.description)
        if text.placeholder:
            warnings.append(TEXT_PLACEHOLDER)
        if text.is_empty:
            warnings.append(TEXT_EMPTY)
            return None
        return self._features(text)

    def _decoded(self, listing: Listing, warnings: list[str]) -> dict[int, DecodedImage]:
        """The photos by their numbers."""
        photos = listing.photos
        if not photos:
            return {}
        if self.config.image is None:
            warnings.append(IMAGE_IGNORED)
            return {}
        decoded: dict[int, DecodedImage] = {}
        pixels = 0
        for number, photo in enumerate(photos):
            try:
                if len(photos) > 1:
                    structure = read_structure(photo)
                    pixels += structure.width * structure.height
                    if pixels > MAX_IMAGE_PIXELS:
                        raise ImageTooLarge("The images together are over the limit of pixels.")
                decoded[number] = timed(Stage.DECODE, prepare_image, photo, self.config.image)
            except ImageError as error:
                error.pointer = listing.photo_pointer(number)
                raise
        warnings.extend(dict.fromkeys(warning for photo in decoded.values() for warning in photo.warnings))
        return decoded

    @staticmethod
    def _nothing_left(listing: Listing, warnings: list[str]) -> ListingError:
        if TEXT_EMPTY in warnings:
            return TextEmpty(pointer="/designation" if listing.designation.strip() else "/description")
        if WARNING_BLANK in warnings:
            return ImageBlank(pointer=listing.photo_pointer(0))
        if warnings:
            return NothingToPredict("This model version has no network for what the listing holds.", pointer="")
        return NothingToPredict(pointer="")
