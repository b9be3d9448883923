from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.__main__ import main
from models.listing import Modality
from models.versions.manifest import NetworkEntry, write_manifest
from models.versions.store import CURRENT, Store
from tests.models.tiny_version import make_version, reseal

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Commands:
    """Runs `python -m models` in this process on one store."""

    store: Store
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Answer:
        try:
            code = main(["--store", str(self.store.root), *arguments])
        except SystemExit as stop:  # argparse's own errors and --help
            code = stop.code  # type: ignore[assignment]
        out, err = self.capture.readouterr()
        assert "Traceback" not in err
        return Answer(code, out, err)


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two versions, nothing promoted."""
    root = tmp_path_factory.mktemp("cli") / "store"
    for day in (24, 25):
        make_version(root, day=day)
    return root


@pytest.fixture
def run(versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Commands on a copy of the two versions, the older one promoted."""
    store = Store(Path(shutil.copytree(versions, tmp_path / "store")))
    store.promote(store.versions()[1])
    return Commands(store, capsys)


@pytest.fixture
def names(run: Commands) -> tuple[str, str]:
    """Of the newer and the older version."""
    newer, older = run.store.versions()
    return newer, older


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(Store(tmp_path / "nowhere"), capsys)


def damage(store: Store, name: str, file: str = "text.bin") -> None:
    path = store.folder(name) / file
    path.write_bytes(path.read_bytes()[:-1])


def test_list_marks_the_version_that_is_served(run: Commands, names: tuple[str, str]) -> None:
    answer = run("list")
    assert answer == Answer(
        0, f"  {names[0]}  text: tiny-text, image: tiny-image\n* {names[1]}  text: tiny-text, image: tiny-image\n", ""
    )


def test_list_names_what_is_damaged_and_goes_on(run: Commands, names: tuple[str, str]) -> None:
    damage(run.store, names[0], "manifest.json")
    lines = run("list").out.splitlines()
    assert lines[0].startswith(f"  {names[0]}  version refused: ")
    assert lines[1].startswith(f"* {names[1]}  text: ")


def test_versions_of_a_day_are_in_the_order_in_which_they_were_sealed(run: Commands) -> None:
    facts = {"name": "plain", "classes": 2, "run": {}, "data": {}, "libraries": {}}
    network = NetworkEntry(name="none", parameters=1, precision="f32")
    sealed = {}
    for minute in (3, 1, 2, 5, 4):
        created = datetime(2026, 11, 26, 12, minute, tzinfo=UTC)
        with run.store.draft() as draft:
            version = write_manifest(draft, created=created, networks={Modality.TEXT: network}, **facts).version
            run.store.seal(draft, version)
        sealed[version] = minute
    times = [sealed[line.split()[0]] for line in run("list").out.splitlines() if "2026.11.26" in line]
    assert times == [5, 4, 3, 2, 1]


