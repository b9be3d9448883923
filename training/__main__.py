"""`python -m training`: make a version from a catalogue."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from models.errors import PykutenError, VersionUnknown
from models.networks.keras import quieten
from models.versions.store import DEFAULT_STORE, Store
from training.catalogue.dataset import SPLITS
from training.commands.catalogue_argument import read_catalogue_argument
from training.config.run import RunConfig, read_config
from training.errors import TrainingError
from training.workspace import Workspace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 not published, 2 the input is no good, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(words, argparse.Namespace(command=_command_line(words)))
    if not sys.stderr.isatty():  # in a log file, one line every half minute; tqdm reads this when it is imported
        os.environ.setdefault("TQDM_MININTERVAL", "30")
    quieten()
    try:
        options.run(options)
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
    return 0


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """The type of an option that takes whole numbers from `least` to `most`."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            allowed = f"{least} or more" if most is None else f"{least} to {most}"
            raise argparse.ArgumentTypeError(f"{text} is no whole number of {allowed}")
        return value

    return number


COMMON: Mapping[str, Mapping[str, Any]] = {
    "config": {"type": Path, "metavar": "CONFIG.toml", "help": "the run's config"},
    "--seed": {"type": whole_number(0, 2**32 - 1), "help": "instead of the config's seed"},
    "--store": {"type": Path, "default": DEFAULT_STORE, "help": "the folder of versions (default: models/store)"},
    "--work": {"type": Path, "default": Path("runs"), "help": "the folder of finished stages (default: runs)"},
    "--promote": {"action": "store_true", "help": "make the version the one to serve unless it is worse"},
    "--force": {"action": "store_true", "help": "go on, seal and promote even where refused"},
    "--images": {"type": Path, "metavar": "DIR", "help": "the folder that the image column's names are relative to"},
    "--column": {
        "action": "append",
        "default": [],
        "metavar": "FIELD=NAME",
        "help": "a table's column, where its name does not tell: designation=headline",
    },
}
"""Arguments that several commands take."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = partial(_add_command, commands)
    add("run", _run, "train, calibrate, evaluate and seal a version", "config --store --promote --force --seed --work")
    add("check", _check, "read, check and split the catalogue, and stop there", "config --seed --work")
    about = "put two versions' networks together in a new version, without training"
    _add_fuse(add("fuse", _fuse, about, "--store --promote --force --work"))
    _add_compare(
        add(
            "compare",
            _compare,
            "train or reuse the networks of several configs and write one side-by-side report",
            "config --seed --work",
            description="Trains what is not trained yet, seals nothing, and writes compare.html, compare.md and "
            "compare.json. Interrupted, the same command goes on where it stopped.",
        )
    )
    about = "a version on anybody's labelled listings: report and thresholds"
    _add_evaluate(add("evaluate", _evaluate, about, "--images --column --store --work"))
    explore = add("explore", _explore, "a page on what is in a catalogue, to look at before training", LOOK)
    explore.add_argument("--out", type=Path, metavar="FILE.html", help="the page (default: WORK/NAME/explore.html)")
    sample = "rows, or photos, that each costly look takes; 0 takes all (default: 20000)"
    explore.add_argument("--sample", type=whole_number(0), default=20_000, help=sample)
    _add_audit(add("audit", _audit, "listings that are probably filed wrong, most certain first", f"{LOOK} --store"))
    return parser


LOOK = "--images --column --seed --work"
"""Options of the commands that read a CATALOGUE: a config, or a table without one."""


def _add_command(
    commands: Any, name: str, run: Callable[..., None], about: str, common: str, **options: str
) -> argparse.ArgumentParser:
    """A command that calls `run`, with arguments of `COMMON`."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, **options)
    for argument in common.split():
        parser.add_argument(argument, **COMMON[argument])
    if common.startswith(LOOK):
        catalogue = "a run's config (.toml), or a CSV or Parquet file of listings"
        parser.add_argument("catalogue", type=Path, metavar="CATALOGUE", help=catalogue)
    parser.set_defaults(run=run)
    return parser


def _add_fuse(fuse: argparse.ArgumentParser) -> None:
    fuse.add_argument("text", metavar="VERSION_A", help="whose text network it takes: a name in the store, or a folder")
    fuse.add_argument("image", metavar="VERSION_B", help="whose image network it takes")
    about = "catalogue, split, fusion and decision"
    fuse.add_argument("--config", type=Path, required=True, metavar="CONFIG.toml", help=about)
    fuse.set_defaults(seed=None)


def _add_compare(compare: argparse.ArgumentParser) -> None:
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
    about = "listings timed one by one for the cost (default: 50)"
    compare.add_argument("--listings", type=whole_number(1), default=50, help=about)


