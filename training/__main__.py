"""`python -m training`: make a version from a catalogue."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from models.errors import PykutenError, VersionUnknown
from models.versions.store import DEFAULT_STORE, Store
from training.catalogue.dataset import SPLITS
from training.commands import analyse
from training.commands.catalogue_argument import read_catalogue_argument, whole_number
from training.config.run import RunConfig, read_config
from training.errors import TrainingError
from training.workspace import Workspace

SEED = whole_number(0, 2**32 - 1)
"""What `RunConfig.seed` takes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 not published, 2 the input is no good, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    try:
        if "read" not in options:  # what takes no run's config
            return int(options.run(options, _command(given)))
        config = options.read(options)
        if options.seed is not None:
            config = config.model_copy(update={"seed": options.seed})
        return int(options.run(config, options, _command(given)))
    except TrainingError as error:
        for line in str(error).splitlines():
            print(f"training: {line}", file=sys.stderr)
        return error.exit_code
    except PykutenError as error:
        print(f"training: {error}", file=sys.stderr)
        return 2 if isinstance(error, VersionUnknown) else 1
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        print(f"training: {named}{error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("training: interrupted; finished stages are kept, the same command goes on from there", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="train, calibrate, evaluate and seal a version")
    run.add_argument("--store", type=Path, default=DEFAULT_STORE, help="where the version goes (default: models/store)")
    run.add_argument("--promote", action="store_true", help="make the version the one to serve unless it is worse")
    run.add_argument("--force", action="store_true", help="seal it, and promote it, even where refused")
    run.set_defaults(run=_run)

    check = commands.add_parser("check", help="read, check and split the catalogue, and stop there")
    check.set_defaults(run=_check)

    _add_fuse(commands)
    _add_compare(commands)
    evaluate = commands.add_parser("evaluate", help="a version on anybody's labelled listings: report and thresholds")
    evaluate.add_argument("version", metavar="VERSION", help="a version of the store, or a version's folder")
    evaluate.add_argument("catalogue", type=Path, metavar="CATALOGUE", help="a CSV or Parquet file, or a run's config")
    evaluate.add_argument("--images", type=Path, help="the folder that the image column's names are relative to")
    evaluate.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="FIELD=NAME",
        help="a file's column, where its name does not tell",
    )
    evaluate.add_argument("--part", default="", choices=SPLITS, help="only this part of the split, not all rows")
    evaluate.add_argument("--out", type=Path, help="where the report goes (default: a folder below that of --work)")
    evaluate.add_argument(
        "--refit", action="store_true", help="write the re-fitted thresholds, a calibration.json, too"
    )
    evaluate.add_argument("--store", type=Path, default=DEFAULT_STORE, help="the versions (default: models/store)")
    evaluate.add_argument("--work", type=Path, default=Path("runs"), help="keeps finished answers (default: runs)")
    evaluate.set_defaults(run=_evaluate)

    for command in (run, check):
        command.add_argument("config", type=Path, metavar="CONFIG.toml", help="the run's config")
        command.set_defaults(read=_read_config)

    explore = commands.add_parser("explore", help="a page on what is in a catalogue, to look at before training")
    analyse.add_explore_arguments(explore)
    explore.set_defaults(run=_explore, read=read_catalogue_argument)

    audit = commands.add_parser("audit", help="listings that are probably filed wrong, most certain first")
    analyse.add_audit_arguments(audit)
    audit.set_defaults(run=_audit, read=read_catalogue_argument)

    for command in (run, check, explore, audit):
        command.add_argument("--seed", type=SEED, help="instead of the config's seed")
        command.add_argument("--work", type=Path, default=Path("runs"), help="keeps finished stages (default: runs)")
    return parser


