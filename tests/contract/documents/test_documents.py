"""Whatever a document tells people to type is typed here, against a real service and a copy of the store."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import models.__main__
import service.__main__
import training.__main__
from models.networks.runtime import available_precision
from models.versions.golden import TOLERANCE
from models.versions.manifest import read_manifest
from models.versions.store import Store
from tests.contract.documents.documents import Document, documents, inline_commands, rewrite
from tests.contract.documents.printed_answers import printed, read_printed
from tests.contract.real_server import ROOT
from tests.models.tiny_version import make_version
from training.config.run import read_config
from training.publishing.precision import GOLDEN_SHARE

DOCUMENTS = documents()
README = next(one for one in DOCUMENTS if one.name == "README.md")
COMMANDS = [(one.name, command) for one in DOCUMENTS for command in one.commands()]
SNIPPETS = [(one.name, snippet) for one in DOCUMENTS for snippet in one.blocks("python")]
UPDATE = ".venv-dev/bin/python -m pytest tests/contract/documents --update"

NOT_RUN = {
    "make": "test_readme.py looks for the targets, tests/e2e/test_make_serve.py serves; this is `make test`",
    "docker": "needs Docker; test_monitoring.py and test_kubernetes.py look at the compose file and the image",
    "kubectl": "needs a cluster; test_kubernetes.py looks at the manifests",
    ".venv-dev/bin/python -m training": "takes minutes and data: tests/training does; the arguments are parsed here",
    ".venv-dev/bin/python -m pytest": "it would run itself",
    ".venv/bin/python -m models compare": "needs two versions and labelled listings: tests/models/test_cli.py",
}
"""The beginnings of commands that are not run, with the reason."""
PLACEHOLDERS = ("VERSION_A", "VERSION_B", "VERSION")
LANGUAGES = {"sh", "python", "toml", "json", "mermaid", "text"}


def not_run(command: str) -> str | None:
    command = re.sub(r"^(?:[A-Z_]+=\S+ )+", "", command)  # variables that are set for it
    return next((start for start in NOT_RUN if command == start or command.startswith(f"{start} ")), None)


RUN = list(dict.fromkeys(command for _, command in COMMANDS if not_run(command) is None))
"""The others, each once."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the project's, in which commands may write; its store has one more version, promoted earlier."""
    folder = tmp_path_factory.mktemp("clone")
    for path in ROOT.iterdir():
        # With the Makefile, a command could make the environments anew: the one that these tests run in.
        if path.name not in (".venv", ".venv-dev", "models", ".git", "Makefile"):
            (folder / path.name).symlink_to(path)
    for name in (".venv", ".venv-dev"):
        (folder / name).symlink_to(sys.prefix)
    (folder / "models").mkdir()
    for path in (ROOT / "models").iterdir():
        if path.name not in ("store", "__pycache__"):
            (folder / "models" / path.name).symlink_to(path)
    shipped = Store(ROOT / "models" / "store").current()
    store = Store(folder / "models" / "store")
    store.promote(make_version(store.root))
    shutil.copytree(ROOT / "models" / "store" / shipped, store.root / shipped)
    store.promote(shipped)
    return folder


def run(clone: Path, server: str, command: list[str] | str) -> subprocess.CompletedProcess[str]:
    words = ["bash", "-c", command] if isinstance(command, str) else command
    return subprocess.run(
        [word.replace("http://localhost:8000", server).replace("localhost:8000", server) for word in words],
        cwd=clone,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "PYTHONPATH": str(clone)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="requests are written for curl")
@pytest.mark.parametrize("command", RUN)
def test_commands_run(clone: Path, server: str, command: str) -> None:
    store = Store(clone / "models" / "store")
    before = store.current()
    for placeholder in PLACEHOLDERS:
        command = command.replace(placeholder, before)
    done = run(clone, server, command)
    assert done.returncode == 0, done.stderr
    if ">>" in command:
        assert (clone / command.split(">>")[1].strip()).read_text().count("\n") >= 1
    else:
        assert done.stdout.strip()
    if command.startswith("curl") and "/metrics" not in command:
        for line in done.stdout.splitlines():
            assert json.loads(line).get("status", 200) == 200
    if command.endswith("rollback"):
        assert store.current() != before
        store.promote(before)


@pytest.mark.parametrize(("name", "snippet"), SNIPPETS)
def test_snippets_run(clone: Path, server: str, name: str, snippet: str) -> None:
    done = run(clone, server, [sys.executable, "-c", snippet])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_client_says_where_to_file_it(clone: Path, server: str) -> None:
    (snippet,) = [text for _, text in SNIPPETS if "raise SystemExit" in text]
    assert run(clone, server, [sys.executable, "-c", snippet]).stdout.strip() == "file under 2583"


def test_nothing_is_left_out_for_a_reason_that_is_gone() -> None:
    assert {not_run(command) for _, command in COMMANDS} - {None} == set(NOT_RUN)
    assert len(RUN) >= 12


PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "models": models.__main__._parser,
    "training": training.__main__._parser,
    "service": service.__main__._parser,
}


def parses(words: list[str]) -> bool:
    """Whether a program takes these arguments; `VERSION` and file names are as good as real ones."""
    package, *arguments = words
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            PARSERS[package]().parse_args(arguments)
        except SystemExit as stop:
            return stop.code == 0  # --help
    return True


