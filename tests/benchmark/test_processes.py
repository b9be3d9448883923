from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.benchmark.load import message
from tests.benchmark.processes import BenchmarkError, descendants, free_port, running, stop, usage_of

SERVER = """
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PROBE = message("/", "", b"", method="GET")

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="watches processes through /proc"),
]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_server_is_watched_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(port)]
    with running(command, environment={}, port=port, log=tmp_path / "log", probe=PROBE) as server:
        (child,) = descendants(server.process.pid)
        usage = server.usage()
        assert usage.resident_bytes > usage_of(child).resident_bytes > 1e6
        assert usage.cpu_seconds > 0
    end = time.monotonic() + 5
    while alive(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert not alive(child)
    assert server.process.poll() is not None
    stop(server.process)  # again: nothing happens


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such model')"]
    with (
        pytest.raises(BenchmarkError, match="ended with code 1: no such model"),
        running(command, environment={}, port=free_port(), log=tmp_path / "log", probe=PROBE),
    ):
        pass


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; print('loading', flush=True); time.sleep(60)"]
    with (
        pytest.raises(BenchmarkError, match="not ready within 1 s: loading"),
        running(command, environment={}, port=free_port(), log=tmp_path / "log", probe=PROBE, seconds=1),
    ):
        pass


def test_ports_are_free_together() -> None:
    port = free_port(neighbours=2)
    assert 1024 < port < 65534
