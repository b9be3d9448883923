"""The results: a JSON file, row by row, and Markdown tables of it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmark.contenders import RIVALS
from tests.benchmark.measures import CLIENTS, KINDS, Plan
from tests.benchmark.processes import ROOT

PATHS = {"image": "/predict/image", "both": "/predict", "text": "/predict/text"}
Rows = Mapping[str, Any]


def keep(path: Path, plan: Plan, row: str, values: dict[str, Any]) -> None:
    """Write a row into the file, in place of an earlier one."""
    results = read(path)
    rows = {**results.get("rows", {}), row: {"at": time.strftime("%Y-%m-%d %H:%M"), "commit": _commit(), **values}}
    run = {
        "machine": machine(),
        "seconds": plan.seconds,
        "version": plan.version.name,
        "settings": dict(plan.settings),
        "traffic": plan.traffic.source,
    }
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"run": run, "rows": rows}, indent=1) + "\n")
    draft.replace(path)


def read(path: Path) -> dict[str, Any]:
    """The file's content; empty when there is none."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def markdown(results: Mapping[str, Any]) -> str:
    """Tables of all rows that there are, and how they came about."""
    rows, run = results["rows"], results["run"]
    speeds = _table(
        ["requests/s", *(f"{clients} clients" for clients in CLIENTS), "p50, p99 of one, ms"], _speeds(rows)
    )
    figures = _table(["figure", "measured"], _figures(rows))
    commits = ", ".join(sorted({row["commit"] for row in rows.values()}))
    settings = "".join(f", {name}={value}" for name, value in run["settings"].items())
    about = (
        f"Measured until {max(row['at'] for row in rows.values())} on {run['machine']}; {run['traffic']}, "
        f"{run['seconds']:g} s a figure, commit {commits}, version {run['version']}{settings}. "
        "The load generator (wrk) shares the cores."
    )
    return "\n\n".join(part for part in (speeds, figures, about) if part)


def _speeds(rows: Rows) -> Iterator[list[str]]:
    for kind in KINDS:
        if row := rows.get(f"service.{kind}"):
            yield [
                f"**this service**, `{PATHS[kind]}`",
                *_rates(row),
                f"{row['1']['p50_ms']:.1f}, {row['1']['p99_ms']:.1f}",
            ]
        for name, rival in RIVALS.items():
            if name in rows and kind in rows[name]:
                yield [f"{rival.name}, {rows[name][kind]['32']['setting']}", *_rates(rows[name][kind]), ""]


def _rates(row: Rows) -> list[str]:
    return [f"{row[str(clients)]['rate']:.0f}" for clients in CLIENTS]


def _figures(rows: Rows) -> Iterator[list[str]]:
    if batch := rows.get("batch"):
        yield [
            "batches of 100 with photos",
            f"{batch['batch']:.0f} listings/s, {batch['ratio']:.0%} of single requests",
        ]
        yield ["first line of a stream of 100", f"{batch['first_line_ms']:.0f} ms"]
    if start := rows.get("start"):
        yield ["process start to ready", f"{start['seconds']:.2f} s"]
        yield ["memory when ready", f"{start['resident_mb']:.0f} MB"]
    if memory := rows.get("memory"):
        yield [
            f"memory over {memory['requests']:,} requests",
            f"{memory['highest_mb']:.0f} MB, {memory['growth']:+.1%}",
        ]
        yield ["requests of these that failed", str(memory["failed"])]
    if overload := rows.get("overload"):
        odd = overload["failed"] - overload["refused"] + overload["without_retry"] + overload["lost"]
        yield ["answered under overload, of the peak", f"{overload['share']:.0%} of {overload['peak']:.0f}/s"]
        yield ["neither answered nor refused with Retry-After", str(odd)]
        yield ["recovery after it", f"{overload['recovery_seconds']:.2f} s"]


def _table(heads: Sequence[str], lines: Iterator[list[str]]) -> str:
    rows = list(lines)
    table = [heads, ["---"] * len(heads), *rows] if rows else []
    return "\n".join(f"| {' | '.join(row)} |" for row in table)


def machine() -> str:
    """The processor, the cores that this process may use, the memory, and the Python."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    names = [line.split(":", 1)[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    flags = ", AMX" if "amx_bf16" in cpuinfo else ", AVX-512" if "avx512f" in cpuinfo else ""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cores = len(os.sched_getaffinity(0))
    name = names[0] if names else platform.machine()
    return f"{name}, {cores} cores{flags}, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"


def _commit() -> str:
    run = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"
