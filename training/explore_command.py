"""`python -m training explore`: its options, and what it does."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.catalogue_argument import add_catalogue_argument, whole_number
from training.config import RunConfig
from training.workspace import Workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
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
    from training.explore import explore
    from training.explore_page import write_exploration

    page = options.out or workspace.root / "explore.html"
    notes = [] if config.catalogue.images else ["photos were not looked at: no folder of photos is given (--images)"]
    found = explore(config, workspace, sample=options.sample, context={"command": command, "notes": notes})
    write_exploration(page, found)
    workspace.say(f"{page} ({page.stat().st_size / 1e6:.1f} MB)")
    return 0
