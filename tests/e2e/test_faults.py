"""A real server that its machine fails: killed, or without disk, memory, descriptors or processor (RELIABILITY F3)."""

from __future__ import annotations

import base64
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from models.versions.store import Store
from tests.hostile.images import image
from tests.models.pictures import encode, picture
from tests.models.tiny_version import listing, make_version
from tests.soak.process import ServerProcess
from tests.soak.wire import Answer, Broken, Client

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
JSON = (("Content-Type", "application/json"),)
TEXT = b'{"designation": "Belle table neuve"}'


@pytest.fixture
def store(tiny_version: Path, tmp_path: Path) -> Store:
    store = Store(shutil.copytree(tiny_version.parent, tmp_path / "store"))
    store.promote(tiny_version.name)
    return store


def limited(limit: int, value: int) -> Callable[[], None]:
    """Called in the process to be: the limit holds for it alone."""
    return lambda: resource.setrlimit(limit, (value, value))


def test_a_killed_server_starts_again_on_the_same_version(store: Store) -> None:
    """F3: nothing to repair."""
    newer = make_version(store.root, day=26, seed=1)
    store.promote(newer)
    with ServerProcess(store.root) as server:
        client = server.wait_until_ready()
        before = client.ask("POST", "/predict/text", JSON, TEXT).json()
        server.kill()
    with ServerProcess(store.root) as server:
        client = server.wait_until_ready()
        assert client.ask("GET", "/health/ready").json()["version"] == newer
        assert client.ask("POST", "/predict/text", JSON, TEXT).json() == before


@pytest.mark.skipif(os.getuid() == 0, reason="root writes where it likes")
def test_a_store_that_turns_read_only_is_served(store: Store) -> None:
    """F8. Removal is in tests/service/registry/test_swaps.py."""
    with ServerProcess(store.root) as server:
        client = server.wait_until_ready()
        for path in (*store.root.rglob("*"), store.root):
            path.chmod(0o500 if path.is_dir() else 0o400)
        assert client.ask("POST", "/predict/text", JSON, TEXT).status == 200


def test_no_request_is_written_to_disk(store: Store, tmp_path: Path) -> None:
    """F9: with no room for a single byte, uploads of all kinds are answered as ever."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    photo = listing(photo_of=0).image
    assert photo is not None
    large = encode(picture(2500, 2500).effect_spread(40), "PNG")
    form = b'--B\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n' + large + b"\r\n--B--\r\n"
    batch = json.dumps({"listings": [{"image": base64.b64encode(photo).decode()}] * 50}).encode()
    assert len(large) > 4_000_000
    with ServerProcess(
        store.root, prepare=limited(resource.RLIMIT_FSIZE, 0), environment={"TMPDIR": str(temporary)}
    ) as server:
        client = server.wait_until_ready()
        answers = [
            client.ask("POST", "/predict/image", (("Content-Type", "image/png"),), large),
            client.ask("POST", "/predict/image", (("Content-Type", "multipart/form-data; boundary=B"),), form),
            client.ask("POST", "/predict/batch", JSON, batch),
            client.ask("GET", "/docs"),
        ]
        assert [answer.status for answer in answers] == [200] * 4
        assert list(temporary.iterdir()) == []
        assert server.errors == []


def test_memory_that_is_capped_is_refused_and_comes_back(store: Store) -> None:
    """F10: bombs and large photos under a cap of address space. No crash, no 500; what does not fit is shed."""
    with ServerProcess(store.root) as server:
        server.wait_until_ready()
        cap = (server.virtual_mb() + 120) * 1_000_000
    largest = encode(picture(5000, 5000).convert("RGBA"), "PNG", compress_level=1)
    with ServerProcess(store.root, prepare=limited(resource.RLIMIT_AS, int(cap))) as server:
        client = server.wait_until_ready()
        photos = [largest] * 6 + [image(Random(number)) for number in range(60)]

        def send(photo: bytes) -> int:
            return Client(server.port).ask("POST", "/predict/image", (("Content-Type", "image/png"),), photo).status

        with ThreadPoolExecutor(6) as pool:
            statuses = Counter(pool.map(send, photos))
        assert client.ask("POST", "/predict/text", JSON, TEXT).status == 200
        assert server.is_running
        assert server.errors == []
    assert set(statuses) <= {200, 413, 415, 422, 503}, statuses
    assert statuses[503] >= 1, statuses  # or the cap was no cap


def test_descriptors_that_run_out_come_back(store: Store) -> None:
    """F11: 80 of them, 200 connections."""
    with ServerProcess(store.root, prepare=limited(resource.RLIMIT_NOFILE, 80), head_seconds=3) as server:
        client = server.wait_until_ready()
        held = []
        for _ in range(200):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", server.port))
            held.append(connection)
        time.sleep(1)
        assert server.is_running
        for connection in held:
            connection.close()
        end = time.monotonic() + 30
        while not answered(server.port):
            assert time.monotonic() < end
        assert client.ask("POST", "/predict/text", JSON, TEXT).status == 200
        while server.descriptors() > 30:
            assert time.monotonic() < end
            time.sleep(0.1)


def answered(port: int) -> bool:
    try:
        return Client(port, seconds=5).ask("GET", "/health/live").status == 200
    except (Broken, OSError):
        return False


def test_a_starved_server_answers_or_refuses(store: Store) -> None:
    """F12: eight busy processes beside it; nothing hangs, and nothing but an answer or a refusal comes."""
    answers: list[Answer] = []
    busy: list[subprocess.Popen[bytes]] = []
    with ServerProcess(store.root, queue=8) as server:
        server.wait_until_ready()
        try:
            busy += [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
            end = time.monotonic() + 4

            def ask() -> None:
                client = Client(server.port, seconds=60)
                while time.monotonic() < end:
                    answers.append(client.ask("POST", "/predict/text", JSON, TEXT))

            threads = [threading.Thread(target=ask) for _ in range(24)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            assert not any(thread.is_alive() for thread in threads)
        finally:
            for process in busy:
                process.kill()
                process.wait()
        assert server.errors == []
    assert {answer.status for answer in answers} <= {200, 503, 504}
    assert 200 in {answer.status for answer in answers}
    assert all("retry-after" in answer.headers for answer in answers if answer.status == 503)


def test_a_stream_of_any_length_takes_no_more_memory(store: Store) -> None:
    """A few thousand lines settle the heap; several times as many must not need more."""
    lines, text = 12_000, "Belle table neuve " * 40
    with ServerProcess(store.root) as server:
        server.wait_until_ready()
        sizes: list[float] = []
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        connection.sendall(
            b"POST /predict/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )

        def send() -> None:
            for number in range(0, lines, 20):
                some = b"".join(
                    json.dumps({"id": str(number + n), "designation": text}).encode() + b"\n" for n in range(20)
                )
                connection.sendall(b"%x\r\n%s\r\n" % (len(some), some))
            connection.sendall(b"0\r\n\r\n")

        sender = threading.Thread(target=send)
        sender.start()
        results = 0
        with connection, connection.makefile("rb") as stream:
            while (line := stream.readline()) != b"0\r\n":
                assert line, results
                if line.startswith(b'{"index"'):
                    results += 1
                    assert b'"status":200' in line
                    if results % (lines // 12) == 0:
                        sizes.append(server.resident_mb())
        sender.join()
    assert results == lines
    assert max(sizes[4:]) - max(sizes[:4]) < 10, sizes
