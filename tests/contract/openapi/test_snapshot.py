"""What clients are promised changes when somebody decides so, and in sight of a review."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SNAPSHOT = Path(__file__).with_name("openapi.json")
COMMAND = ".venv-dev/bin/python -m pytest tests/contract/openapi/test_snapshot.py --update"
PRINT = """
import json, sys
from pathlib import Path
from service.app import create_app
from service.settings import Settings
print(json.dumps(create_app(Settings(store=Path(sys.argv[1]))).openapi(), indent=1, ensure_ascii=False))
"""
"""In a process of its own: tests that hold answers to their shape make the same classes stricter."""


def test_the_document_is_the_one_that_was_agreed_to(tmp_path: Path, update: bool) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYKUTEN_")}
    document = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", PRINT, str(tmp_path)],
        cwd=SNAPSHOT.parents[3],
        env=kept,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    if update:
        SNAPSHOT.write_text(document, encoding="utf-8")
    assert document == SNAPSHOT.read_text(encoding="utf-8"), (
        f"The API has changed. If that is meant, run `{COMMAND}`, and say in CHANGELOG.md what changed."
    )
