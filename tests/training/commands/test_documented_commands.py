"""The commands that README and documents show work on the README's own catalogue and config, as they stand there."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
from pathlib import Path

import pytest

import models.__main__
import training.__main__
from tests.contract.documents.documents import read_document
from tests.models.tiny_version import CODES, COLOURS, listing, photo
from training.commands import evaluate_report

LIFECYCLE = read_document("docs/model-lifecycle.md")
(README_CONFIG,) = [block for block in read_document("README.md").blocks("toml") if "[catalogue]" in block]
FILES = ("mine.toml", "listings.csv", "labelled.csv")
TRAINS = ("run", "fuse")
COMMANDS = sorted(
    {
        command
        for command in LIFECYCLE.commands()
        if any(file in command for file in FILES) and not any(f" {name} " in command for name in TRAINS)
    }
)


@pytest.fixture
def shop(tmp_path: Path, tiny_version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder in which a reader types: the README's config, its catalogue of four categories, and a store."""
    shutil.copytree(tiny_version, tmp_path / "store" / tiny_version.name)
    (tmp_path / "photos").mkdir()
    rows = []
    for number in range(60):
        entry = listing(number % 4, description=number % 4)
        image = f"{number}.jpg"
        (tmp_path / "photos" / image).write_bytes(photo(COLOURS[number % 4]))
        title = f"{entry.designation} numéro {number}"  # no near-duplicates
        rows.append((title, entry.description, image.upper(), CODES[number % 4], ("train", "test")[number % 3 == 0]))
    table = [("title", "description", "image", "shelf", "split"), *rows]
    for name in FILES[1:]:
        with (tmp_path / name).open("w", encoding="cp1252", newline="") as file:
            csv.writer(file, delimiter=";").writerows(table)
    (tmp_path / "mine.toml").write_text(README_CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evaluate_report, "write_report", lambda path, *_: path.write_text("no plots"))


def test_the_commands_that_take_a_catalogue_are_there() -> None:
    shown = {re.sub(r".* -m (\w+ \w+) .*", r"\1", command) for command in COMMANDS}
    assert shown == {"training explore", "training audit", "training check", "training evaluate", "models compare"}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_works(tiny_version: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, package, *words = shlex.split(re.sub(r"VERSION(_[AB])?", tiny_version.name, command))
    if package == "models":
        code = models.__main__.main(["--store", "store", *words])
    else:
        takes_store = words[0] in ("evaluate", "audit")
        code = training.__main__.main([*words, *(["--store", "store"] if takes_store else [])])
    output = capsys.readouterr()
    assert code == 0, output.err
