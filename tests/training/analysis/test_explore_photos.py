from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from training.analysis.explore_photos import margin_bins, most_frequent, photo_traits, traits_of, white_margin


def on_white(box: tuple[int, int, int, int], side: int = 100) -> np.ndarray:
    """A dark box (left, top, right, bottom) on white."""
    pixels = np.full((side, side, 3), 252, np.uint8)
    left, top, right, bottom = box
    pixels[top:bottom, left:right] = 40
    return pixels


@pytest.mark.parametrize(
    ("box", "margin", "bordered"),
    [
        ((25, 25, 75, 75), 0.75, True),
        ((0, 0, 100, 100), 0.0, False),
        ((0, 20, 100, 80), 0.4, False),
        ((10, 0, 90, 90), 0.28, False),
        ((0, 0, 0, 0), 1.0, True),
    ],
)
def test_margin_is_what_lies_around_the_content(box: tuple[int, int, int, int], margin: float, bordered: bool) -> None:
    found, on_all_sides = white_margin(on_white(box))
    assert found == pytest.approx(margin)
    assert on_all_sides is bordered


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_traits_of_a_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo"
    Image.fromarray(on_white((50, 50, 150, 150), 200)).resize((200, 100)).save(path, kind, quality=95)
    traits = photo_traits(path)
    assert traits is not None
    assert (traits.format, traits.width, traits.height, traits.size) == (kind, 200, 100, path.stat().st_size)
    assert traits.margin == pytest.approx(0.75, abs=0.05)
    assert traits.bordered


def test_photos_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50), "navy").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no photo")
    photos = pd.Series([str(tmp_path / name) for name in ("a.png", "b.png", "c.png")], index=[4, 7, 9])
    assert traits_of(photos).index.tolist() == [4]
    assert traits_of(photos[:0]).empty


def test_counts_add_up() -> None:
    assert sum(count for _, count in margin_bins([0.0, 0.05, 0.95, 1.0])) == 4
    assert margin_bins([0.05, 0.07])[0] == ("0–10 %", 2)
    assert most_frequent(pd.Series(list("aaabbc")), 2) == [("a", 3), ("b", 2), ("1 others", 1)]
    assert most_frequent(pd.Series(list("aab")), 2) == [("a", 2), ("b", 1)]
