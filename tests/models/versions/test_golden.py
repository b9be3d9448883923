from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import VersionRefused
from models.listing import Listing
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy
from models.versions.golden import FILE_NAME, GoldenListing, check_golden, read_golden, write_golden
from tests.models.tiny_version import photo

CODES = ("10", "2583", "40")
PROBABILITIES = np.float32([0.125, 0.75, 0.125])
LISTINGS = [
    Listing("Piscine <b>gonflable</b> Ø 3 m", "Größe & « œuvre »"),
    Listing("line\u2028paragraph\u2029next\x85page\x0bbreak\x0cend\r\n", "\x1c\x1d\x1e tab\t"),
    Listing(image=photo((1, 2, 3))),
    Listing("both", image=photo((4, 5, 6), kind="PNG")),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a taxonomy and golden listings."""
    Taxonomy.of_codes(CODES).write(tmp_path / TAXONOMY)
    write_golden(tmp_path, [GoldenListing(subject, PROBABILITIES) for subject in LISTINGS])
    return tmp_path


def test_what_is_written_is_read(folder: Path) -> None:
    read = read_golden(folder)
    assert [entry.listing for entry in read] == LISTINGS
    for entry in read:
        assert entry.probabilities.dtype == np.float32
        assert np.array_equal(entry.probabilities, PROBABILITIES)


def test_answers_are_kept_to_six_digits(folder: Path) -> None:
    third = np.float32([1 / 3, 1 / 3, 1 / 3])
    write_golden(folder, [GoldenListing(LISTINGS[0], third)])
    assert np.abs(read_golden(folder)[0].probabilities - third).max() < 1e-6


@pytest.mark.parametrize(
    "codes", [("10", "40", "2583"), ("10", "2583"), ("10", "2583", "40", "50"), ("10", "2583", "41")]
)
def test_another_taxonomy_is_refused(folder: Path, codes: tuple[str, ...]) -> None:
    Taxonomy.of_codes(codes).write(folder / TAXONOMY)
    with pytest.raises(VersionRefused, match="other categories"):
        read_golden(folder)


def line(**changes: Any) -> bytes:
    fields = {"designation": "a", "description": "", "image": None, "probabilities": dict.fromkeys(CODES, 0.5)}
    return json.dumps(fields | changes).encode() + b"\n"


def test_the_line_of_the_next_test_is_right_without_its_changes(folder: Path) -> None:
    (folder / FILE_NAME).write_bytes(line() + line(image="golden/02.jpg"))
    assert len(read_golden(folder)) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"{",
        b"[]\n",
        b"\xff\xfe",
        line() + b"{}\n",
        line()[:-3],
        line(designation=None),
        line(designation="\ud800"),
        line(more=1),
        line(probabilities=[0.5, 0.25, 0.25]),
        line(probabilities={}),
        line(probabilities={"10": None, "2583": 1, "40": 0}),
        line(probabilities={"10": float("nan"), "2583": 1, "40": 0}),
        line(image="golden/99.jpg"),
        line(image="taxonomy.json"),
        line(image="golden/../taxonomy.json"),
        line(image="../golden/00.jpg"),
        line(image="/etc/hostname"),
        line(image="golden/.."),
        line(image="golden/a\0b"),
        line(image=""),
    ],
)
def test_anything_else_is_refused(folder: Path, content: bytes) -> None:
    (folder / FILE_NAME).write_bytes(content)
    with pytest.raises(VersionRefused):
        read_golden(folder)


@pytest.mark.parametrize("name", [FILE_NAME, TAXONOMY, "golden/02.jpg"])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(VersionRefused):
        read_golden(folder)


def golden(*rows: list[float]) -> list[GoldenListing]:
    return [GoldenListing(LISTINGS[0], np.float32(row)) for row in rows]


def test_the_published_answers_pass_within_the_tolerance() -> None:
    check_golden(golden([0.2, 0.8], [1, 0]), [np.float32([0.2005, 0.7995]), np.float32([1, 0])], 1e-3)


@pytest.mark.parametrize(
    "answer", [[0.202, 0.798], [0.8, 0.2], [np.nan, 0.8], [np.nan, np.nan], [np.inf, 0.8], [0.2, 0.4, 0.4], [0.2]]
)
def test_other_answers_are_refused(answer: list[float]) -> None:
    with pytest.raises(VersionRefused, match="golden listing 1"):
        check_golden(golden([1, 0], [0.2, 0.8]), [np.float32([1, 0]), np.float32(answer)], 1e-3)
