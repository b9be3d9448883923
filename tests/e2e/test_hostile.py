"""The hostile corpus at a real server: 33,000 requests with `--fuzz 66`, and in the memory of a small container."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from models.versions.store import Store
from tests.hostile.campaign import Campaign
from tests.hostile.corpus import Request
from tests.hostile.images import MOST_BYTES, image
from tests.hostile.judge import fault_of_hostile
from tests.soak.memory_group import MemoryGroup, memory_group
from tests.soak.process import ServerProcess
from tests.soak.wire import Answer

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]
REQUESTS = 500


def campaign(
    version: Path, folder: Path, *, requests: int, seed: int, prepare: Callable[[], None] | None = None
) -> Campaign:
    """So many hostile requests to a server of its own."""
    store = Store(shutil.copytree(version.parent, folder / "store"))
    store.promote(version.name)
    with ServerProcess(store.root, prepare=prepare) as server:
        server.wait_until_ready()
        sent = Campaign(server, seed, longest=20)
        sent.run(requests)
        return sent


@pytest.mark.slow
def test_nothing_hostile_is_answered_wrongly(tiny_version: Path, tmp_path: Path, fuzz: int) -> None:
    sent = campaign(tiny_version, tmp_path, requests=REQUESTS * fuzz, seed=7)
    assert sent.faults == []
    assert sent.statuses.total() == REQUESTS * fuzz
    assert {200, 400, 404, 405, 415, 422} <= set(sent.statuses)


@pytest.fixture
def group() -> Iterator[MemoryGroup]:
    """512 MB, as a container may have."""
    try:
        with memory_group(512) as group:
            yield group
    except OSError as error:
        pytest.skip(f"no control group can be made here, which takes root: {error.strerror}")


@pytest.mark.slow
def test_nothing_is_killed_for_lack_of_memory(
    tiny_version: Path, tmp_path: Path, group: MemoryGroup, fuzz: int
) -> None:
    sent = campaign(tiny_version, tmp_path, requests=REQUESTS // 2 * fuzz, seed=11, prepare=group.prepare)
    assert sent.faults == []
    assert group.killed == 0


def test_a_group_s_limit_holds(group: MemoryGroup) -> None:
    run = subprocess.run(
        [sys.executable, "-c", "bytearray(2_000_000_000)"], preexec_fn=group.prepare, capture_output=True, check=False
    )
    assert run.returncode == -9
    assert group.killed == 1


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


PHOTO = Request("image: body", "POST", "/predict/image", (), b"x")


def test_a_right_refusal_is_right() -> None:
    assert fault_of_hostile(PHOTO, answer()) is None


@pytest.mark.parametrize("body", [b"Invalid HTTP request received.", b""])  # to HEAD, no body
def test_what_is_no_http_is_told_so_in_plain_text(body: bytes) -> None:
    headers = {"content-type": "text/plain; charset=utf-8", "content-length": "30"}
    assert fault_of_hostile(PHOTO, answer(status=400, headers=headers, body=body)) is None
    assert fault_of_hostile(PHOTO, answer(status=422, headers=headers, body=body)) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 500},
        {"status": 503},
        {"seconds": 6.0},
        {"headers": {}},
        {"status": 400, "headers": {}, "body": b""},
        {"headers": HEADERS | {"x-request-id": "b"}},
        {"headers": HEADERS | {"content-type": "text/html"}},
        {"body": PROBLEM.replace(b"image_corrupt", b"internal")},
        {"body": PROBLEM.replace(b"422", b"400")},
        {"body": PROBLEM.replace(b'"d"', b'"' + b"d" * 3000 + b'"')},
        {"status": 302},
    ],
)
def test_other_answers_are_findings(wrong: dict[str, object]) -> None:
    assert fault_of_hostile(PHOTO, answer(**wrong)) is not None


def test_the_corpus_holds_nothing_that_the_client_itself_could_not() -> None:
    assert max(len(image(Random(number))) for number in range(400)) <= MOST_BYTES
