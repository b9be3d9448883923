from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from models.explanation.occlusion import FEWEST_ALONG, MAX_CELLS, MOST_ALONG, Occlusion
from models.preprocessing.image.decode import prepare_image
from models.preprocessing.settings import ImagePreprocessing

WHOLE = ImagePreprocessing(height=64, width=64)
CUT = ImagePreprocessing(height=64, width=64, margin_canvas=96)
MARK = (10, 160, 40)


def encode(picture: Image.Image, kind: str = "PNG", orientation: int = 1) -> bytes:
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(stream, kind, exif=exif, quality=95)
    return stream.getvalue()


def product(size: tuple[int, int], box: tuple[int, int, int, int], colour: tuple[int, int, int] = MARK) -> Image.Image:
    picture = Image.new("RGB", size, "white")
    picture.paste(colour, box)
    return picture


def occlusion_of(photo: bytes, config: ImagePreprocessing) -> Occlusion:
    return Occlusion.of(photo, prepare_image(photo, config).pixels, config)


@pytest.mark.parametrize("config", [WHOLE, CUT])
@pytest.mark.parametrize("size", [(400, 400), (600, 300), (200, 500), (3, 900), (1, 1)])
def test_the_grid_has_nearly_square_cells_and_few_of_them_are_tried(
    size: tuple[int, int], config: ImagePreprocessing
) -> None:
    found = occlusion_of(encode(Image.new("RGB", size, "navy")), config)
    assert FEWEST_ALONG <= max(found.rows, found.columns) <= MOST_ALONG
    assert 0 <= len(found.cells) <= MAX_CELLS
    assert (
        found.columns / found.rows == pytest.approx(size[0] / size[1], rel=0.35) or min(found.rows, found.columns) == 1
    )


@pytest.mark.parametrize("config", [WHOLE, CUT])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_cells_are_where_people_see_them(config: ImagePreprocessing, orientation: int) -> None:
    """A product in a corner of the upright photo, of which one half is of another colour."""
    upright = product((480, 360), (320, 30, 440, 150))
    upright.paste((200, 30, 30), (320, 30, 380, 150))
    turns = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    turn = turns[orientation]
    found = occlusion_of(encode(upright if turn is None else upright.transpose(turn), orientation=orientation), config)
    assert found.columns >= found.rows
    across, down = 480 / found.columns, 360 / found.rows
    for row, column in found.cells:  # each touches the product, give or take a pixel of the network's
        assert (column + 1) * across >= 320 - 12, (row, column)
        assert column * across <= 440 + 12
        assert (row + 1) * down >= 30 - 12
        assert row * down <= 150 + 12
    reds = greens = 0
    for cell in found.cells:
        before, part = found.pixels[found.cells[cell]].astype(int), found.covered(cell)[found.cells[cell]]
        assert (part == 255).all()  # the colour of its surroundings
        middle = (cell[1] + 0.5) * across
        if abs(middle - 380) > across / 2 + 12 and 320 <= middle <= 440:
            red, green = (before[..., 0] > 150) & (before[..., 1] < 100), before[..., 1] > before[..., 0] + 60
            (reds, greens) = (reds + red.sum(), greens) if middle < 380 else (reds, greens + green.sum())
            assert not (green if middle < 380 else red).any()
    assert reds or greens or len(found.cells) < 6


def test_all_that_the_network_sees_of_a_product_is_in_some_cell() -> None:
    found = occlusion_of(encode(product((500, 500), (180, 60, 330, 430))), CUT)
    rest = found.pixels.copy()
    for part in found.cells.values():
        rest[part] = 255
    assert (rest > 240).all()
    assert max(found.rows, found.columns) > FEWEST_ALONG  # a small product gets a finer grid


def test_covering_does_not_move_what_is_left() -> None:
    found = occlusion_of(encode(product((500, 500), (100, 100, 400, 400))), CUT)
    cell, part = next(iter(found.cells.items()))
    covered = found.covered(cell)
    changed = (covered != found.pixels).any(axis=2)
    assert changed[part].any()
    changed[part] = False
    assert not changed.any()
    assert found.pixels.any()


def test_an_empty_photo_has_no_cell_worth_trying() -> None:
    assert occlusion_of(encode(Image.new("RGB", (300, 300), "white")), CUT).cells == {}
    assert occlusion_of(encode(Image.new("RGB", (300, 300), (90, 90, 90))), WHOLE).cells == {}


def test_a_photo_with_a_background_is_covered_in_its_colour() -> None:
    picture = Image.new("RGB", (300, 300), (60, 90, 200))
    picture.paste((220, 40, 40), (100, 100, 200, 200))
    found = occlusion_of(encode(picture), CUT)
    np.testing.assert_allclose(found.colour, (60, 90, 200), atol=3)
    for row, column in found.cells:
        assert 80 <= (row + 0.5) * 300 / found.rows <= 220
        assert 80 <= (column + 0.5) * 300 / found.columns <= 220
