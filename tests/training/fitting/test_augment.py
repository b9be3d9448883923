from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.config.fit import ImageAugmentation, TextAugmentation
from training.fitting.augment import augment_image, augment_text, generator

STILL = ImageAugmentation(rotation=0, shift=0, zoom=0, flip=False)
SIDE = 64


def still(**settings: float | bool) -> ImageAugmentation:
    return ImageAugmentation.model_validate({**STILL.model_dump(), **settings})


def square(left: int, top: int, size: int) -> NDArray[np.uint8]:
    """A black square on white."""
    pixels = np.full((SIDE, SIDE, 3), 255, np.uint8)
    pixels[top : top + size, left : left + size] = 0
    return pixels


def area(pixels: NDArray[np.uint8]) -> float:
    return float((255 - pixels[..., 0].astype(float)).sum() / 255)


def centre(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """Centre of what is black as (x, y) in pixels."""
    weight = 255 - pixels[..., 0].astype(float)
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]] + 0.5
    return float((x * weight).sum() / weight.sum()), float((y * weight).sum() / weight.sum())


def noise(height: int = SIDE, width: int = 48) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_shape_type_and_input_are_kept() -> None:
    pixels = noise()
    assert (augment_image(pixels, STILL, generator(1, 2)) == pixels).all()
    result = augment_image(pixels, ImageAugmentation(), generator(1, 2))
    assert (result.shape, result.dtype) == (pixels.shape, np.uint8)
    assert (pixels == noise()).all()
    assert (result != pixels).any()


def test_the_generator_decides_and_nothing_else() -> None:
    first = augment_image(noise(), ImageAugmentation(), generator(1, 2, 3))
    assert (first == augment_image(noise(), ImageAugmentation(), generator(1, 2, 3))).all()
    for other in (generator(2, 2, 3), generator(1, 3, 3), generator(1, 2, 4)):
        assert (first != augment_image(noise(), ImageAugmentation(), other)).any()


def test_zoom_stays_within_a_tenth_both_ways() -> None:
    """Keras' zoom_range=1.1, which the original used, scales by -0.1 to 2.1."""
    areas = [area(augment_image(square(22, 22, 20), still(zoom=0.1), generator(0, row))) for row in range(200)]
    scales = np.sqrt(np.array(areas) / 400)
    assert 0.89 <= scales.min() < 0.92
    assert 1.08 < scales.max() <= 1.11


def test_shifts_stay_within_a_tenth_of_the_side() -> None:
    centres = [centre(augment_image(square(22, 22, 20), still(shift=0.1), generator(0, row))) for row in range(200)]
    offsets = np.array(centres) - 32
    assert np.abs(offsets).max() <= 0.1 * SIDE + 0.05
    assert (offsets.min(axis=0) < -0.08 * SIDE).all()
    assert (offsets.max(axis=0) > 0.08 * SIDE).all()


def test_rotation_stays_within_its_degrees_and_about_the_centre() -> None:
    angles = []
    for row in range(200):
        x, y = centre(augment_image(square(50, 29, 6), still(rotation=10), generator(0, row)))
        angles.append(np.degrees(np.arctan2(y - 32, x - 32)))
        assert np.hypot(x - 32, y - 32) == pytest.approx(21, abs=0.3)
    assert max(np.abs(angles)) <= 10.3
    assert min(angles) < -8
    assert max(angles) > 8


def test_a_rotated_photo_keeps_its_shape_when_it_is_not_square() -> None:
    pixels = np.full((64, 128, 3), 255, np.uint8)
    pixels[22:42, 54:74] = 0
    result = augment_image(pixels, still(rotation=180), generator(0, 5))
    assert area(result) == pytest.approx(400, rel=0.02)
    assert centre(result) == pytest.approx((64, 32), abs=0.3)


