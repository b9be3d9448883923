"""Measure how fast the service is, beside what else could serve the same networks: `make bench`.

Prints the results as Markdown tables. Figures are kept as they come: interrupted, the same command goes on where it
stopped. The servers that are compared are installed into environments of their own, in the cache folder (about 3 GB).
Needs Linux, two idle cores or more, and for the installation a package index.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from models.errors import PykutenError
from models.versions.store import Store
from tests.benchmark import measures
from tests.benchmark.comparison import compare
from tests.benchmark.contenders import NAIVE, RIVALS
from tests.benchmark.measures import Plan, service
from tests.benchmark.processes import BenchmarkError
from tests.benchmark.results import FILE, Results, describe_run, read
from tests.benchmark.table import markdown, write_into
from tests.benchmark.traffic import ROOT, Traffic, read_traffic

CACHE = Path("~/.cache/pykuten-bench")
README = ROOT / "README.md"
ON_FAST = ("service.fast_text", "pair.fast_text")
"""Rows of the `fast` version, if one is given."""
ROWS = (
    "service.image",
    "service.both",
    "service.text",
    *ON_FAST,
    "pair",
    "start",
    "batch",
    "overload",
    "naive",
    *RIVALS,
    "memory",
)

Measure = Callable[[], Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing, print the tables; returns 0, 1 when a row could not be measured, 2 on a usage error."""
    options = _parser().parse_args(arguments)
    cache = options.cache.expanduser()
    path = cache / FILE
    if not options.report:
        try:
            if unknown := sorted({*options.only, *options.without} - set(ROWS)):
                raise BenchmarkError(f"there is no row {unknown[0]}; rows are {', '.join(ROWS)}")
            cache.mkdir(parents=True, exist_ok=True)
            failed = _measure(options, cache, path)
        except (BenchmarkError, PykutenError, OSError, ValueError) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("bench: interrupted; the same command goes on from here", file=sys.stderr)
            return 130
    found = read(path)
    if found is None:
        print(f"bench: nothing was measured yet ({path})", file=sys.stderr)
        return 2
    text = markdown(found)
    print(text)
    if options.write:
        try:
            write_into(README, text)
        except ValueError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
    return 0 if options.report else int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each figure (default: 8; 3 while developing)")
    parser.add_argument("--requests", type=int, default=50_000, help="for the memory (default: 50000)")
    parser.add_argument("--overload-seconds", type=float, default=60.0, help="of overload (default: 60)")
    parser.add_argument("--only", nargs="+", default=[], metavar="ROW", help=f"measure these again: {', '.join(ROWS)}")
    parser.add_argument("--without", nargs="+", default=[], metavar="ROW", help="leave these out")
    parser.add_argument("--fresh", action="store_true", help="forget earlier figures")
    parser.add_argument("--report", action="store_true", help="print the tables of earlier figures, measure nothing")
    parser.add_argument("--write", action="store_true", help="put the tables into the README, between its speed marks")
    parser.add_argument("--store", type=Path, default=ROOT / "models" / "store", help="folder of versions to serve")
    parser.add_argument("--fast", type=Path, help="folder of a version of the fast config, for /predict/text")
    parser.add_argument("--listings", type=Path, help="CSV file with designation and description")
    parser.add_argument("--photos", type=Path, help="folder of 500x500 JPEG photos")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"for environments and results (default: {CACHE})")
    return parser


def _measure(options: argparse.Namespace, cache: Path, path: Path) -> bool:
    """Measure the rows that are missing; whether one failed."""
    plan = Plan(options.seconds, options.requests, options.overload_seconds)
    traffic = read_traffic(options.listings, options.photos)
    store = Store(options.store.resolve())
    version = store.folder(store.current())
    versions = {"served": version.name, **({"fast": options.fast.resolve().name} if options.fast else {})}
    results = Results.open(path, describe_run(plan, versions, traffic), fresh=options.fresh)
    wanted = [row for row in ROWS if row not in options.without and (not options.only or row in options.only)]
    if options.fast is None:
        wanted = [row for row in wanted if row not in ON_FAST]
    todo = [row for row in wanted if options.only or not results.has(row)]
    failed = False
    for number, row in enumerate(todo, 1):
        tell = partial(_tell, f"[{number}/{len(todo)}] {row}")
        tell("...")
        begin = time.monotonic()
        try:
            results.keep(row, _row(row, store.root, version, options.fast, traffic, plan, cache, tell)())
            tell(f"done in {time.monotonic() - begin:.0f} s")
        except (BenchmarkError, OSError) as error:
            failed = True
            results.fail(row, str(error))
            tell(f"not measured: {error}")
    return failed


def _row(
    row: str,
    store: Path,
    version: Path,
    fast: Path | None,
    traffic: Traffic,
    plan: Plan,
    cache: Path,
    tell: Callable[[str], None],
) -> Measure:
    """What measures a row."""
    log = cache / "service.log"
    if row in RIVALS or row == "naive":
        return lambda: compare(NAIVE if row == "naive" else RIVALS[row], version, traffic, plan, cache, tell)
    if row == "start":
        return lambda: measures.starts(store, log)
    if row == "pair":
        asked = {"image": traffic.image(), "both": traffic.both(), "text": traffic.text()}
        return lambda: measures.pair(store, log, asked, plan)
    if row == "pair.fast_text" and fast is not None:
        return lambda: _on_fast(fast, lambda served: measures.pair(served, log, {"text": traffic.text()}, plan))

    def with_service(measure: Callable[[measures.Running], Any], served: Path = store) -> Measure:
        def measured() -> Any:
            with service(served, log) as server:
                return measure(server)

        return measured

    if row == "service.fast_text" and fast is not None:
        return lambda: _on_fast(fast, lambda served: with_service(_saturated(traffic.text(), plan), served)())
    return with_service(
        {
            "service.image": _saturated(traffic.image(), plan),
            "service.both": _saturated(traffic.both(), plan),
            "service.text": _saturated(traffic.text(), plan),
            "batch": lambda server: measures.batches(server, traffic, plan),
            "overload": lambda server: measures.overloaded(server, traffic.image(), plan),
            "memory": lambda server: measures.memory(server, traffic, plan, tell),
        }[row]
    )


def _saturated(requests: list[bytes], plan: Plan) -> Callable[[measures.Running], Any]:
    return lambda server: measures.saturation(server, requests, plan)


def _on_fast(version: Path, measure: Callable[[Path], Any]) -> Any:
    """Measure with a store that holds this version alone."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        shutil.copytree(version.resolve(), store.root / version.resolve().name)
        store.promote(version.resolve().name)
        return measure(store.root)


def _tell(where: str, what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {where}: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
