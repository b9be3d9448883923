"""The command: what it says and returns on good and bad input, before any long work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from models.versions.store import Store
from tests.training.generated_catalogue import make_catalogue
from tests.training.tiny import CONFIG, ROOT, TEXT_ONLY
from training.__main__ import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good catalogue and config."""
    make_catalogue(tmp_path / "data", classes=3, rows_per_class=12, side=40)
    (tmp_path / "tiny.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def arguments(folder: Path, command: str = "run") -> list[str]:
    store = ["--store", str(folder / "store")] if command == "run" else []
    return [command, str(folder / "tiny.toml"), *store, "--work", str(folder / "work")]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def name_no_texts(folder: Path) -> None:
    path = folder / "data" / "listings.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table[table["image"] != ""].assign(designation="", description="").to_csv(path, index=False)


def edited(name: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda folder: edit(folder / name, old, new)


CONFIG_FILE, TABLE = "tiny.toml", "data/listings.csv"
A_SINGLE_LISTING = edited(TABLE, "text_kind\n", "text_kind\n999999,Chose unique,,,9999,true,,original\n")
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing column": (
        edited(TABLE, "designation", "title"),
        "listings.csv: no column designation (columns: ",
    ),
    "category seen once": (A_SINGLE_LISTING, "listings.csv: category 9999 has 1 usable rows, 5 are need"),
    "no image folder": (
        lambda folder: (folder / "data" / "images").rename(folder / "data" / "elsewhere"),
        "catalogue.images: no folder images",
    ),
    "unknown field": (
        edited(CONFIG_FILE, "learning_rate", "learning_rat"),
        "tiny.toml: text.learning_rat: unknown field",
    ),
    "no config": (lambda folder: (folder / "tiny.toml").unlink(), "tiny.toml: No such file or directory"),
    "no calibration": (
        edited(CONFIG_FILE, "validation = 0.1\ncalibration = 0.2", "validation = 0.3\ncalibration = 0.0"),
        "split.calibration: no row is in it",
    ),
    "no photos": (
        edited(CONFIG_FILE, 'images = "data/images"', 'columns = { image = "" }'),
        'image.network is vgg16, but no training row has a photo; write [image] network = "none"',
    ),
    "no texts": (name_no_texts, 'text.network is ngrams, but no training row has text; write [text] network = "none"'),
    "no category": (edited(TABLE, ",2583,", ",,"), "listings.csv: 1 rows have no category (rows "),
}


@pytest.mark.parametrize(("command", "fault"), [("check", "no photos"), *(("run", fault) for fault in FAULTS)])
def test_bad_input_is_one_clear_line_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, fault: str
) -> None:
    spoil, line = FAULTS[fault]
    spoil(folder)
    assert main(arguments(folder, command)) == 2
    (message,) = [text for text in capsys.readouterr().err.splitlines() if "training: " in text]
    assert message.startswith(f"training: {line}")
    assert str(folder) not in message
    assert Store(folder / "store").versions() == []
    assert not any(path.is_dir() for path in (folder / "work" / "tiny").glob("text*"))


def test_bad_input_is_found_before_tensorflow_is_imported(folder: Path) -> None:
    """In a process of its own, as the command runs."""
    A_SINGLE_LISTING(folder)
    code = (
        "import sys; from training.__main__ import main; code = main(sys.argv[1:]); "
        "print('imported', {'tensorflow', 'keras'} & sys.modules.keys()); sys.exit(code)"
    )
    command = [sys.executable, "-c", code, *arguments(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout.endswith("imported set()\n")
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "training: listings.csv: category 9999 has 1 usable rows, 5 are needed"


@pytest.mark.parametrize("options", [[], ["fly"], ["run"]])
def test_a_wrong_call_is_exit_code_2(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(options)
    assert stopped.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.tensorflow
def test_a_cut_that_the_network_does_not_have_is_found_before_text_is_trained(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "tiny.toml", "views = 1", 'views = 1\nfine_tune_from = "block4_pol"')
    assert main(arguments(folder)) == 2
    (message,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training: ")]
    assert message.startswith("training: image.fine_tune_from: network vgg16 has no layer block4_pol; it can be after ")
    assert "block4_pool" in message
    assert not any(path.is_dir() for path in (folder / "work" / "tiny").glob("text*"))


def test_check_reports_and_trains_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(folder, "check")) == 0
    out = capsys.readouterr().out
    assert "The catalogue can be trained on." in out
    assert "[split] calibration " in out
    assert [path.name for path in (folder / "work" / "tiny").iterdir()] == ["photo-hashes"]


def test_the_seed_of_the_command_line_is_the_run_s(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setattr("training.pipeline.prepare_data", lambda config, workspace: seeds.append(config.seed))
    for options in ([], ["--seed", "11"]):
        assert main([*arguments(folder, "check"), *options]) == 0
    assert seeds == [3, 11]


def test_a_store_that_cannot_be_written_is_found_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "store").write_text("a file")
    assert main(arguments(folder)) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("training: store: cannot write to ")
    assert "[data]" not in captured.out


def test_ctrl_c_ends_the_process_with_one_line(folder: Path) -> None:
    """The signal itself, sent to a process of its own in the middle of a stage."""
    code = (
        "import os, signal, sys; "
        # A shell starts what runs in the background with the signal ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler); "
        "import training.fitting.text_stages; from training.__main__ import main; "
        "training.fitting.text_stages.make_text_features = lambda *_: os.kill(os.getpid(), signal.SIGINT); "
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, *arguments(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1].startswith("training: interrupted; finished stages are kept")
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1].startswith("[text-features] starting")  # not lost in a buffer
    assert list((folder / "store").iterdir()) == []


def test_a_full_disk_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.fitting.text_stages.make_text_features", fail)
    (folder / "tiny.toml").write_text(TEXT_ONLY, encoding="utf-8")
    assert main(arguments(folder)) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "training: No space left on device"
    assert list((folder / "store").iterdir()) == []
