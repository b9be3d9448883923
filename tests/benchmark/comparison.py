"""The others, serving the same networks with the same preprocessing: installed, started in each setting, asked."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmark.contenders import KINDS, NEEDS, Contender, Setting, Start, environment
from tests.benchmark.load import closed
from tests.benchmark.measures import CLIENTS, WARM_SECONDS, Plan, load
from tests.benchmark.processes import BenchmarkError, free_port, running
from tests.benchmark.traffic import Traffic

INSTALLED = "benchmark-installed.txt"
START_SECONDS = 240.0
Tell = Callable[[str], None]


def environment_of(contender: Contender, cache: Path, tell: Tell) -> Path:
    """The Python of the contender's own environment, made with pip if need be. Raises BenchmarkError."""
    if not contender.packages:
        return Path(sys.executable)  # the naive server needs Keras, which the development environment has
    wanted = [*contender.packages, *NEEDS]
    folder = cache / "environments" / contender.name.lower().replace(" ", "-")
    python, marker = folder / "bin" / "python", folder / INSTALLED
    if marker.exists() and marker.read_text().split() == wanted and python.exists():
        return python
    tell(f"installing {', '.join(contender.packages)} into {folder}")
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no output"]
        raise BenchmarkError(f"pip could not install {contender.name}: {lines[-1][:200]}")
    marker.write_text("\n".join(wanted))
    return python


def compare(contender: Contender, version: Path, traffic: Traffic, plan: Plan, cache: Path, tell: Tell) -> Any:
    """Throughput of each kind and number of clients in every setting, and the best of each. Raises BenchmarkError."""
    python = environment_of(contender, cache, tell)
    settings: dict[str, Any] = {}
    problems: list[str] = []
    for setting in contender.settings:
        tell(str(setting))
        try:
            settings[str(setting)] = _asked(contender, setting, python, version, traffic, plan, cache)
        except BenchmarkError as error:
            problems.append(f"{setting}: {error}")
            tell(problems[-1])
    if not settings:
        raise BenchmarkError("; ".join(problems))
    best = {
        kind: {
            str(clients): max(
                ({**found[kind][str(clients)], "setting": name} for name, found in settings.items()),
                key=lambda one: float(one["rate"]),
            )
            for clients in CLIENTS
        }
        for kind in KINDS
    }
    return {"best": best, "settings": settings, "problems": problems}


def _asked(
    contender: Contender, setting: Setting, python: Path, version: Path, traffic: Traffic, plan: Plan, cache: Path
) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))  # short, for the sockets that some make in it
    port = free_port(neighbours=2)
    asks = {kind: contender.asks(traffic, kind) for kind in KINDS}
    log = cache / f"{contender.name.lower().replace(' ', '-')}.log"
    try:
        with running(
            contender.command(Start(python, port, folder, setting)),
            environment=environment(contender, setting, version),
            port=port,
            log=log,
            probe=asks["image"][0],
            seconds=START_SECONDS,
        ) as server:
            found: dict[str, Any] = {}
            for kind in KINDS:
                closed(server.target, asks[kind], clients=8, seconds=WARM_SECONDS)
                found[kind] = {
                    str(clients): load(server, asks[kind], clients, plan.seconds).as_dict() for clients in CLIENTS
                }
                if not any(one["rate"] for one in found[kind].values()):
                    raise BenchmarkError(f"no request was answered with 200: {server.tail()}")
            return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)
