"""The README, followed by a stranger: `make serve`, then its curl lines and its `models` commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.benchmark.processes import free_port
from tests.contract.documents.documents import ROOT, read_document

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,  # it may install the serving environment
    pytest.mark.skipif(shutil.which("curl") is None, reason="the README's requests are made with curl"),
]

README = read_document("README.md")
BOTH, BATCH, STREAM = (command for command in README.commands() if command.startswith("curl "))
READY_SECONDS = 240
"""The first `make serve` installs the serving environment: about 40 s with pip's cache warm, far more without."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a service started by `make serve`; on leaving it is told to stop and must stop cleanly."""
    number = free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYKUTEN_")}
    server = subprocess.Popen(
        ["make", "--no-print-directory", "serve"],
        cwd=ROOT,
        env=environment | {"PORT": str(number)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_ready(server, number)
        yield number
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        code = server.wait(timeout=40)
    # make itself dies of the signal that its group got (-15), or reports the service's 143 as a failed recipe (2).
    assert code in (0, 2, 143, -signal.SIGTERM)


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(READY_SECONDS * 4):
        assert server.poll() is None, "make serve ended"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
                return
        except OSError:  # refused, reset, or too busy with loading to answer in time
            time.sleep(0.25)
    pytest.fail("not ready in time")


def ask_all(line: str, port: int) -> list[dict[str, Any]]:
    """The lines that a curl command prints, as JSON."""
    run = subprocess.run(
        ["bash", "-c", line.replace("localhost:8000", f"127.0.0.1:{port}")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_the_readme_s_requests_find_the_right_categories(port: int) -> None:
    (both,) = ask_all(BOTH, port)
    assert both["category"]["code"] == "2583"
    assert both["modalities"] == ["text", "image"]
    (batch,) = ask_all(BATCH, port)
    assert [item["status"] for item in batch["results"]] == [200, 422]
    assert batch["results"][0]["prediction"]["category"]["code"] == "50"
    streamed = ask_all(STREAM, port)
    assert [item["id"] for item in streamed] == ["A", "B", "C"]
    assert [item["prediction"]["category"]["code"] for item in streamed] == ["2220", "2583", "1280"]


LOOKING = r"^\.venv/bin/python -m models (?:list|show|verify).*$"


@pytest.mark.parametrize("line", re.findall(LOOKING, README.text, re.MULTILINE))
def test_the_commands_about_versions_run(port: int, line: str) -> None:
    run = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip()


def test_the_serving_environment_has_no_tensorflow(port: int) -> None:
    run = subprocess.run([ROOT / ".venv/bin/python", "-c", "import tensorflow"], capture_output=True, text=True)
    assert "ModuleNotFoundError" in run.stderr