def _add_fuse(commands: Any) -> None:
    fuse = commands.add_parser("fuse", help="put two versions' networks together in a new version, without training")
    fuse.add_argument("text", metavar="VERSION_A", help="whose text network it takes: a name in the store, or a folder")
    fuse.add_argument("image", metavar="VERSION_B", help="whose image network it takes")
    fuse.add_argument(
        "--config", type=Path, required=True, metavar="CONFIG.toml", help="catalogue, split, fusion and decision"
    )
    fuse.add_argument("--store", type=Path, default=DEFAULT_STORE, help="where versions are (default: models/store)")
    fuse.add_argument("--promote", action="store_true", help="make the version the one to serve")
    fuse.add_argument(
        "--force", action="store_true", help="even where the split or the conditions of publishing refuse"
    )
    fuse.add_argument("--work", type=Path, default=Path("runs"), help="keeps photo hashes (default: runs)")
    fuse.set_defaults(run=_fuse, seed=None, read=_read_config)


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser(
        "compare",
        help="train or reuse the networks of several configs and write one side-by-side report",
        description="Trains what is not trained yet, seals nothing, and writes compare.html, compare.md and "
        "compare.json. Interrupted, the same command goes on where it stopped.",
    )
    compare.add_argument("config", type=Path, metavar="CONFIG.toml", help="the first config")
    compare.add_argument("others", type=Path, nargs="*", metavar="CONFIG.toml", help="further ones, same catalogue")
    compare.add_argument("--out", type=Path, help="the report's folder (default: comparison below --work)")
    compare.add_argument(
        "--on",
        choices=("validation", "calibration", "test"),
        default="validation",
        help="which part of the split is shown (default: validation, for the test part is to be looked at once a "
        "version, not to choose between networks; calibration flatters what was fitted on it)",
    )
    compare.add_argument("--baseline", action="store_true", help="also a linear text reference: TF-IDF, LinearSVC")
    compare.add_argument(
        "--listings", type=whole_number(1), default=50, help="listings timed one by one for the cost (default: 50)"
    )
    compare.add_argument("--seed", type=SEED, help="instead of the configs' seeds")
    compare.add_argument("--work", type=Path, default=Path("runs"), help="keeps finished stages (default: runs)")
    compare.set_defaults(run=_compare, read=_read_config)


def _read_config(options: argparse.Namespace) -> RunConfig:
    return read_config(options.config)


def _run(config: RunConfig, options: argparse.Namespace, command: str) -> int:
    _quieten_progress()
    from training.pipeline import run

    workspace, store = _workspace(config, options), Store(options.store)
    print(run(config, store, workspace, promote=options.promote, force=options.force, command=command))
    return 0


def _check(config: RunConfig, options: argparse.Namespace, command: str) -> int:
    _quieten_progress()
    from training.pipeline import prepare_data

    prepare_data(config, _workspace(config, options))
    return 0


def _fuse(config: RunConfig, options: argparse.Namespace, command: str) -> int:
    _quieten_progress()
    from training.commands.fuse import fuse

    versions, choices = (options.text, options.image), {"promote": options.promote, "force": options.force}
    print(fuse(config, Store(options.store), _workspace(config, options), *versions, **choices, command=command))
    return 0


def _compare(config: RunConfig, options: argparse.Namespace, command: str) -> int:
    _quieten_progress()
    from training.comparison.compare import compare, labels

    configs = [config, *map(read_config, options.others)]
    if options.seed is not None:
        configs = [each.model_copy(update={"seed": options.seed}) for each in configs]
    named = zip(labels([options.config, *options.others]), configs, strict=True)
    runs = [(label, each, _workspace(each, options)) for label, each in named]
    folder = options.out or options.work / "comparison"
    print(compare(runs, folder, part=options.on, baseline=options.baseline, listings=options.listings, command=command))
    return 0


def _explore(config: RunConfig, options: argparse.Namespace, command: str) -> int:
    _quieten_progress()
    return analyse.run_explore(config, _workspace(config, options), options, command)


def _audit(config: RunConfig, options: argparse.Namespace, command: str) -> int:
    _quieten_progress()
    return analyse.run_audit(config, _workspace(config, options), options, command)


def _evaluate(options: argparse.Namespace, command: str) -> int:
    _quieten_progress()
    from training.commands.evaluate import Request, evaluate_version

    folder = Store(options.store).locate(options.version)
    workspace = Workspace(options.work / "evaluate", partial(print, flush=True))
    named = [folder.name, options.catalogue.stem, *([options.part] if options.part else [])]
    out = options.out or workspace.root / "-".join(named)
    request = Request(
        folder,
        options.catalogue,
        options.images,
        out,
        options.part,
        write_calibration=options.refit,
        command=command,
        columns=tuple(options.column),
    )
    print(evaluate_version(request, workspace))
    return 0


def _command(given: Sequence[str]) -> str:
    """The command as the model card shows it; absolute paths by name only, since a version travels."""
    shown = [Path(part).name if Path(part).is_absolute() else part for part in given]
    return f"python -m training {shlex.join(shown)}"


def _workspace(config: RunConfig, options: argparse.Namespace) -> Workspace:
    # Flushed, so that a log file shows how far the run is.
    return Workspace(options.work / config.name, partial(print, flush=True))


def _quieten_progress() -> None:
    """In a log file a progress bar is one line every half minute. tqdm reads this when it is imported."""
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_MININTERVAL", "30")


if __name__ == "__main__":
    sys.exit(main())
