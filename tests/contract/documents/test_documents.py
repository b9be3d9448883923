"""The commands, snippets, configs and links of every document work, against a real service and a copy of the store."""

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
from collections.abc import Callable
from pathlib import Path

import pytest

import models.__main__
import service.__main__
import training.__main__
from models.versions.store import Store
from tests.contract.documents.documents import ROOT, Document, check_generated, documents, read_document
from tests.models.tiny_version import make_version
from training.config.run import read_config

DOCUMENTS = documents()
COMMANDS = [(document.name, command) for document in DOCUMENTS for command in document.commands()]
SNIPPETS = [snippet for document in DOCUMENTS for snippet in document.blocks("python")]
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)

NOT_RUN = {
    "make": "test_readme.py looks for the targets, tests/e2e/test_make_serve.py serves; this is `make test`",
    "docker": "needs Docker; test_monitoring.py and test_deploy.py look at the compose file and the image",
    "kubectl": "needs a cluster; test_deploy.py looks at the manifests",
    ".venv-dev/bin/python -m training": "takes minutes and data: tests/training does; the arguments are parsed here",
    ".venv-dev/bin/python -m pytest": "it would run itself",
    ".venv/bin/python -m models compare": "needs two versions and labelled listings: tests/models/test_cli.py",
}
"""The beginnings of commands that are not run, with the reason."""
PLACEHOLDERS = ("VERSION_A", "VERSION_B", "VERSION")


def not_run(command: str) -> str | None:
    command = re.sub(r"^(?:[A-Z_]+=\S+ )+", "", command)  # variables that are set for it
    return next((start for start in NOT_RUN if command == start or command.startswith(f"{start} ")), None)


RUN = list(dict.fromkeys(command for _, command in COMMANDS if not_run(command) is None))


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


def run(clone: Path, server: str, words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [re.sub(r"(http://)?localhost:8000", server, word) for word in words],
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
    done = run(clone, server, ["bash", "-c", command])
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


def test_the_answer_in_the_readme_is_the_service_s(clone: Path, server: str) -> None:
    readme = read_document("README.md")
    printed = json.loads(readme.blocks("json")[0])
    command = next(command for command in readme.commands() if command.startswith("curl"))
    answer = json.loads(run(clone, server, ["bash", "-c", command]).stdout)
    assert printed.keys() <= answer.keys()
    for field in ("category", "prediction_set", "modalities", "model"):
        assert printed[field] == answer[field]
    assert printed["decision"]["action"] == answer["decision"]["action"]
    assert printed["confidence"] == pytest.approx(answer["confidence"], abs=0.05)  # bfloat16 is not everywhere


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippets_run(clone: Path, server: str, snippet: str) -> None:
    done = run(clone, server, [sys.executable, "-c", snippet])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if "raise SystemExit" in snippet:
        assert done.stdout.strip() == "file under 2583"
    if "Predictor" in snippet:
        assert done.stdout.strip() == "2583"


def test_every_reason_not_to_run_a_command_is_needed() -> None:
    assert {not_run(command) for _, command in COMMANDS} - {None} == set(NOT_RUN)
    assert len(RUN) >= 8


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


def test_the_arguments_of_every_command_parse() -> None:
    calls = [
        (name, [match[1], *match[2].split()])
        for name, command in COMMANDS
        if (match := re.match(r"\.venv(?:-dev)?/bin/python -m (models|training) (.*)", command))
    ]
    assert [call for call in calls if not parses(call[1])] == []
    assert len(calls) >= 10
    assert not parses(["training", "run", "--no-such-option", "mine.toml"])


@each_document
def test_commands_in_sentences_exist(document: Document) -> None:
    """`models promote` in a sentence may lack its arguments, but not its name."""
    for package, command, *_ in document.inline_commands():
        assert parses([package, command, "--help"]), f"{package} {command}"


@each_document
def test_blocks_are_of_a_language_that_is_checked(document: Document, tmp_path: Path) -> None:
    assert document.languages() <= {"sh", "python", "toml", "json", "mermaid", "text"}
    for block in document.blocks("json"):
        json.loads(block)
    for block in document.blocks("toml"):
        (tmp_path / "mine.toml").write_text(block, encoding="utf-8")
        assert read_config(tmp_path / "mine.toml").name == "mine"


@each_document
def test_links_lead_somewhere(document: Document) -> None:
    for link in document.links():
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), link
            continue
        name, _, anchor = link.partition("#")
        target = (document.path.parent / name).resolve() if name else document.path
        assert target.exists(), link
        if anchor:
            assert anchor in read_document(str(target.relative_to(ROOT))).anchors(), link


@each_document
def test_paths_in_sentences_exist(document: Document) -> None:
    """Names in backticks that look like a path of the project, such as `service/engine/worker.py`."""
    if document.name == "CHANGELOG.md":  # history may name what is gone
        return
    paths = re.findall(r"`((?:models|training|service|tests|docs|deploy|examples)/[\w./-]+)`", document.text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_index_of_decisions_lists_every_record(update: bool) -> None:
    records = [document for document in DOCUMENTS if re.search(r"decisions/\d{4}-", document.name)]
    lines = [f"- [{record.text.splitlines()[0].removeprefix('# ')}]({record.path.name})" for record in records]
    check_generated("docs/decisions/README.md", "records", "\n".join(lines), update=update)


def test_every_document_is_linked_from_the_readme() -> None:
    by_path = {document.path: document for document in DOCUMENTS}
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in by_path and path not in reached:
            reached.add(path)
            links = [link.partition("#")[0] for link in by_path[path].links() if "://" not in link]
            waiting += [(path.parent / link).resolve() for link in links if link]
    assert reached == set(by_path)


def test_the_folder_of_a_version_is_described() -> None:
    text = read_document("docs/architecture.md").text
    (described,) = re.findall(r"^```text\n(models/store.*?)^```$", text, re.MULTILINE | re.DOTALL)
    store = Store(ROOT / "models" / "store")
    names = [path.name.replace(".bin", ".xml") for path in store.folder(store.current()).iterdir()]
    assert [name for name in names if name not in described] == []  # `text.xml/.bin` stands for both
