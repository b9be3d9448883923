"""`python -m training audit`: its options, and what it does."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.store import Store
from training.catalogue_argument import add_catalogue_argument, whole_number
from training.config import RunConfig
from training.workspace import Workspace

DEFAULT_STORE = Path(__file__).parent.parent / "models" / "store"


def add_arguments(parser: argparse.ArgumentParser) -> None:
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
    from training.audit import audit
    from training.audit_photos import load_version
    from training.audit_report import write_audit

    predictor = None if options.version is None else load_version(Store(options.store), options.version)
    found = audit(config, workspace, folds=options.folds, predictor=predictor)
    table, page = write_audit(options.out or workspace.root / "audit", found, {"command": command})
    workspace.say(f"{len(found.issues)} of {len(found.judged.rows)} judged listings are probably filed wrong")
    workspace.say(f"{table}\n{page} ({page.stat().st_size / 1e6:.1f} MB)")
    return 0
