"""A fitted network, as fitting hands it to publishing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.listing import Modality


@dataclass(frozen=True)
class FittedNetwork:
    """A fitted network: `path` is its `.keras` file, `files` those that preprocessing needs beside its JSON."""

    modality: Modality
    name: str
    path: Path
    files: tuple[Path, ...] = ()
