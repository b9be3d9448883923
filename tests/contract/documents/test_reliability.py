"""`docs/reliability.md` names a test for each promise; the tests are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_\w+)`", DOCUMENT)
ROW = re.compile(r"^\| (F?\d+) \|.*\|$", re.MULTILINE)


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_test_that_is_named_exists() -> None:
    missing = [f"{path}::{name}" for path, name in NAMED if not (ROOT / path).is_file() or name not in names_in(path)]
    assert missing == []


def test_every_promise_names_a_test() -> None:
    rows = {match[1]: match[0] for match in ROW.finditer(DOCUMENT)}
    assert set(rows) == {str(n) for n in range(1, 28)} | {f"F{n}" for n in range(1, 15)}
    assert [row for row in rows.values() if "::test_" not in row] == []


def test_nothing_that_looks_like_a_test_is_overlooked() -> None:
    assert len(NAMED) == DOCUMENT.count("::") > 80
