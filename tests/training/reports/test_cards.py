from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from models.preprocessing.image.structure import read_structure
from training.reports.cards import SIDE, Thumbnails, thumbnail, upright_pixels


def save(path: Path, size: tuple[int, int], orientation: int = 1, colour: str = "navy") -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size, colour).save(path, exif=exif)
    return path


def test_nothing_is_around_the_photo(tmp_path: Path) -> None:
    for orientation, shape in ((1, (32, 64, 3)), (6, (64, 32, 3))):
        data = save(tmp_path / "a.jpg", (200, 100), orientation).read_bytes()
        pixels = upright_pixels(data, read_structure(data), 64)
        assert pixels.shape == shape
        assert int(pixels.min(axis=2).max()) < 100  # all navy, no white


def test_a_thumbnail_is_a_small_jpeg(tmp_path: Path) -> None:
    data = thumbnail(save(tmp_path / "a.png", (500, 250)).read_bytes())
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (SIDE, SIDE // 2))


def test_a_photo_that_cannot_be_read_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xffnothing")
    thumbnails = Thumbnails(10**6)
    assert thumbnails.uri(str(tmp_path / "broken.jpg")) == ""
    assert thumbnails.uri(str(tmp_path / "absent.jpg")) == ""
    assert thumbnails.refused == 0


def test_a_page_takes_no_more_than_its_budget(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    paths = []
    for number in range(5):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.fromarray(np.roll(noise, number, 0)).save(paths[-1])
    whole = len(Thumbnails(10**9).uri(paths[0]))
    thumbnails = Thumbnails(int(2.5 * whole))
    uris = [thumbnails.uri(path) for path in [*paths, ""]]
    assert [bool(uri) for uri in uris] == [True, True, False, False, False, False]
    assert sum(map(len, uris)) <= 2.5 * whole
    assert thumbnails.refused == 3
    assert base64.b64decode(uris[0].partition(",")[2]).startswith(b"\xff\xd8\xff")
