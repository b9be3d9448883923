"""Finished stages are found again, unfinished ones are not, and a key depends on all inputs of a result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from training import workspace
from training.workspace import Workspace


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def work(tmp_path: Path, lines: list[str]) -> Workspace:
    return Workspace(tmp_path / "runs", lines.append)


def writes(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "result.txt").open("a").write(text) and None


def test_a_finished_stage_is_kept_and_not_made_again(work: Workspace, lines: list[str]) -> None:
    first = work.stage("text", {"rows": 3}, writes("a"))
    again = work.stage("text", {"rows": 3}, writes("b"))
    assert (first.folder / "result.txt").read_text() == "a"
    assert again == first
    assert lines == [
        f"[text] starting ({first.key})",
        f"[text] finished in {first.seconds} s",
        f"[text] done before, kept ({first.key})",
    ]


def test_another_process_finds_it_too(work: Workspace) -> None:
    first = work.stage("text", {"rows": 3}, writes("a"))
    assert Workspace(work.root, lambda line: None).stage("text", {"rows": 3}, writes("b")) == first


def test_the_key_depends_on_name_and_inputs_and_not_on_their_order(work: Workspace) -> None:
    inputs = ({"a": 1, "b": [1, 2]}, {"a": 2, "b": [1, 2]}, {"a": 1, "b": [2, 1]}, {"a": "1", "b": [1, 2]}, {"a": 1})
    stages = [work.stage("text", entry, writes("x")) for entry in inputs]
    stages.append(work.stage("image", inputs[0], writes("x")))
    assert len({stage.key for stage in stages}) == len({stage.folder for stage in stages}) == len(stages)
    assert work.stage("text", {"b": [1, 2], "a": 1}, writes("y")) == stages[0]


def test_the_key_depends_on_the_code_s_format(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = work.stage("text", {}, writes("x"))
    monkeypatch.setattr(workspace, "FORMAT", workspace.FORMAT + 1)
    assert work.stage("text", {}, writes("x")).key != before.key


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_stage_gets_its_folder_again(work: Workspace, error: type[BaseException]) -> None:
    def interrupted(folder: Path) -> None:
        writes("half ")(folder)
        raise error

    for _ in range(2):  # that it was started before is no reason to take it for finished
        with pytest.raises(error):
            work.stage("image", {}, interrupted)
    stage = work.stage("image", {}, writes("whole"))
    assert (stage.folder / "result.txt").read_text() == "half half whole"


def test_a_stage_without_its_mark_is_not_finished(work: Workspace) -> None:
    stage = work.stage("text", {}, writes("a"))
    (stage.folder / workspace.DONE).unlink()
    work.stage("text", {}, writes("b"))
    assert (stage.folder / "result.txt").read_text() == "ab"


def test_a_finished_stage_tells_what_it_was_made_of(work: Workspace) -> None:
    stage = work.stage("text", {"seed": 7}, writes("a"))
    assert json.loads((stage.folder / workspace.DONE).read_text()) == {"inputs": {"seed": 7}, "seconds": stage.seconds}
    assert not list(stage.folder.glob(".*"))
