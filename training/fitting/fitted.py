"""A fitted network, as the fit hands it to the publication."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.listing import Modality


@dataclass(frozen=True)
class FittedNetwork:
    """A network as its fit left it: `path` is its `.keras` file, `files` what preprocessing needs beside the JSON."""

    modality: Modality
    name: str
    path: Path
    files: tuple[Path, ...] = ()
