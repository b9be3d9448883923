"""Settings and fixtures of every test. TensorFlow keeps quiet and to the CPU: figures do not depend on the machine."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from models.predictor import Predictor
    from tests.training.tiny import TinyRun

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

# Hypothesis measures no time: a pause of the machine is no finding. Tests of time limits measure it themselves.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

OUT_OF_TIME = "out of time"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for longer runs, for a run that has to end in time, and for generated files.

    `pytest tests/contract --update` rewrites the API's document and the README's answers.
    """
    parser.addoption("--fuzz", type=int, default=1, help="factor on the number of generated requests (1)")
    parser.addoption("--update", action="store_true", help="rewrite the files that tests compare generated parts with")
    parser.addoption("--until", type=float, metavar="SECONDS", help="skip tests that would begin after this Unix time")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file on one worker, and all files that share a trained version on one worker together."""
    from xdist.scheduler import LoadScopeScheduling

    @cache
    def scope_of(path: str) -> str:
        return "tiny_run" if "tiny_run" in (config.rootpath / path).read_text(encoding="utf-8") else path

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid.partition("::")[0])

    return ByFile(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin no test after `--until`: a run that is out of time ends cleanly, and what failed before still fails it."""
    until = item.config.getoption("--until")
    if until is not None and time.time() > until:
        pytest.skip(OUT_OF_TIME)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests there was no time for."""
    skipped = sum(OUT_OF_TIME in str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    if skipped:
        terminalreporter.write_line(f"Out of time: {skipped} tests were not run. This is no failure.", yellow=True)


@pytest.fixture(scope="session")
def fuzz(request: pytest.FixtureRequest) -> int:
    """The factor on the number of generated requests."""
    return int(request.config.getoption("--fuzz"))


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether to rewrite a generated part rather than to compare it."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def tiny_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sealed tiny version with text and photos, alone in its store. Shared: not to be changed."""
    from tests.models.tiny_version import make_version

    root = tmp_path_factory.mktemp("tiny") / "store"
    return root / make_version(root)


@pytest.fixture
def tiny_copy(tiny_version: Path, tmp_path: Path) -> Path:
    """A copy of the tiny version, for a test to spoil; its parent is a store with nothing promoted."""
    return Path(shutil.copytree(tiny_version, tmp_path / "store" / tiny_version.name))


@pytest.fixture(scope="session")
def tiny_predictor(tiny_version: Path) -> Predictor:
    """The tiny version, loaded."""
    from models.predictor import Predictor

    return Predictor.load(tiny_version)


@pytest.fixture(scope="session")
def tiny_keras_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny version with the networks' `.keras` twins as well; for tests that are marked `tensorflow`."""
    from tests.models.tiny_version import make_version

    root = tmp_path_factory.mktemp("tiny-keras") / "store"
    return root / make_version(root, keras=True)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyRun]:
    """One run of the training command, trained once: all its tests are on one worker. For `tensorflow` tests."""
    from tests.training.tiny import run_tiny

    folder = tmp_path_factory.mktemp("run")
    yield run_tiny(folder)
    shutil.rmtree(folder)  # 300 MB
