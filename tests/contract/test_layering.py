"""What an import may cost: serving works without TensorFlow, and importing does nothing but define."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TENSORFLOW = {"tensorflow", "keras"}
WEB = {"fastapi", "starlette", "uvicorn", "pydantic_settings"}
SUBMODULES = """
import pkgutil
import {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    if not module.name.endswith("__main__") and module.name not in {without}:
        __import__(module.name)
"""


def loaded_by(code: str) -> set[str]:
    """Top-level names of what a fresh interpreter has loaded after `code`; None in `sys.modules` blocks an import."""
    report = "import json, sys; print(json.dumps(sorted({n.split('.')[0] for n, m in sys.modules.items() if m})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def every_module_of(package: str, without: Iterable[str] = ()) -> str:
    """Code that imports all modules of a package."""
    return SUBMODULES.format(package=package, without=set(without) or "()")


def test_the_kernel_imports_neither_tensorflow_nor_the_web() -> None:
    loaded = loaded_by(every_module_of("models", without={"models.networks.keras"}))
    assert "models" in loaded
    assert not loaded & (TENSORFLOW | WEB | {"training", "service"})


def test_the_service_imports_neither_tensorflow_nor_training() -> None:
    loaded = loaded_by(every_module_of("service"))
    assert {"service", "models", "fastapi"} <= loaded
    assert not loaded & (TENSORFLOW | {"training", "sklearn", "pandas", "matplotlib"})


def test_training_imports_nothing_of_the_web() -> None:
    loaded = loaded_by("import training, training.config.run")
    assert "training" in loaded
    assert not loaded & (WEB | {"service"})


@pytest.mark.parametrize("package", ["models", "training", "service"])
def test_help_comes_without_tensorflow(package: str) -> None:
    code = (
        "import runpy, sys\n"
        f"sys.argv = [{package!r}, '--help']\n"
        "try:\n"
        f"    runpy.run_module({package!r}, run_name='__main__', alter_sys=True)\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code, stop.code\n"
    )
    assert not loaded_by(code) & TENSORFLOW


def test_openvino_reports_to_nobody() -> None:
    """Its optional companion sends usage figures over the network at `import openvino` unless it is kept out."""
    assert "openvino_telemetry" not in loaded_by("from models.networks.openvino import cpu_precision\ncpu_precision()")
