"""The benchmark's own parts: what it asks, starts, reads and prints."""

from __future__ import annotations

import json
import math
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.benchmark.__main__ import FILE, main
from tests.benchmark.contenders import RIVALS, forms
from tests.benchmark.processes import BenchmarkError, free_port, running
from tests.benchmark.traffic import Traffic, read_traffic
from tests.benchmark.wrk import load, read_load

SERVER = """
import http.server, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(503 if self.path == "/busy" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PROBE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
BUSY = PROBE.replace(b"/ ", b"/busy ", 1)
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="watches processes through /proc")


@linux
@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk (apt install wrk)")
def test_a_server_is_loaded_and_watched_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(port)]
    with running(command, environment={}, port=port, log=tmp_path / "log", probe=PROBE) as server:
        figures = load(server, [PROBE, PROBE, BUSY], clients=2, seconds=1)
        assert server.usage().resident_bytes > 10e6
    assert figures.rate > 10
    assert figures.failed == figures.refused == figures.without_retry
    assert 0.2 < figures.failed / figures.answers < 0.5
    assert 0 < figures.p50_ms <= figures.p99_ms
    assert figures.cpu_ms > 0
    end = time.monotonic() + 10
    while server.usage().resident_bytes and time.monotonic() < end:  # whoever inherits them has to collect them
        time.sleep(0.02)
    assert server.usage().resident_bytes == 0


def test_figures_of_wrk_are_read() -> None:
    line = '{"seconds": 2.0, "answers": 10, "failed": 4, "refused": 3, "without_retry": 0, "lost": 1'
    output = f'Running 2s test\n  10 requests\n\n{line}, "p50_ms": 1.5, "p99_ms": 9.0}}\n'
    figures = read_load(output, cpu_seconds=0.6)
    assert (figures.rate, figures.cpu_ms, figures.lost, figures.p99_ms) == (3.0, pytest.approx(100), 1, 9.0)
    assert math.isnan(read_load(output.replace('"failed": 4', '"failed": 10'), 0.6).cpu_ms)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit('no such model')", "ended with code 1: no such model"),
        ("import time; print('loading', flush=True); time.sleep(60)", "not ready within 1 s: loading"),
    ],
)
def test_a_server_that_does_not_start_says_why(tmp_path: Path, code: str, reason: str) -> None:
    with (
        pytest.raises(BenchmarkError, match=reason),
        running([sys.executable, "-c", code], environment={}, port=free_port(), log=tmp_path / "log", probe=PROBE,
                seconds=1),
    ):  # fmt: skip
        pass


def rate(value: float) -> dict[str, Any]:
    return {"rate": value, "p50_ms": 10.0, "p99_ms": 12.0, "setting": "2 workers"}


def test_earlier_figures_are_printed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--report", "--cache", str(tmp_path)]) == 2
    assert "nothing was measured yet" in capsys.readouterr().err
    run = {"machine": "a machine", "seconds": 3, "version": "v", "settings": {"workers": "1"}, "traffic": "drawn"}
    values: dict[str, dict[str, Any]] = {
        "service.image": {"1": rate(50), "8": rate(97), "32": rate(102)},
        "mosec": {"image": {"8": rate(80), "32": rate(81)}},
        "start": {"seconds": 1.25, "resident_mb": 300},
        "overload": {"failed": 9, "refused": 9, "without_retry": 0, "lost": 0, "peak": 100, "share": 0.95,
                     "recovery_seconds": 0.1},
    }  # fmt: skip
    rows = {name: {"at": "2026-11-28 10:00", "commit": "abc", **row} for name, row in values.items()}
    (tmp_path / FILE).write_text(json.dumps({"run": run, "rows": rows}))
    assert main(["--report", "--cache", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "| **this service**, `/predict/image` | 97 | 102 | 10.0, 12.0 |" in lines
    assert "| mosec, 2 workers | 80 | 81 |  |" in lines
    assert "| process start to ready | 1.25 s |" in lines
    assert "| neither answered nor refused with Retry-After | 0 |" in lines
    assert lines[-1].startswith("Measured until 2026-11-28 10:00 on a machine; drawn, 3 s a figure, commit abc")


def test_traffic_without_a_catalogue_is_the_project_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.benchmark.traffic.BESIDE", tmp_path / "nothing")
    traffic = read_traffic(None, None)
    assert traffic.source == "written listings and drawn photos"
    assert len(traffic.texts) > 10
    assert 15_000 < sum(map(len, traffic.photos)) / len(traffic.photos) < 60_000


def test_every_server_is_asked_the_same_photos() -> None:
    traffic = Traffic([("title", "description"), ("other", "")], [b"\xff\xd8one", b"\xff\xd8two"], "a test")
    for requests in (forms(traffic), *(rival.messages(traffic) for rival in RIVALS.values())):
        for messages in requests.values():
            assert len(set(messages)) == 2
            assert all(message.startswith(b"POST /") for message in messages)
    head, _, body = traffic.image()[0].partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"\xff\xd8one" in body
    assert len(json.loads(traffic.batch(5).partition(b"\r\n\r\n")[2])["listings"]) == 5
    assert len(traffic.stream(2).partition(b"\r\n\r\n")[2].splitlines()) == 2
