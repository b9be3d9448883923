"""The photos of a catalogue: files of one folder, found by the names that its rows give them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from models.preprocessing.image.limits import MAX_IMAGE_BYTES

_PICTURES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)
"""A scheme; one letter is a drive of Windows."""
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")


@dataclass(frozen=True)
class PhotoFolder:
    """A folder and all that is below it.

    A name is relative to the folder, or an absolute path in it. Case, Unicode form, backslashes, percent signs of web
    addresses and a missing extension do not matter where just one file fits.
    """

    root: Path
    _names: dict[str, Mapping[str, list[str]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def find(self, name: str) -> Path | None:
        """The file of a photo; None when there is none, or not just one."""
        for path in self._paths(name):
            if os.path.isfile(path):  # noqa: PTH113 - Path.is_file takes twice as long, and there may be a million
                return Path(path)
        for path in self._paths(name):
            if len(matches := self._matches(path)) == 1:
                return Path(path).parent / matches[0]
        return None

    def lies_outside(self, name: str) -> bool:
        """Whether the name is a path to somewhere else than the folder."""
        name = name.strip()
        return not _is_address(name) and bool(name) and next(self._paths(name), None) is None

    def why_missing(self, name: str) -> str:
        """What was tried for a photo that `find` does not find, and why it failed: a clause for people."""
        name, folder = name.strip(), self.root.name
        if _is_address(name):
            return f"{name} is a web address; photos are read from files, so fetch them into {folder} first"
        if (path := next(self._paths(name), None)) is None:
            return f"{name} lies outside {folder}"
        tried = f"{folder}/{Path(path).relative_to(self._base)}"
        matches = self._matches(path)
        if matches:
            return f"{tried} may be any of {', '.join(sorted(matches)[:3])}"
        if others := self._matches(os.path.splitext(path)[0]):  # noqa: PTH122
            return f"there is no file {tried}, only {', '.join(sorted(others)[:3])}"
        if not Path(path).parent.is_dir():
            return f"there is no folder {Path(tried).parent} (tried {tried})"
        holds = sum(len(names) for names in self._listed(str(Path(path).parent)).values()) // 2
        return f"there is no file {tried} among the {holds:,} pictures of its folder"

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None when there is no such file, it lies outside, or it is over `MAX_IMAGE_BYTES`.

        Links are followed as long as they stay inside.
        """
        try:
            photo, root = self.find(name), self.root.resolve(strict=True)
            path = None if photo is None else photo.resolve(strict=True)
            if path is None or not path.is_relative_to(root) or path.stat().st_size > MAX_IMAGE_BYTES:
                return None
            return path.read_bytes()
        except (OSError, ValueError, RuntimeError):  # a name with a NUL; a ring of links
            return None

    @property
    def _base(self) -> str:
        return os.path.abspath(self.root)  # noqa: PTH100 - with ".." taken out, and links as they are

    def _paths(self, name: str) -> Iterator[str]:
        """The paths inside the folder that a name may mean, most literal first."""
        name, base = name.strip(), self._base
        if not name or _is_address(name):
            return
        slashed = name.replace("\\", "/")
        forms = [name, slashed, unquote(slashed), slashed.removeprefix("./").removeprefix(f"{self.root.name}/")]
        for form in dict.fromkeys(forms):
            if _DRIVE.match(form):
                continue
            path = os.path.normpath(os.path.join(base, form))  # noqa: PTH118 - an absolute form replaces the base
            if not path.startswith(base + os.sep) and form.startswith("/"):
                path = os.path.join(base, os.path.relpath(path, os.path.realpath(base)))  # noqa: PTH118
                path = os.path.normpath(path)
            if path.startswith(base + os.sep):
                yield path

    def _matches(self, path: str) -> list[str]:
        """The names in the path's folder that differ from the path's only in what does not matter."""
        folder, name = os.path.split(path)
        return self._listed(folder).get(_key(name), [])

    def _listed(self, folder: str) -> Mapping[str, list[str]]:
        """The pictures in a folder by their names, and by these without extension; listed once."""
        if folder not in self._names:
            names: dict[str, list[str]] = defaultdict(list)
            try:
                with os.scandir(folder) as entries:
                    files = [entry.name for entry in entries if entry.is_file()]
            except (OSError, ValueError):
                files = []
            for file in files:
                stem, extension = os.path.splitext(file)  # noqa: PTH122
                if extension.lower() in _PICTURES:
                    names[_key(file)].append(file)
                    names[_key(stem)].append(file)
            self._names[folder] = names
        return self._names[folder]


def _is_address(name: str) -> bool:
    return bool(_ADDRESS.match(name)) and "/" in name


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
