"""`python -m models`: look at the versions of a store, check them, and choose the one to serve."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from models.catalogue.rows import LabelledCsv
from models.catalogue.source import read_source
from models.comparison.compare import Comparison, compare_versions
from models.comparison.parity import MAX_MEAN_DIFFERENCE, MIN_AGREEMENT, measure_parity, varied_golden_listings
from models.comparison.promotion import Finding, Judge, judge_comparison, promote
from models.comparison.report import comparison_report, diff_file
from models.errors import NoVersion, PromotionRefused, PykutenError, VersionRefused, VersionUnknown
from models.predictor import Predictor
from models.versions.manifest import read_manifest, trained_on
from models.versions.metrics import quality_table, read_metrics
from models.versions.store import DEFAULT_STORE, Store

_CATALOGUE = "a CSV of labelled listings, or a run's config (.toml) that names its columns and photos"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 a check failed, 2 the call was wrong."""
    options = _parser().parse_args(arguments)
    store = Store(options.store)
    try:
        code = int(options.run(store, options))
        sys.stdout.flush()
        return code
    except VersionUnknown as error:
        print(f"models: {error} {store.root} holds {', '.join(store.versions()) or 'none'}.", file=sys.stderr)
        return 2
    except (VersionRefused, NoVersion, PromotionRefused) as error:
        print(f"models: {error}", file=sys.stderr)
        return 1
    except PykutenError as error:
        print(f"models: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("models: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `models list | head -1`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end of the process
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    parser.add_argument("--store", type=Path, default=DEFAULT_STORE, help="the store folder (default: models/store)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="the versions, newest first; * marks the one that is served")
    listing.set_defaults(run=_list)

    show = commands.add_parser("show", help="one version: networks, data, quality table")
    show.add_argument("version", nargs="?", help="default: the current one")
    show.add_argument("--metrics", action="store_true", help="print the quality table alone, as Markdown")
    show.set_defaults(run=_show)

    verify = commands.add_parser("verify", help="check sizes, checksums and golden listings, as loading does")
    verify.add_argument("version", nargs="?", help="default: the current one")
    verify.add_argument("--runtime", choices=("auto", "openvino", "keras"), default="auto")
    verify.add_argument("--parity", action="store_true", help="also compare Keras and OpenVINO (needs TensorFlow)")
    verify.add_argument("--count", type=_positive, default=1000, help="listings to compare on (default 1000)")
    verify.set_defaults(run=_verify)

    compare = commands.add_parser(
        "compare", help="two versions on the same labelled listings: who is better, and where"
    )
    compare.add_argument("first", metavar="A", help="a version of the store, or a version's folder")
    compare.add_argument("second", metavar="B", help="the other one")
    compare.add_argument("catalogue", type=Path, metavar="CATALOGUE", help=_CATALOGUE)
    _add_catalogue_options(compare)
    compare.add_argument("--out", type=Path, metavar="DIFF.csv", help="write the listings that change category")
    compare.set_defaults(run=_compare)

    serve = commands.add_parser(
        "promote", help="verify a version, compare it with the current one, then make it the one to serve"
    )
    serve.add_argument("version")
    about = f"compare on it, not by the figures: {_CATALOGUE}"
    serve.add_argument("--catalogue", type=Path, metavar="CATALOGUE", help=about)
    _add_catalogue_options(serve)
    serve.add_argument("--force", action="store_true", help="promote it even when it is worse than the current one")
    serve.set_defaults(run=_promote)

    rollback = commands.add_parser("rollback", help="serve the version that was served before the current one")
    rollback.set_defaults(run=_rollback)
    return parser


def _add_catalogue_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--images", type=Path, metavar="DIR", help="the folder that the image column's names are in")
    about = "a table's column, where its name does not tell: designation=headline"
    command.add_argument("--column", action="append", default=[], metavar="FIELD=NAME", help=about)


def _catalogue(options: argparse.Namespace) -> LabelledCsv:
    return LabelledCsv(read_source(options.catalogue, options.images, options.column))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _chosen(store: Store, options: argparse.Namespace) -> str:
    return str(options.version or store.current())


def _list(store: Store, options: argparse.Namespace) -> int:
    try:
        current = store.current()
    except NoVersion:
        current = ""
    versions = store.versions()
    if not versions:
        print(f"no version in {store.root}", file=sys.stderr)
        return 1
    lines = []
    for version in versions:
        sealed = ""
        try:
            manifest = read_manifest(store.folder(version))
            networks = ", ".join(f"{modality}: {entry.name}" for modality, entry in manifest.networks.items())
            sealed = manifest.created.isoformat()
        except VersionRefused as error:
            networks = str(error)
        day = version[:10]  # names begin with it
        lines.append((day, sealed, f"{'*' if version == current else ' '} {version}  {networks}"))
    print("\n".join(line for _, _, line in sorted(lines, reverse=True)))
    return 0


def _show(store: Store, options: argparse.Namespace) -> int:
    folder = store.folder(_chosen(store, options))
    manifest = read_manifest(folder)
    table = quality_table(read_metrics(folder))
    if options.metrics:
        print(table)
        return 0
    print(f"version   {manifest.version} ({manifest.name}), sealed {manifest.created:%Y-%m-%d %H:%M} UTC")
    for modality, entry in manifest.networks.items():
        print(f"{modality:9} {entry.name}, {entry.parameters:,} parameters, served in {entry.precision}")
    print(f"classes   {manifest.classes}")
    print(
        f"size      {sum(entry.bytes for entry in manifest.files.values()) / 1e6:.1f} MB in {len(manifest.files)} files"
    )
    print(f"data      {json.dumps(manifest.data, ensure_ascii=False)}")
    print(f"\n{table}")
    return 0


def _verify(store: Store, options: argparse.Namespace) -> int:
    version = _chosen(store, options)
    folder = store.folder(version)
    start = time.perf_counter()
    predictor = Predictor.load(folder, runtime=options.runtime)
    print(f"{version}: files, checksums and golden listings are right ({time.perf_counter() - start:.1f} s)")
    print(f"categories: {len(predictor.taxonomy)}, modalities: {', '.join(sorted(predictor.modalities))}")
    if not options.parity:
        return 0
    listings = varied_golden_listings(folder, options.count)
    parity = measure_parity(folder, listings, _print_progress(options.count))
    print(
        f"parity of Keras and OpenVINO on {parity.listings} listings: same top-1 {parity.top1:.2%} "
        f"(where the margin is clear {parity.top1_clear:.2%}), probabilities differ by {parity.mean_difference:.6f} on "
        f"average, {parity.max_difference:.6f} at most"
    )
    if not parity.holds:
        print(f"asked: at least {MIN_AGREEMENT:.1%} and below {MAX_MEAN_DIFFERENCE}", file=sys.stderr)
    return 0 if parity.holds else 1


def _compare(store: Store, options: argparse.Namespace) -> int:
    folders = [store.locate(name) for name in (options.first, options.second)]
    catalogue = _catalogue(options)
    total = catalogue.count()
    first, second = (Predictor.load(folder) for folder in folders)
    with diff_file(options.out) as write:
        comparison = compare_versions(first, second, catalogue, on_change=write, progress=_print_progress(total))
    print(_comparison_report(comparison, first, second, catalogue))
    if options.out is not None:
        print(f"The listings that change category: {options.out}")
    return 0


def _promote(store: Store, options: argparse.Namespace) -> int:
    candidate = Predictor.load(store.folder(options.version))
    judge = None
    if options.catalogue is not None:
        judge = _judge_on(_catalogue(options), candidate)
    promote(store, options.version, print, force=options.force, judge=judge)
    return 0


def _judge_on(catalogue: LabelledCsv, candidate: Predictor) -> Judge:
    """Compares a version with `candidate` on the catalogue, which is read once to find its faults early."""
    total = catalogue.count()

    def judge(folder: Path, _: Path) -> Finding:
        current = Predictor.load(folder)
        comparison = compare_versions(current, candidate, catalogue, progress=_print_progress(total))
        return judge_comparison(comparison, _comparison_report(comparison, current, candidate, catalogue))

    return judge


def _comparison_report(comparison: Comparison, first: Predictor, second: Predictor, catalogue: LabelledCsv) -> str:
    learned = [p.version for p in (first, second) if trained_on(p.manifest, catalogue.path.name)]
    return "\n".join(
        [
            comparison_report(comparison, second.taxonomy),
            *(
                f"{version} was trained on a catalogue of this name: on listings it learned, it looks too good."
                for version in learned
            ),
        ]
    )


def _rollback(store: Store, options: argparse.Namespace) -> int:
    Predictor.load(store.folder(store.previous()))
    print(f"serving {store.rollback()}")
    return 0


def _print_progress(total: int) -> Callable[[int], None]:
    def show(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done}/{total}", end="\n" if done >= total else "", file=sys.stderr, flush=True)

    return show


if __name__ == "__main__":
    sys.exit(main())
