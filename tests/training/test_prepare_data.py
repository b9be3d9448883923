"""Faults found once the catalogue is read and split, before anything is trained, by `check` and `run` alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.generated_catalogue import make_catalogue
from tests.training.tiny import CONFIG as TINY
from tests.training.tiny import TEXT_ONLY
from training.__main__ import main
from training.config.run import read_config
from training.pipeline import prepare_data
from training.workspace import Workspace

CONFIG = TINY.replace("[cross_fit]\nbelow = 0\n", "")  # a config has each table once
SOURCES = "(there are true, vote)"
COHORT = '[[cohorts]]\nname = "a"\nwhere = '
HOLDOUT = "[[split.holdout]]\ntest = 0.2\nwhere = "
MISSPELT = {
    COHORT + '{ label_source = ["true", "tru"] }': (
        f"cohorts.0.where.label_source: no row has the label source tru {SOURCES}"
    ),
    COHORT + '{ text_kind = ["orignal"] }': (
        "cohorts.0.where.text_kind: no row has the text kind orignal (there is original)"
    ),
    COHORT + '{ category = ["99"] }': (
        "cohorts.0.where.category: no row has the category 99 (there are 10, 1140, 2583)"
    ),
    HOLDOUT + '{ label_source = ["true", ""] }': (
        f'split.holdout.0.where.label_source: no row has the label source "" {SOURCES}'
    ),
    '[decision]\ntrusted = ["True"]': f"decision.trusted: no row has the label source True {SOURCES}",
    "[decision.reliability.votes]\nall = 0.8": (
        f"decision.reliability.votes: no row has the label source votes {SOURCES}"
    ),
    '[cross_fit.where]\nlabel_source = ["ture"]': (
        f"cross_fit.where.label_source: no row has the label source ture {SOURCES}"
    ),
    '[[cohorts]]\nname = "given"\ngiven = true': (
        "cohorts: no test listing that the networks could answer, so nothing could be evaluated"
    ),
}
"""Lines added to a config, and the message about them."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good catalogue."""
    make_catalogue(tmp_path / "data", classes=3, rows_per_class=12, side=40)
    return tmp_path


def command(folder: Path, name: str, config: str) -> list[str]:
    (folder / "tiny.toml").write_text(config, encoding="utf-8")
    store = ["--store", str(folder / "store")] if name == "run" else []
    return [name, str(folder / "tiny.toml"), *store, "--work", str(folder / "work")]


@pytest.mark.parametrize("name", ["check", "run"])
@pytest.mark.parametrize("lines", MISSPELT)
def test_what_no_row_has_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str], lines: str, name: str) -> None:
    assert main(command(folder, name, f"{CONFIG}\n{lines}\n")) == 2
    messages = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training: ")]
    assert messages == [f"training: {MISSPELT[lines]}"]
    assert not any(path.is_dir() for path in (folder / "work").glob("text*"))


def test_several_misspelt_values_are_a_line_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = '[decision]\ntrusted = ["truth", "vote"]\n[cross_fit.where]\ntext_kind = ["new"]'
    assert main(command(folder, "check", f"{CONFIG}\n{lines}\n")) == 2
    messages = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training: ")]
    assert [line.split(":")[1].strip() for line in messages] == ["cross_fit.where.text_kind", "decision.trusted"]


def test_a_cohort_without_test_listings_is_left_out_with_a_note(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohorts = '[[cohorts]]\nname = "given"\ngiven = true\n[[cohorts]]\nname = "taken"\ngiven = false'
    assert main(command(folder, "check", f"{CONFIG}\n{cohorts}\n")) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[split] note: ")]
    assert notes == ["[split] note: cohort 'given' has no test listing that the networks could answer: left out"]


def test_copies_stand_in_one_part_however_many(folder: Path) -> None:
    """Five listings 41 times each, with titles that alone would say too little or be taken for a stock phrase."""
    table = folder / "data" / "listings.csv"
    titles = ("Livre", "Voir la photo pour la description", "Lot de 2", "Piscine ronde en bois", "Figurine")
    copies = [
        f'{number},{title},"Neuf, état {title}",,{code},true,,original\n'
        for title, code in zip(titles, ("10", "10", "10", "2583", "1140"), strict=True)
        for number in range(41)
    ]
    copies = [f"{place}{line}" for place, line in enumerate(copies)]  # no listing id twice
    table.write_text(table.read_text(encoding="utf-8") + "".join(copies), encoding="utf-8")
    config = TEXT_ONLY.replace("[image]", '[catalogue.columns]\nimage = ""\n[image]').replace(
        'images = "data/images"\n', ""
    )
    (folder / "tiny.toml").write_text(config, encoding="utf-8")
    output: list[str] = []
    rows = prepare_data(read_config(folder / "tiny.toml"), Workspace(folder / "work", output.append)).rows
    assert set(rows["split"]) == {"train", "validation", "calibration", "test"}
    for title in titles:
        parts = rows["split"][rows["designation"] == title]
        assert (len(parts), parts.nunique()) == (41, 1)
    (line,) = [line for report in output for line in report.splitlines() if line.startswith("  near-duplicates ")]
    assert line.split()[-1] == "205"