def test_half_of_the_photos_are_mirrored_and_none_is_upside_down() -> None:
    centres = np.array(
        [centre(augment_image(square(4, 10, 12), still(flip=True), generator(0, row))) for row in range(200)]
    )
    mirrored = centres[:, 0] > 32
    assert 70 <= mirrored.sum() <= 130
    assert centres[mirrored, 0] == pytest.approx(54)
    assert centres[~mirrored, 0] == pytest.approx(10)
    assert centres[:, 1] == pytest.approx(16)


def test_what_comes_into_view_is_white() -> None:
    black = np.zeros((SIDE, SIDE, 3), np.uint8)
    result = augment_image(black, still(shift=0.5), generator(0, 1))
    assert set(np.unique(result)) == {0, 255}


TITLE = "Bâche d'été PS4 – Größe 5 m, Œuvre"
DESCRIPTION = "Une bâche épaisse, résistante au gel et aux rayons UV pour bassins."


def changed(options: TextAugmentation, row: int = 0) -> tuple[str, str]:
    return augment_text(TITLE, DESCRIPTION, options, generator(0, row))


@pytest.mark.parametrize(
    ("options", "texts", "changed"),
    [
        ({}, (TITLE, DESCRIPTION), (TITLE, DESCRIPTION)),
        ({"drop_description": 1}, (TITLE, DESCRIPTION), (TITLE, "")),
        ({"drop_description": 1}, (" ", DESCRIPTION), (" ", DESCRIPTION)),
        ({"lowercase": 1}, (TITLE, DESCRIPTION), (TITLE.lower(), DESCRIPTION.lower())),
        ({"strip_accents": 1}, (TITLE, ""), ("Bache d'ete PS4 – Große 5 m, Œuvre", "")),
    ],
)
def test_each_change_does_what_it_says(
    options: dict[str, float], texts: tuple[str, str], changed: tuple[str, str]
) -> None:
    assert augment_text(*texts, TextAugmentation.model_validate(options), generator(0, 0)) == changed


def test_words_are_left_out_in_order() -> None:
    for row in range(50):
        title, description = changed(TextAugmentation(drop_words=1), row)
        for kept, whole in ((title, TITLE), (description, DESCRIPTION)):
            words = iter(whole.split())
            assert kept
            assert all(word in words for word in kept.split())
    lengths = [len(changed(TextAugmentation(drop_words=1), row)[1].split()) for row in range(200)]
    assert np.mean(lengths) == pytest.approx(0.86 * len(DESCRIPTION.split()), abs=0.6)


def test_typos_are_few_and_leave_digits_alone() -> None:
    for row in range(50):
        title, _ = changed(TextAugmentation(typos=1), row)
        assert abs(len(title) - len(TITLE)) <= 1
        assert [char for char in title if char.isdigit()] == ["4", "5"]
    assert sum(changed(TextAugmentation(typos=1), row)[0] != TITLE for row in range(50)) >= 40


def test_probabilities_are_kept_and_independent() -> None:
    options = TextAugmentation(drop_description=0.3, lowercase=0.5)
    results = [changed(options, row) for row in range(1000)]
    dropped = np.array([description == "" for _, description in results])
    lowered = np.array([title == TITLE.lower() for title, _ in results])
    assert dropped.mean() == pytest.approx(0.3, abs=0.05)
    assert lowered.mean() == pytest.approx(0.5, abs=0.05)
    assert (dropped & lowered).mean() == pytest.approx(0.15, abs=0.05)
    # Asking for one change more does not move the others.
    more = [changed(TextAugmentation(drop_description=0.3, lowercase=0.5, typos=0.5), row) for row in range(1000)]
    assert [description == "" for _, description in more] == dropped.tolist()


@given(st.text(), st.text(), st.integers(0, 2**31))
def test_any_text_survives_all_changes_at_once(designation: str, description: str, seed: int) -> None:
    options = TextAugmentation(drop_description=1, lowercase=1, strip_accents=1, drop_words=1, typos=1)
    title, rest = augment_text(designation, description, options, generator(seed, 0))
    assert bool(title.strip() or rest.strip()) or not any(char.isalnum() for char in designation + description)
