"""The load, by wrk (https://github.com/wg/wrk; on Debian and Ubuntu `apt install wrk`).

The load generator shares the cores with the server that it measures, and locust, in Python, would take much of a core
at 1,500 requests a second; wrk is written in C and takes a few hundredths. It sends whatever bytes a short script
hands it, so that every request carries another photo, where `hey` sends one body over and over.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmark.processes import HOST, BenchmarkError, Running

SCRIPT = Path(__file__).with_name("requests.lua")
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Load:
    """The answers to so many clients, each of which sends its next request when the last one is answered.

    `rate` counts answers of 200 a second; `failed` all others, of which `refused` are 503, and `without_retry` those of
    them that name no time to come back. `lost` are requests without an answer. Times are of all answers.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    answers: int
    failed: int
    refused: int
    without_retry: int
    lost: int
    cpu_ms: float
    """CPU time of the server for each answer of 200."""

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def load(server: Running, messages: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Send the messages in turn from so many clients for so many seconds. Raises BenchmarkError without wrk."""
    program = shutil.which("wrk")
    if program is None:
        raise BenchmarkError("wrk is not installed (on Debian and Ubuntu: apt install wrk)")
    with tempfile.NamedTemporaryFile(suffix=".messages") as file:
        for message in messages:
            file.write(b"%d\n%s" % (len(message), message))
        file.flush()
        command = [program, "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", f"--timeout={TIMEOUT_SECONDS}s"]
        command += ["--script", str(SCRIPT), f"http://{HOST}:{server.port}", "--", file.name]
        cpu_before = server.usage().cpu_seconds
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        cpu_seconds = server.usage().cpu_seconds - cpu_before
    if run.returncode:
        raise BenchmarkError(f"wrk: {(run.stderr or run.stdout).strip().splitlines()[-1][:200]}")
    return read_load(run.stdout, cpu_seconds)


def read_load(output: str, cpu_seconds: float) -> Load:
    """The figures in what wrk and the script have printed."""
    figures = json.loads(output.splitlines()[-1])
    good = figures["answers"] - figures["failed"]
    rate = good / figures.pop("seconds")
    return Load(rate=rate, cpu_ms=cpu_seconds * 1000 / good if good else math.nan, **figures)
