"""`python -m training audit`: its options, and what it does."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.versions.store import DEFAULT_STORE, Store
from training.commands.catalogue_argument import add_catalogue_argument, whole_number
from training.config.run import RunConfig
from training.workspace import Workspace


def add_audit_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_catalogue_argument(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="for issues.csv and audit.html (default: WORK/NAME/audit)"
    )
    parser.add_argument(
        "--folds", type=whole_number(2, 20), default=5, help="parts that are judged in turn (default: 5)"
    )
    parser.add_argument("--version", help='a version whose opinion on the photos is added; "current": the promoted one')
    parser.add_argument("--store", type=Path, default=DEFAULT_STORE, help="where it is (default: models/store)")


def run_audit(config: RunConfig, workspace: Workspace, options: argparse.Namespace, command: str) -> int:
    """Audit the catalogue and write the CSV and the page."""
    from training.analysis.audit_report import write_audit
    from training.analysis.label_audit import audit
    from training.analysis.photo_opinions import load_version

    predictor = None if options.version is None else load_version(Store(options.store), options.version)
    found = audit(config, workspace, folds=options.folds, predictor=predictor)
    table, page = write_audit(options.out or workspace.root / "audit", found, {"command": command})
    workspace.say(f"{len(found.issues)} of {len(found.predictions.rows)} judged listings are probably filed wrong")
    workspace.say(f"{table}\n{page} ({page.stat().st_size / 1e6:.1f} MB)")
    return 0


def add_explore_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_catalogue_argument(parser)
    parser.add_argument("--out", type=Path, metavar="FILE.html", help="the page (default: WORK/NAME/explore.html)")
    parser.add_argument(
        "--sample",
        type=whole_number(0),
        default=20_000,
        help="rows, or photos, that each costly look takes; 0: all (default: 20000)",
    )


def run_explore(config: RunConfig, workspace: Workspace, options: argparse.Namespace, command: str) -> int:
    """Look at the catalogue and write the page."""
    from training.analysis.explore import explore
    from training.analysis.explore_page import write_exploration

    page = options.out or workspace.root / "explore.html"
    notes = [] if config.catalogue.images else ["photos were not looked at: no folder of photos is given (--images)"]
    found = explore(config, workspace, sample=options.sample, context={"command": command, "notes": notes})
    write_exploration(page, found)
    workspace.say(f"{page} ({page.stat().st_size / 1e6:.1f} MB)")
    return 0
