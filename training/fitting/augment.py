"""Random changes of training examples, all from a seeded generator. Training only: serving never augments."""

from __future__ import annotations

import math
import unicodedata

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.config.fit import ImageAugmentation, TextAugmentation

WHITE = (255, 255, 255)
"""Fills the border of a shifted or turned photo: the background of most product photos."""
DROPPED_WORDS = 0.15
"""Share of the words that is left out when words are left out."""
CHARACTERS_PER_TYPO = 30
"""A text with typos has one in so many characters, at least one."""


def generator(seed: int, row: int, view: int = 0) -> np.random.Generator:
    """The generator of one row's one view: the same in any order and in any number of threads."""
    return np.random.default_rng([seed, row, view])


def augment_image(
    pixels: NDArray[np.uint8], options: ImageAugmentation, random: np.random.Generator
) -> NDArray[np.uint8]:
    """A turned, shifted, scaled and perhaps mirrored copy of a photo, uint8 [H, W, 3] in and out.

    Angle in +-`rotation` degrees, shifts in +-`shift` of the side, scale in 1 +- `zoom` (one factor for both axes), all
    about the centre and in one bilinear resampling. Pixels from outside the photo are white.
    """
    height, width = pixels.shape[:2]
    angle = math.radians(random.uniform(-options.rotation, options.rotation))
    scale = random.uniform(1 - options.zoom, 1 + options.zoom)
    right = random.uniform(-options.shift, options.shift) * width
    down = random.uniform(-options.shift, options.shift) * height
    mirror = -1.0 if options.flip and random.random() < 0.5 else 1.0
    # Pillow wants the inverse: the source position of the result's pixel (x, y).
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    matrix = (mirror * cos, mirror * sin, -sin, cos)
    x, y = width / 2, height / 2
    from_x, from_y = x + right, y + down
    affine = (
        matrix[0],
        matrix[1],
        x - matrix[0] * from_x - matrix[1] * from_y,
        matrix[2],
        matrix[3],
        y - matrix[2] * from_x - matrix[3] * from_y,
    )
    photo = Image.fromarray(pixels).transform(
        (width, height), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR, fillcolor=WHITE
    )
    return np.asarray(photo)


def augment_text(
    designation: str, description: str, options: TextAugmentation, random: np.random.Generator
) -> tuple[str, str]:
    """Changed copies of both fields, cleaned text in and out; a field with words keeps some.

    Each change happens with its own probability: the description is left out (never without a designation), both are
    lower-cased, lose their accents, some words, or get typos as fingers make them.
    """
    # One draw per change, taken whether it is used or not, so that one option does not move another's random numbers.
    draws = random.random(5)
    if draws[0] < options.drop_description and designation.strip():
        description = ""
    fields = [designation, description]
    if draws[1] < options.lowercase:
        fields = [field.lower() for field in fields]
    if draws[2] < options.strip_accents:
        fields = [_without_accents(field) for field in fields]
    if draws[3] < options.drop_words:
        fields = [_without_words(field, random) for field in fields]
    if draws[4] < options.typos:
        fields = [_with_typos(field, random) for field in fields]
    return fields[0], fields[1]


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(char for char in decomposed if not unicodedata.combining(char)))


def _without_words(text: str, random: np.random.Generator) -> str:
    words = text.split()
    if len(words) < 2:
        return text
    kept = random.random(len(words)) >= DROPPED_WORDS
    kept[random.integers(len(words))] = True
    return " ".join(word for word, keep in zip(words, kept, strict=True) if keep)


def _with_typos(text: str, random: np.random.Generator) -> str:
    """Swap neighbouring letters, double a letter or leave one out; digits stay, for they are facts."""
    characters = list(text)
    letters = [position for position, char in enumerate(characters) if char.isalpha()]
    if len(letters) < 4:
        return text
    for _ in range(math.ceil(len(letters) / CHARACTERS_PER_TYPO)):
        position = letters[int(random.integers(len(letters)))]
        kind = int(random.integers(3))
        if kind == 0 and position + 1 < len(characters) and characters[position + 1].isalpha():
            characters[position], characters[position + 1] = characters[position + 1], characters[position]
        elif kind == 1:
            characters[position] *= 2
        else:
            characters[position] = ""
    return "".join(characters)
