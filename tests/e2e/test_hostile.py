"""A few hundred requests of the hostile corpus; `python -m tests.soak.hostile` sends tens of thousands."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from models.store import Store
from tests.soak.corpus import Request
from tests.soak.hostile import parser, run
from tests.soak.judge import fault_of_hostile
from tests.soak.process import ServerProcess
from tests.soak.wire import Answer, Client

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]
REQUESTS = 500


def test_nothing_hostile_is_answered_wrongly(tiny_version: Path, tmp_path: Path, fuzz: int) -> None:
    store = Store(shutil.copytree(tiny_version.parent, tmp_path / "store"))
    store.promote(tiny_version.name)
    options = parser().parse_args(["--requests", str(REQUESTS * fuzz), "--seed", "7", "--longest", "20"])
    with ServerProcess(store.root) as server:
        client = Client(server.port)
        while client.ask("GET", "/health/ready").status != 200:
            pass
        client.close()
        report = run(server, options)
    assert report["wrong"] == []
    assert report["requests"] == REQUESTS * fuzz
    assert {"200", "400", "404", "405", "415", "422"} <= set(report["by_status"])


HEADERS = {
    "x-request-id": "a",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
    "content-type": "application/problem+json",
}
PROBLEM = b'{"type":"about:blank","title":"t","status":422,"code":"image_corrupt","detail":"d","request_id":"a"}'


def answer(**changes: object) -> Answer:
    fields = {"status": 422, "headers": HEADERS, "body": PROBLEM, "seconds": 0.1} | changes
    return Answer(**fields)  # type: ignore[arg-type]


ASKED = Request("image: body", "POST", "/predict/image", (), b"x")


def test_a_right_refusal_is_right() -> None:
    assert fault_of_hostile(ASKED, answer()) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 500},
        {"status": 503},
        {"seconds": 6.0},
        {"headers": {}},
        {"headers": HEADERS | {"x-request-id": "b"}},
        {"headers": HEADERS | {"content-type": "text/html"}},
        {"body": PROBLEM.replace(b"image_corrupt", b"internal")},
        {"body": PROBLEM.replace(b"422", b"400")},
        {"body": PROBLEM.replace(b'"d"', b'"' + b"d" * 3000 + b'"')},
        {"status": 302},
    ],
)
def test_other_answers_are_findings(wrong: dict[str, object]) -> None:
    assert fault_of_hostile(ASKED, answer(**wrong)) is not None
