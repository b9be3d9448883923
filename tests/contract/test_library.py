"""The library example in the docstring of `models.predictor` is five lines, and they work as they stand."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import models.predictor
from models.versions.store import Store
from tests.models.tiny_networks import WORDS
from tests.models.tiny_version import CODES

ROOT = Path(__file__).parents[2]


def example() -> list[str]:
    """The lines of code in the docstring, after its first paragraph."""
    docstring = models.predictor.__doc__ or ""
    return [line for line in docstring.partition("\n\n")[2].splitlines() if line.strip()]


def test_the_example_works(tiny_version: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "models" / "store")
    shutil.copytree(tiny_version, store.root / tiny_version.name)
    store.promote(tiny_version.name)
    code = "\n".join(example())
    assert "Matelas de piscine gonflable" in code
    (tmp_path / "example.py").write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{code}\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{CODES[WORDS.index('piscine')]}\n"
