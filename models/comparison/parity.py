"""How far the compiled networks (OpenVINO) are from the reference (Keras), measured on whole predictions."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from models.listing import Listing
from models.predictor import Predictor
from models.versions.golden import read_golden

MARGIN = 0.1
"""Where the best two probabilities are further apart than this, rounding should never change the winner."""
MIN_AGREEMENT = 0.995
MAX_MEAN_DIFFERENCE = 0.01


@dataclass(frozen=True, slots=True)
class Parity:
    """Agreement of two runtimes over `listings` listings.

    `top1` is the share with the same best category, `top1_clear` the same where the reference's margin exceeds
    `MARGIN`; `mean_difference` and `max_difference` are absolute differences of fused probabilities over all
    categories.
    """

    listings: int
    top1: float
    top1_clear: float
    mean_difference: float
    max_difference: float

    @property
    def holds(self) -> bool:
        """Whether the compiled networks may stand for the reference."""
        return self.top1 >= MIN_AGREEMENT and self.mean_difference < MAX_MEAN_DIFFERENCE

    def as_dict(self) -> dict[str, float]:
        """Plain numbers, for `metrics.json`."""
        figures = {name: round(float(value), 6) for name, value in asdict(self).items()}
        return figures | {"listings": self.listings}


def compare(reference: NDArray[np.float32], compiled: NDArray[np.float32]) -> Parity:
    """Parity of probabilities [N, C] from two runtimes for the same listings; N is at least 1."""
    same = reference.argmax(1) == compiled.argmax(1)
    best = np.sort(reference, axis=1)
    clear = best[:, -1] - best[:, -2] > MARGIN
    difference = np.abs(reference - compiled)
    return Parity(
        listings=len(reference),
        top1=float(same.mean()),
        top1_clear=float(same[clear].mean()) if clear.any() else 1.0,
        mean_difference=float(difference.mean()),
        max_difference=float(difference.max()),
    )


def measure_parity(
    folder: Path, listings: Sequence[Listing], progress: Callable[[int], None] = lambda done: None
) -> Parity:
    """Predict `listings` with both runtimes of the version or draft in `folder`, which is not verified, in float32.

    Whatever precision the version asks for, this proves that the same network was compiled. Needs TensorFlow and at
    least one listing. Raises VersionRefused or ListingError.
    """
    compiled = Predictor.load(folder, runtime="openvino", verify=False, precision="f32")
    return parity_of(Predictor.load(folder, runtime="keras", verify=False), compiled, listings, progress)


def parity_of(
    reference: Predictor,
    compiled: Predictor,
    listings: Sequence[Listing],
    progress: Callable[[int], None] = lambda done: None,
) -> Parity:
    """Predict `listings`, at least one, with two predictors of the same version. Raises ListingError."""
    answers: tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]] = ([], [])
    for start in range(0, len(listings), 16):
        prepared = [compiled.prepare(listing) for listing in listings[start : start + 16]]
        for predictor, rows in zip((reference, compiled), answers, strict=True):
            rows.extend(scores.fused for scores in predictor.score(prepared))
        progress(min(start + 16, len(listings)))
    return compare(np.stack(answers[0]), np.stack(answers[1]))


def varied_golden_listings(folder: Path, count: int, seed: int = 0) -> list[Listing]:
    """`count` listings made of a version's golden ones: words drawn from two, photos flipped, cropped and dimmed.

    For checks on a machine without a catalogue. They are odd listings with narrow margins, harder than real ones.
    """
    golden = [entry.listing for entry in read_golden(folder)]
    return list(_variations(golden, count, np.random.default_rng(seed)))


def _variations(golden: Sequence[Listing], count: int, random: np.random.Generator) -> Iterator[Listing]:
    photos = [listing.image for listing in golden if listing.image is not None]
    without_text = not any(listing.designation or listing.description for listing in golden)
    for number in range(count):
        one, other = (golden[int(i)] for i in random.integers(len(golden), size=2))
        with_photo = photos and (without_text or number % 3)
        image = _vary_photo(photos[int(random.integers(len(photos)))], random) if with_photo else None
        designation = _draw_words(f"{one.designation} {other.designation}", random)
        if image is not None and number % 3 == 1:
            designation = ""
        yield Listing(
            designation or ("" if image else one.designation or "article"), one.description if number % 2 else "", image
        )


def _draw_words(text: str, random: np.random.Generator) -> str:
    return " ".join(word for word in text.split() if random.random() < 0.6)


def _vary_photo(data: bytes, random: np.random.Generator) -> bytes:
    with Image.open(io.BytesIO(data)) as opened:
        photo = opened.convert("RGB")
    if random.random() < 0.5:
        photo = ImageOps.mirror(photo)
    inset = random.uniform(0, 0.2, 4) * np.array([photo.width, photo.height, -photo.width, -photo.height])
    photo = photo.crop(tuple(int(v) for v in np.array([0, 0, photo.width, photo.height]) + inset))  # type: ignore[arg-type]
    photo = ImageEnhance.Brightness(photo).enhance(float(random.uniform(0.6, 1.3)))
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
