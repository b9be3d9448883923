"""Photos of a folder by the names that a catalogue gives them: never a file outside it, whatever the name says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.image_limits import MAX_IMAGE_BYTES


@dataclass(frozen=True, slots=True)
class PhotoFolder:
    """A folder and all that is below it. Links are followed as long as they stay inside."""

    root: Path

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None when there is no such file, it lies outside, or it is over `MAX_IMAGE_BYTES`."""
        try:
            root = self.root.resolve(strict=True)
            path = (root / name).resolve(strict=True)  # an absolute name replaces the root
            if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > MAX_IMAGE_BYTES:
                return None
            return path.read_bytes()
        except (OSError, ValueError, RuntimeError):  # a name with a NUL; a ring of links
            return None
