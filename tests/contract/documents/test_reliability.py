"""`docs/reliability.md` names a test for each promise; the tests are there."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.contract.documents.documents import ROOT, read_document

DOCUMENT = read_document("docs/reliability.md").text
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", DOCUMENT)
ROW = re.compile(r"^\| (F?\d+) \|.*\|$", re.MULTILINE)
PROMISES = {str(number) for number in range(1, 28)} | {f"F{number}" for number in range(1, 15)}


@cache
def names_in(path: str) -> frozenset[str]:
    """The functions of a test file; none where there is no such file."""
    if not (ROOT / path).is_file():
        return frozenset()
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_test_that_is_named_exists() -> None:
    assert [f"{path}::{name}" for path, name in NAMED if name not in names_in(path)] == []
    assert len(NAMED) == DOCUMENT.count("::") > 80  # no id in another spelling is overlooked


def test_every_promise_names_a_test() -> None:
    rows = {match[1]: match[0] for match in ROW.finditer(DOCUMENT)}
    assert set(rows) == PROMISES
    assert [number for number, row in rows.items() if "::test_" not in row] == []
    (inspection,) = re.findall(r"## By inspection\n(.*?)(?=\n## )", DOCUMENT, re.DOTALL)
    assert [row for row in inspection.splitlines()[3:] if row.strip() and "::test_" not in row] == []
