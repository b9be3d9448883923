"""What holds for every test: TensorFlow keeps quiet and to the CPU, so that figures do not depend on the machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from models.predictor import Predictor
    from tests.training.tiny import TinyRun

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

# A pause of the machine is no finding of Hypothesis' tests; those of time limits measure the time themselves.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for longer runs than a suite has time for, and for what the code makes.

    `pytest tests/contract --update` rewrites the API's document and the README's answers.
    """
    parser.addoption("--fuzz", type=int, default=1, help="how many times as many made-up requests as usual (1)")
    parser.addoption("--kills", type=int, default=50, help="random moments at which publishing is killed (50)")
    parser.addoption("--update", action="store_true", help="rewrite the files that tests compare generated parts with")


@pytest.fixture(scope="session")
def fuzz(request: pytest.FixtureRequest) -> int:
    """How many times as many made-up requests as usual."""
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
    """As `tiny_version`, with the networks' `.keras` twins; for tests that are marked `tensorflow`."""
    from tests.models.tiny_version import make_version

    root = tmp_path_factory.mktemp("tiny-keras") / "store"
    return root / make_version(root, keras=True)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyRun]:
    """A whole run of the training command, seconds long. Shared; for tests that are marked `tensorflow`."""
    from tests.training.tiny import run_tiny

    folder = tmp_path_factory.mktemp("run")
    yield run_tiny(folder)
    shutil.rmtree(folder)  # 300 MB
