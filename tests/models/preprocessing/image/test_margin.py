from __future__ import annotations

import numpy as np
import pytest

from models.preprocessing.image.decode import decode_image, prepare_image
from models.preprocessing.image.margin import BORDER, WHITE_FROM, crop_margin
from models.preprocessing.settings import ImagePreprocessing
from tests.models.pictures import encode, picture
from tests.models.tiny_version import photo


def product(top: int, left: int, height: int, width: int, *, side: int = 100) -> np.ndarray:
    pixels = np.full((side, side, 3), 255, np.uint8)
    pixels[top : top + height, left : left + width] = (200, 30, 10)
    return pixels


def filled(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """(top, left, height, width) of what is clearly not white."""
    seen = (pixels < 200).any(axis=2)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_the_product_fills_the_picture_wherever_it_stood() -> None:
    answers = [crop_margin(product(top, left, 20, 20), 64, 64) for top, left in ((0, 0), (40, 40), (80, 15))]
    for answer in answers:
        np.testing.assert_array_equal(answer, answers[0])
        assert filled(answer)[2] == pytest.approx(64 / (1 + 2 * BORDER), abs=3)


def test_the_aspect_ratio_stays() -> None:
    top, left, height, width = filled(crop_margin(product(10, 30, 20, 60), 90, 90))
    assert width == pytest.approx(3 * height, abs=4)
    assert top == pytest.approx((90 - height) / 2, abs=2)
    assert left == pytest.approx((90 - width) / 2, abs=2)


def test_nearly_white_is_margin_and_the_first_darker_level_is_product() -> None:
    pixels = product(40, 40, 20, 20)
    pixels[0, 0] = WHITE_FROM
    np.testing.assert_array_equal(crop_margin(pixels, 64, 64), crop_margin(product(40, 40, 20, 20), 64, 64))
    pixels[0, 0] = WHITE_FROM - 1
    assert filled(crop_margin(pixels, 64, 64))[2] < 30


def test_a_white_photo_stays_white() -> None:
    answer = crop_margin(np.full((100, 100, 3), 255, np.uint8), 32, 48)
    assert answer.shape == (32, 48, 3)
    assert answer.dtype == np.uint8
    assert (answer == 255).all()


def test_one_colour_is_enough_to_be_product() -> None:
    chance = np.random.default_rng(5)
    for _ in range(50):
        pixels = np.full((60, 80, 3), 255, np.uint8)
        rows, columns = chance.integers(60, size=3), chance.integers(80, size=3)
        pixels[rows, columns, chance.integers(3, size=3)] = chance.integers(WHITE_FROM, size=3)
        cut = pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        np.testing.assert_array_equal(crop_margin(pixels, 32, 32), crop_margin(cut, 32, 32))


def test_a_photo_is_equally_sharp_whatever_its_size() -> None:
    config = ImagePreprocessing(height=96, width=96, margin_canvas=64)
    small, large = (encode(picture(side, side), "PNG") for side in (64, 512))
    difference = prepare_image(small, config).pixels.astype(int) - prepare_image(large, config).pixels
    assert np.abs(difference).mean() < 3


def test_without_a_canvas_the_photo_stays_whole() -> None:
    data = photo((10, 200, 30), size=(64, 40))
    whole = prepare_image(data, ImagePreprocessing(height=32, width=32)).pixels
    np.testing.assert_array_equal(whole, decode_image(data, 32, 32).pixels)
    cut = prepare_image(data, ImagePreprocessing(height=32, width=32, margin_canvas=32)).pixels
    assert cut.shape == whole.shape
    assert (cut != whole).any()
