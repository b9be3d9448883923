"""Measure how fast the service is, beside other servers with the same networks: `make bench`.

Prints Markdown tables and keeps the figures as JSON in the cache folder, row by row: rows that are measured again take
the place of earlier ones. Needs Linux, two idle cores or more and wrk (`apt install wrk`); mosec is installed into an
environment of its own in the cache folder. The same commands measure any version (--store) in any settings (--set).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from models.errors import PykutenError
from models.versions.store import Store
from tests.benchmark.measures import ROWS, Plan
from tests.benchmark.processes import ROOT, BenchmarkError
from tests.benchmark.report import keep, markdown, read
from tests.benchmark.traffic import read_traffic

CACHE = Path("~/.cache/pykuten-bench")
FILE = "results.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables; returns 0, 1 when a row could not be measured, 2 on a usage error."""
    options = _parser().parse_args(arguments)
    path = options.cache.expanduser() / FILE
    failed = False
    try:
        if not options.report:
            failed = _measure(_plan(options), options.only or list(ROWS), path)
        results = read(path)
    except (PykutenError, OSError, ValueError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    if not results:
        print(f"bench: nothing was measured yet ({path})", file=sys.stderr)
        return 2
    print(markdown(results))
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each figure (default: 8; 3 while developing)")
    parser.add_argument("--requests", type=int, default=50_000, help="for the memory (default: 50000)")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help=f"measure these: {', '.join(ROWS)}")
    parser.add_argument("--report", action="store_true", help="print the tables of earlier figures, measure nothing")
    parser.add_argument("--store", type=Path, default=ROOT / "models" / "store", help="folder of versions to serve")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings, e.g. workers=1 queue=64")
    parser.add_argument("--listings", type=Path, help="CSV file with designation and description")
    parser.add_argument("--photos", type=Path, help="folder of 500x500 JPEG photos")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"for environments and results (default: {CACHE})")
    return parser


def _plan(options: argparse.Namespace) -> Plan:
    """Raises PykutenError without a version, OSError or ValueError on listings that cannot be read."""
    store = Store(options.store.resolve())
    cache = options.cache.expanduser()
    cache.mkdir(parents=True, exist_ok=True)
    return Plan(
        store=store.root,
        version=store.folder(store.current()),
        cache=cache,
        settings=dict(setting.split("=", 1) for setting in options.set),
        traffic=read_traffic(options.listings, options.photos),
        seconds=options.seconds,
        requests=options.requests,
    )


def _measure(plan: Plan, names: Sequence[str], path: Path) -> bool:
    """Measure the rows; returns whether one failed."""
    failed = False
    for number, name in enumerate(names, 1):
        begin = time.monotonic()
        try:
            keep(path, plan, name, ROWS[name](plan))
            outcome = f"done in {time.monotonic() - begin:.0f} s"
        except (BenchmarkError, OSError) as error:
            failed, outcome = True, f"not measured: {error}"
        print(f"{time.strftime('%H:%M:%S')} [{number}/{len(names)}] {name}: {outcome}", file=sys.stderr, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