def test_commands_that_are_not_run_are_right_at_least_in_form() -> None:
    looked_at = 0
    for name, command in COMMANDS:
        if match := re.match(r"\.venv(?:-dev)?/bin/python -m (models|training) (.*)", command):
            assert parses([match[1], *match[2].split()]), (name, command)
            looked_at += 1
    assert looked_at >= 10
    assert not parses(["training", "run", "--no-such-option", "mine.toml"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_commands_in_sentences_exist(document: Document) -> None:
    """`models promote` in a sentence may lack its arguments, but not its name."""
    for package, command, *_ in inline_commands(document.text):
        assert parses([package, command, "--help"]), f"{package} {command}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_blocks_say_what_they_are(document: Document) -> None:
    assert document.languages() <= LANGUAGES
    for block in document.blocks("json"):
        json.loads(block)


def test_configs_are_configs(tmp_path: Path) -> None:
    blocks = [block for document in DOCUMENTS for block in document.blocks("toml")]
    for number, block in enumerate(blocks):
        assert tomllib.loads(block)
        path = tmp_path / f"{number}.toml"
        path.write_text(block, encoding="utf-8")
        assert read_config(path).name == "mine"
    assert len(blocks) >= 2


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_links_lead_somewhere(document: Document) -> None:
    by_path = {one.path: one for one in DOCUMENTS}
    for link in document.links():
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), link
            continue
        name, _, anchor = link.partition("#")
        target = (document.path.parent / name).resolve() if name else document.path
        assert target.exists(), link
        if anchor:
            assert anchor in by_path[target].anchors(), link


def test_every_document_can_be_found() -> None:
    """From the README, link by link."""
    by_path = {one.path: one for one in DOCUMENTS}
    seen: set[Path] = set()
    waiting = [README.path]
    while waiting:
        path = waiting.pop()
        if path in by_path and path not in seen:
            seen.add(path)
            links = [link.partition("#")[0] for link in by_path[path].links() if "://" not in link]
            waiting += [(path.parent / link).resolve() for link in links if link]
    assert seen == set(by_path)


def test_the_folder_of_a_version_is_described() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (described,) = re.findall(r"^```text\n(models/store.*?)^```$", text, re.MULTILINE | re.DOTALL)
    store = Store(ROOT / "models" / "store")
    for path in store.folder(store.current()).iterdir():
        shown = path.name.replace(".bin", ".xml")  # as `text.xml/.bin`
        assert shown in described, path.name


def test_diagrams_are_of_a_kind_that_is_drawn() -> None:
    """No renderer here; what breaks one most easily is looked for."""
    diagrams = [block for document in DOCUMENTS for block in document.blocks("mermaid")]
    assert len(diagrams) >= 5
    for diagram in diagrams:
        assert re.match(r"flowchart (LR|TB)\n|sequenceDiagram\n", diagram)
        assert ";" not in diagram
        for line in diagram.splitlines():
            assert line.count('"') % 2 == 0, line
            for pair in ("[]", "()", "{}"):
                assert line.count(pair[0]) == line.count(pair[1]), line


ANSWERS = {"answer": "/predict/text", "answer-photo": "/predict/image", "answer-both": "lang=de"}
"""The README's answers, and what tells the command that they are the answers to."""


@pytest.mark.parametrize("marker", ANSWERS)
def test_printed_answers_are_the_ones_given(clone: Path, server: str, marker: str, update: bool) -> None:
    command = next(command for command in README.commands() if re.search(ANSWERS[marker], command))
    given = json.loads(run(clone, server, command).stdout)
    same_precision = shipped_precision() == available_precision()
    if update and not same_precision:
        pytest.skip("the README shows answers in bfloat16, which this processor has not")
    document = rewrite(README, marker, printed(given)) if update else README
    shown = read_printed(document.generated()[marker])
    if not same_precision:  # bfloat16 rounds to 8 bits: the order of nearly equal categories is another one in float32
        shown, given = _without_near_ties(shown), _without_near_ties(given)
    assert _rounded(shown) == _rounded(given), f"Another version answers otherwise. If it should: `{UPDATE}`"
    # In one precision another processor adds up in another order; between the two, what publishing allows.
    allowed = 0.02 if same_precision else GOLDEN_SHARE * TOLERANCE["bf16"]
    assert _confidences(shown) == pytest.approx(_confidences(given), abs=allowed)


def shipped_precision() -> str:
    """What the README's answers were computed in."""
    networks = read_manifest(ROOT / "models/store" / (ROOT / "models/store/current").read_text().strip()).networks
    return "bf16" if any(entry.precision == "bf16" for entry in networks.values()) else "f32"


def _without_near_ties(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with the winner of each list of categories alone."""
    kept = {"prediction_set": answer["prediction_set"] | {"codes": answer["prediction_set"]["codes"][:1]}}
    kept["predictions"] = answer["predictions"][:1]
    kept["by_modality"] = {name: one[:1] for name, one in answer["by_modality"].items() if one}
    return answer | kept


def _rounded(value: Any) -> Any:
    """An answer without its numbers."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return None if isinstance(value, float) else value


def _confidences(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for one in value.values() for number in _confidences(one)]
    if isinstance(value, list):
        return [number for one in value for number in _confidences(one)]
    return [value] if isinstance(value, float) else []