def _add_evaluate(evaluate: argparse.ArgumentParser) -> None:
    evaluate.add_argument("version", metavar="VERSION", help="a version of the store, or a version's folder")
    evaluate.add_argument("catalogue", type=Path, metavar="CATALOGUE", help="a CSV or Parquet file, or a run's config")
    evaluate.add_argument("--part", default="", choices=SPLITS, help="only this part of the split, not all rows")
    evaluate.add_argument("--out", type=Path, help="where the report goes (default: a folder below that of --work)")
    about = "write the re-fitted thresholds, a calibration.json, too"
    evaluate.add_argument("--refit", action="store_true", help=about)


def _add_audit(audit: argparse.ArgumentParser) -> None:
    about = "for issues.csv and audit.html (default: WORK/NAME/audit)"
    audit.add_argument("--out", type=Path, metavar="DIR", help=about)
    about = "parts that are judged in turn (default: 5)"
    audit.add_argument("--folds", type=whole_number(2, 20), default=5, help=about)
    about = 'a version whose opinion on the photos is added; "current": the promoted one'
    audit.add_argument("--version", help=about)


def _run(options: argparse.Namespace) -> None:
    config = _seeded(read_config(options.config), options)
    from training.pipeline import run

    choices = {"promote": options.promote, "force": options.force, "command": options.command}
    print(run(config, Store(options.store), _workspace(config, options), **choices))


def _check(options: argparse.Namespace) -> None:
    config = _seeded(read_config(options.config), options)
    from training.pipeline import prepare_data

    prepare_data(config, _workspace(config, options))


def _fuse(options: argparse.Namespace) -> None:
    config = read_config(options.config)
    from training.commands.fuse import fuse

    choices = {"promote": options.promote, "force": options.force, "command": options.command}
    print(fuse(config, Store(options.store), _workspace(config, options), options.text, options.image, **choices))


def _compare(options: argparse.Namespace) -> None:
    paths = [options.config, *options.others]
    configs = [_seeded(read_config(path), options) for path in paths]
    from training.comparison.compare import compare, labels

    named = zip(labels(paths), configs, strict=True)
    runs = [(label, config, _workspace(config, options)) for label, config in named]
    choices = {"part": options.on, "baseline": options.baseline, "listings": options.listings}
    print(compare(runs, options.out or options.work / "comparison", **choices, command=options.command))


def _evaluate(options: argparse.Namespace) -> None:
    from training.commands.evaluate import Request, evaluate_version

    folder = Store(options.store).locate(options.version)
    workspace = Workspace(options.work / "evaluate", partial(print, flush=True))
    named = [folder.name, options.catalogue.stem, *([options.part] if options.part else [])]
    request = Request(
        folder,
        options.catalogue,
        options.images,
        options.out or workspace.root / "-".join(named),
        options.part,
        write_calibration=options.refit,
        command=options.command,
        columns=tuple(options.column),
    )
    print(evaluate_version(request, workspace))


def _explore(options: argparse.Namespace) -> None:
    config = _catalogue_config(options)
    from training.analysis.explore import explore
    from training.analysis.explore_page import write_exploration

    workspace = _workspace(config, options)
    page = options.out or workspace.root / "explore.html"
    notes = [] if config.catalogue.images else ["photos were not looked at: no folder of photos is given (--images)"]
    context = {"command": options.command, "notes": notes}
    write_exploration(page, explore(config, workspace, sample=options.sample, context=context))
    workspace.say(f"{page} ({page.stat().st_size / 1e6:.1f} MB)")


def _audit(options: argparse.Namespace) -> None:
    config = _catalogue_config(options)
    from training.analysis.audit_report import write_audit
    from training.analysis.label_audit import audit
    from training.analysis.photo_opinions import load_version

    workspace = _workspace(config, options)
    predictor = None if options.version is None else load_version(Store(options.store), options.version)
    result = audit(config, workspace, folds=options.folds, predictor=predictor)
    table, page = write_audit(options.out or workspace.root / "audit", result, {"command": options.command})
    workspace.say(f"{len(result.issues)} of {len(result.predictions.rows)} judged listings are probably filed wrong")
    workspace.say(f"{table}\n{page} ({page.stat().st_size / 1e6:.1f} MB)")


def _catalogue_config(options: argparse.Namespace) -> RunConfig:
    return _seeded(read_catalogue_argument(options.catalogue, options.images, options.column), options)


def _seeded(config: RunConfig, options: argparse.Namespace) -> RunConfig:
    return config if options.seed is None else config.model_copy(update={"seed": options.seed})


def _command_line(words: Sequence[str]) -> str:
    """The command as the model card shows it; absolute paths by name only, since a version travels."""
    names = [Path(word).name if Path(word).is_absolute() else word for word in words]
    return f"python -m training {shlex.join(names)}"


def _workspace(config: RunConfig, options: argparse.Namespace) -> Workspace:
    # Flushed, so that a log file shows how far the run is.
    return Workspace(options.work / config.name, partial(print, flush=True))


if __name__ == "__main__":
    sys.exit(main())
