"""What the README says is what the code does: its tables, its targets, its snippets."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from models.versions.metrics import quality_table, read_metrics
from models.versions.store import Store
from service.settings import settings_table
from tests.contract.documents.documents import documents, rewrite

ROOT = Path(__file__).parents[3]
UPDATE = ".venv-dev/bin/python -m pytest tests/contract/documents/test_readme.py --update"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """What stands between the README's markers of that name."""
    found = re.search(rf"<!-- {name}:begin -->\n(.*?)\n?<!-- {name}:end -->", README, re.DOTALL)
    assert found, name
    return found[1]


def snippets(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def check_generated(marker: str, content: str, *, update: bool) -> None:
    (document,) = (one for one in documents() if one.name == "README.md")
    if update:
        document = rewrite(document, marker, content)
    assert document.generated()[marker] == content, f"`{UPDATE}` writes it anew"


def test_the_settings_table_is_the_code_s(update: bool) -> None:
    check_generated("settings", settings_table(), update=update)


def test_the_quality_table_is_the_shipped_version_s(update: bool) -> None:
    store = Store(ROOT / "models" / "store")
    table = quality_table(read_metrics(store.folder(store.current())))
    check_generated("quality", table, update=update)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`|\d )make ([a-z]+)", text, re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert named <= targets


def test_every_target_is_explained_by_help() -> None:
    run = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("serve", "test", "check", "train", "lock"):
        assert re.search(rf"^  {target} +\S", run.stdout, re.MULTILINE), target


def test_make_train_runs_the_training_command() -> None:
    command = ["make", "--no-print-directory", "-n", "train", "CONFIG=mine.toml", "ARGS=--promote"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "-m training run mine.toml --promote" in run.stdout


def test_the_config_of_the_readme_is_a_config(tmp_path: Path) -> None:
    from training.config.run import read_config

    (config,) = snippets("toml")
    assert tomllib.loads(config)["catalogue"]["path"] == "listings.csv"
    (tmp_path / "mine.toml").write_text(config, encoding="utf-8")
    assert read_config(tmp_path / "mine.toml").catalogue.columns.designation == "title"


def test_the_library_snippet_predicts() -> None:
    (snippet,) = [snippet for snippet in snippets("python") if "Predictor" in snippet]
    run = subprocess.run([sys.executable, "-c", snippet], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "2583"
