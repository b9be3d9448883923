"""A version folder is served as it was published or not at all: whatever is wrong with it, it is refused."""

from __future__ import annotations

import io
import os
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from models.errors import VersionRefused
from models.listing import Modality
from models.predictor import Predictor
from models.versions.manifest import MANIFEST
from tests.models.tiny_version import reseal

FILES = (
    MANIFEST,
    "taxonomy.json",
    "preprocessing.json",
    "fusion.json",
    "calibration.json",
    "metrics.json",
    "golden.jsonl",
    "golden/02.jpg",
    "image.xml",
    "image.bin",
    "text.xml",
    "text.bin",
    "MODEL_CARD.md",
    "report.html",
)
PARSED = ("taxonomy.json", "preprocessing.json", "fusion.json", "calibration.json", "golden.jsonl", "golden/02.jpg")


def refused(folder: Path) -> str:
    """Why the folder is refused, which it must be; any other error fails the test."""
    with pytest.raises(VersionRefused) as caught:
        Predictor.load(folder)
    return caught.value.reason


# Harm to files: found by size and checksum before anything is parsed


def _flip(data: bytes, seed: str) -> bytes:
    chance = random.Random(seed)
    position = chance.randrange(len(data))
    return data[:position] + bytes([data[position] ^ 1 << chance.randrange(8)]) + data[position + 1 :]


class Executed:
    """Unpickling it leaves a mark."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, ("executed",)


def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", bytes(1_000_000))
    return stream.getvalue()


CONTENT: dict[str, Callable[[bytes, str], bytes]] = {
    "empty": lambda data, seed: b"",
    "half": lambda data, seed: data[: len(data) // 2],
    "minus one byte": lambda data, seed: data[:-1],
    "bit flip": _flip,
    "random": lambda data, seed: random.Random(seed).randbytes(len(data)),
    "appended": lambda data, seed: data + b"\n",
    "pickle": lambda data, seed: pickle.dumps(Executed()),
    "zip bomb": lambda data, seed: _zip_bomb(),
}


def spoil_content(path: Path, kind: str, seed: str = "") -> None:
    """Write something else into a file, the same for the same seed."""
    path.write_bytes(CONTENT[kind](path.read_bytes(), f"{path.name} {seed}"))


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _replace_by_link(path: Path) -> None:
    outside = path.parent / "../../outside"
    path.rename(outside)
    path.symlink_to(outside.resolve())


PLACE: dict[str, Callable[[Path], None]] = {
    "deleted": Path.unlink,
    "folder": _replace_by_folder,
    "link to the same content": _replace_by_link,
    "a file more": lambda path: path.with_name(path.name + "~").touch(),
}


def test_the_files_are_those_of_the_version(tiny_version: Path) -> None:
    files = {path.relative_to(tiny_version).as_posix() for path in tiny_version.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("golden/")} == {name for name in FILES if "/" not in name}
    assert "golden/02.jpg" in files


@pytest.mark.parametrize("kind", CONTENT)
@pytest.mark.parametrize("name", FILES)
def test_other_content_is_refused(tiny_copy: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_copy.parent)
    spoil_content(tiny_copy / name, kind)
    assert name in refused(tiny_copy)
    assert not (tiny_copy.parent / "executed").exists()


@pytest.mark.parametrize("kind", PLACE)
@pytest.mark.parametrize("name", FILES)
def test_other_files_are_refused(tiny_copy: Path, name: str, kind: str) -> None:
    PLACE[kind](tiny_copy / name)
    refused(tiny_copy)


def test_harmed_files_are_refused_before_they_are_parsed(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*args: object, **kwargs: object) -> None:
        raise AssertionError("parsed before it was verified")

    for target in (
        "Taxonomy.read",
        "Preparation.load",
        "Fusion.read",
        "Calibration.read",
        "Networks.load",
        "read_golden",
    ):
        monkeypatch.setattr(f"models.predictor.{target}", parse)
    (tiny_copy / "report.html").write_text("changed")
    assert "report.html" in refused(tiny_copy)


# Harm under a manifest that was made to fit: found by the parsers


@pytest.mark.parametrize("kind", ["empty", "half", "random", "pickle", "zip bomb"])
@pytest.mark.parametrize("name", PARSED)
def test_other_content_under_a_fitting_manifest_is_refused(tiny_copy: Path, name: str, kind: str) -> None:
    spoil_content(tiny_copy / name, kind)
    refused(reseal(tiny_copy))


@pytest.mark.parametrize("name", [*PARSED, "text.bin", "image.bin"])
def test_flipped_bits_under_a_fitting_manifest_load_or_are_refused(
    tiny_version: Path, tmp_path: Path, name: str
) -> None:
    """A bit in a label or in the last digit of a weight is nobody's harm; an error of another kind would be."""
    for number in range(5):
        copy = Path(shutil.copytree(tiny_version, tmp_path / str(number) / tiny_version.name))
        spoil_content(copy / name, "bit flip", str(number))
        with suppress(VersionRefused):
            Predictor.load(reseal(copy))


@pytest.mark.parametrize("modality", Modality)
def test_a_missing_network_under_a_fitting_manifest_is_refused(tiny_copy: Path, modality: Modality) -> None:
    (tiny_copy / f"{modality}.xml").unlink()
    (tiny_copy / f"{modality}.bin").unlink()
    assert modality in refused(reseal(tiny_copy))