def test_nobody_reads_the_list_to_its_end(run: Commands) -> None:
    command = [sys.executable, "-m", "models", "--store", str(run.store.root), "list"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 0


def test_list_without_a_promotion_marks_nothing(run: Commands) -> None:
    (run.store.root / CURRENT).unlink()
    assert "*" not in run("list").out


def test_show_describes_the_current_version_or_the_one_named(run: Commands, names: tuple[str, str]) -> None:
    shown = run("show")
    assert shown.code == 0
    for part in (
        names[1],
        "2026-11-24 12:00 UTC",
        "tiny-text, 4,096 parameters, served in f32",
        "classes   4",
        "générée",
    ):
        assert part in shown.out
    assert "| test | text and photo | 120 | 0.750 (0.701-0.802) |" in shown.out
    assert run("show", names[0]).out == shown.out.replace(names[1], names[0]).replace("-11-24", "-11-25")


def test_show_metrics_is_the_table_alone(run: Commands) -> None:
    lines = run("show", "--metrics").out.splitlines()
    assert len(lines) == 2 + 4
    assert all(line.startswith("|") for line in lines)


@pytest.mark.parametrize(("file", "content"), [("metrics.json", "{}"), ("metrics.json", ""), ("manifest.json", "{}")])
def test_show_of_a_damaged_version_is_one_line(run: Commands, names: tuple[str, str], file: str, content: str) -> None:
    (run.store.folder(names[1]) / file).write_text(content)
    answer = run("show")
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert answer.err.startswith("models: version refused: ")


def test_verify_loads_the_version(run: Commands, names: tuple[str, str]) -> None:
    for arguments, name in (([], names[1]), ([names[0]], names[0]), (["--runtime", "openvino"], names[1])):
        answer = run("verify", *arguments)
        assert answer.code == 0
        assert answer.out.startswith(f"{name}: files, checksums and golden listings are right (")
        assert "categories: 4, modalities: image, text\n" in answer.out


@pytest.mark.parametrize("arguments", [["--runtime", "keras"], ["--parity", "--count", "3"]])
def test_verify_against_a_reference_that_is_not_there_fails(run: Commands, arguments: list[str]) -> None:
    answer = run("verify", *arguments)
    assert answer.code == 1
    assert answer.err.startswith("models: version refused: text.keras ")


def test_verify_of_a_damaged_version_says_what_is_wrong(run: Commands, names: tuple[str, str]) -> None:
    damage(run.store, names[0])
    answer = run("verify", names[0])
    assert answer == Answer(1, "", "models: version refused: text.bin has another size than the manifest says\n")


@pytest.mark.tensorflow
def test_verify_parity_compares_the_runtimes(tiny_keras_version: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = Commands(Store(tiny_keras_version.parent), capsys)(
        "verify", tiny_keras_version.name, "--parity", "--count", "20"
    )
    assert answer.code == 0
    assert "parity of Keras and OpenVINO on 20 listings: same top-1 100.00%" in answer.out


def test_a_damaged_version_is_not_promoted(run: Commands, names: tuple[str, str]) -> None:
    damage(run.store, names[0])
    before = {path.name: path.read_bytes() for path in run.store.root.iterdir() if path.is_file()}
    answer = run("promote", names[0])
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert run.store.current() == names[1]
    assert {path.name: path.read_bytes() for path in run.store.root.iterdir() if path.is_file()} == before


def test_a_version_whose_answers_changed_is_not_promoted(run: Commands, names: tuple[str, str]) -> None:
    folder = run.store.folder(names[0])
    fusion = folder / "fusion.json"
    fusion.write_text(fusion.read_text().replace('"weighted"', '"mean"'))
    answer = run("promote", reseal(folder).name)
    assert answer.code == 1
    assert answer.err.startswith("models: version refused: golden listing ")
    assert run.store.current() == names[1]


def test_rollback_goes_back_to_what_was_served_before(run: Commands, names: tuple[str, str]) -> None:
    run("promote", names[0])
    assert run("rollback") == Answer(0, f"serving {names[1]}\n", "")
    assert run.store.current() == names[1]
    assert run("rollback") == Answer(1, "", "models: No earlier version was promoted.\n")
    assert run.store.current() == names[1]


@pytest.mark.parametrize("command", ["show", "verify", "promote"])
@pytest.mark.parametrize("name", ["2026.11.25-unknown", "..", "../store", "/", "current", "a\nb", "\ud800"])
def test_an_unknown_version_is_a_wrong_call(run: Commands, names: tuple[str, str], command: str, name: str) -> None:
    answer = run(command, name)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"models: No such model version. {run.store.root} holds {names[0]}, {names[1]}.\n"
    assert run.store.current() == names[1]


@pytest.mark.parametrize("command", [["list"], ["show"], ["verify"], ["rollback"]])
def test_a_store_that_is_not_there(empty: Commands, command: list[str]) -> None:
    answer = empty(*command)
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert not empty.store.root.exists()


@pytest.mark.parametrize("promoted", ["2026.11.26-gone000", "../..", ""])
def test_a_current_that_names_no_version(run: Commands, promoted: str) -> None:
    (run.store.root / CURRENT).write_text(promoted)
    for command in (["show"], ["verify"]):
        answer = run(*command)
        assert answer.code in (1, 2)
        assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serve"],
        ["promote"],
        ["promote", "a", "b"],
        ["compare", "a", "b"],
        ["verify", "--count", "0"],
        ["verify", "--count", "-1"],
        ["verify", "--count", "many"],
        ["verify", "--runtime", "torch"],
        ["list", "--everything"],
    ],
)
def test_wrong_calls(run: Commands, arguments: list[str]) -> None:
    answer = run(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines()[-1].startswith("python -m models")


def test_the_command_itself(run: Commands, names: tuple[str, str]) -> None:
    """Once in a process of its own: exit codes reach the shell, and nothing else is printed."""

    def command(*arguments: str) -> tuple[int, str, str]:
        call = [sys.executable, "-m", "models", "--store", str(run.store.root), *arguments]
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    held = ", ".join(names)
    code, out, err = command("promote", names[0])
    assert (code, out.splitlines()[-1], err) == (0, f"serving {names[0]}", "")
    assert command("show", "nothing")[::2] == (2, f"models: No such model version. {run.store.root} holds {held}.\n")
    damage(run.store, names[1])
    assert command("rollback") == (1, "", "models: version refused: text.bin has another size than the manifest says\n")
    assert run.store.current() == names[0]
