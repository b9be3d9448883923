"""What clients are promised changes when somebody decides so, and in sight of a review."""

from __future__ import annotations

import json
from pathlib import Path

from models.store import Store
from service.app import create_app
from service.settings import Settings

SNAPSHOT = Path(__file__).with_name("openapi.json")
COMMAND = ".venv-dev/bin/python -m pytest tests/contract/test_openapi_snapshot.py --update"


def test_the_document_is_the_one_that_was_agreed_to(tmp_path: Path, update: bool) -> None:
    app = create_app(Settings(store=Store(tmp_path / "store").root))
    document = json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"
    if update:
        SNAPSHOT.write_text(document, encoding="utf-8")
    assert document == SNAPSHOT.read_text(encoding="utf-8"), (
        f"The API has changed. If that is meant, run `{COMMAND}`, and say in CHANGELOG.md what changed."
    )
