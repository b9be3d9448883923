"""What was measured, kept as JSON, so that a run can go on where it stopped and be printed again."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmark.measures import Plan
from tests.benchmark.traffic import ROOT, Traffic

FILE = "results.json"
FAILED = "failed"


class Results:
    """Rows by name, in a file that is rewritten after each. `run` is what all rows of a file have in common."""

    def __init__(self, path: Path, run: dict[str, Any]) -> None:
        self.path = path
        self.run = run
        self.rows: dict[str, Any] = {}

    @classmethod
    def open(cls, path: Path, run: dict[str, Any], *, fresh: bool) -> Results:
        """The rows of a run with the same plan, versions, traffic and machine; none if `fresh`. Those of another run
        are put aside, in a file beside it.
        """
        results = cls(path, run)
        found = read(path)
        if fresh or found is None:
            return results
        if _goes_on(found["run"], run):
            results.run = {**run, "versions": {**found["run"]["versions"], **run["versions"]}}
            results.rows = found["rows"]
        else:
            path.replace(path.with_stem(f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S')}"))
        return results

    def keep(self, name: str, values: Any) -> None:
        """Store a row."""
        self.rows[name] = {"at": time.strftime("%Y-%m-%d %H:%M"), "commit": _commit(), "values": values}
        self._write()

    def fail(self, name: str, reason: str) -> None:
        """Store why a row is missing; it is measured again by the next run."""
        self.rows[name] = {"at": time.strftime("%Y-%m-%d %H:%M"), FAILED: reason}
        self._write()

    def has(self, name: str) -> bool:
        """Whether the row was measured."""
        return "values" in self.rows.get(name, {})

    def _write(self) -> None:
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps({"run": self.run, "rows": self.rows}, indent=1))
        draft.replace(self.path)


def read(path: Path) -> dict[str, Any] | None:
    """The file's content; None when there is none, or it is damaged."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    parts = ("run", "rows")
    return found if isinstance(found, dict) and all(isinstance(found.get(part), dict) for part in parts) else None


def _goes_on(earlier: dict[str, Any], run: dict[str, Any]) -> bool:
    """Whether the figures of both may stand in one table: a version that only one of them has is no difference."""
    versions: dict[str, str] = earlier.get("versions", {})
    same_versions = all(versions.get(name, folder) == folder for name, folder in run["versions"].items())
    return same_versions and {**earlier, "versions": {}} == {**run, "versions": {}}


def describe_run(plan: Plan, versions: dict[str, str], traffic: Traffic) -> dict[str, Any]:
    """What makes figures comparable: the machine, the plan, the versions, and whose listings were asked."""
    return {
        "machine": machine(),
        "plan": asdict(plan),
        "versions": versions,
        "traffic": traffic.source,
    }


def machine() -> str:
    """The processor, the cores that this process may use, the memory, and the Python."""
    model = platform.processor() or platform.machine()
    flags = ""
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        text = cpuinfo.read_text()
        names = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
        model = names[0] if names else model
        flags = ", AMX" if "amx_bf16" in text else ", AVX-512" if "avx512f" in text else ""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GB"
    return f"{model}, {cores} cores{flags}{memory}, {platform.system()}, Python {platform.python_version()}"


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
