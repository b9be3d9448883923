"""The version folder on disk: its manifest, and the checks made before anything in it is parsed.

A version is a folder of plain files. `manifest.json` lists every other file with its size and SHA-256 and carries a
digest of itself, whose first characters end the version's name: a folder whose content is not what was sealed is
refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from models.errors import VersionRefused
from models.listing import Modality

MANIFEST = "manifest.json"
FORMAT_VERSION = 1
"""Raised when a folder written by today's code could not be read by yesterday's."""
MAX_MANIFEST_BYTES = 1024 * 1024
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""Limit of a file that is read before the version is verified; the longest, `metrics.json`, has under 1 MB."""
VERSION_NAME = re.compile(r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}\Z")
DIGEST_CHARACTERS = 7


class FileEntry(BaseModel):
    """Size in bytes and lower-case hexadecimal SHA-256 of one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class NetworkEntry(BaseModel):
    """One network of the version. `precision` is what its compiled form runs in where the processor offers it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    parameters: int
    precision: str = Field(pattern=r"^(f32|bf16|int8)$")


class Manifest(BaseModel):
    """`manifest.json`. `run`, `data` and `libraries` are provenance for people; nothing is computed from them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format_version: int
    version: str
    digest: str
    name: str
    created: datetime
    classes: int = Field(ge=2)
    networks: dict[Modality, NetworkEntry] = Field(min_length=1)
    run: dict[str, Any]
    data: dict[str, Any]
    libraries: dict[str, str]
    files: dict[str, FileEntry]


def file_entry(path: Path) -> FileEntry:
    """Size and SHA-256 of a file, read in blocks."""
    with path.open("rb") as stream:
        return FileEntry(bytes=path.stat().st_size, sha256=hashlib.file_digest(stream, "sha256").hexdigest())


def manifest_digest(document: dict[str, Any]) -> str:
    """SHA-256 of the manifest's canonical JSON without `version` and `digest`."""
    content = {key: value for key, value in document.items() if key not in ("version", "digest")}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def version_files(folder: Path) -> dict[str, Path]:
    """Every file below `folder` but the manifest, by its path with forward slashes. Raises VersionRefused on links."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise VersionRefused("the folder holds something that is neither file nor folder")
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST:
            files[name] = path
    return files


def write_manifest(folder: Path, **fields: Any) -> Manifest:
    """Write `manifest.json` over the files now in `folder`.

    `fields` are those of `Manifest` without format_version, version, digest and files.
    """
    files = {name: file_entry(path) for name, path in version_files(folder).items()}
    draft = Manifest(format_version=FORMAT_VERSION, version="", digest="", files=files, **fields)
    document = draft.model_dump(mode="json")
    digest = manifest_digest(document)
    version = _version_name(draft.created, digest)
    document |= {"version": version, "digest": digest}
    (folder / MANIFEST).write_bytes(_written(document))
    return draft.model_copy(update={"version": version, "digest": digest})


def read_manifest(folder: Path) -> Manifest:
    """Read and check `manifest.json` alone. Raises VersionRefused when it is missing, malformed, foreign or changed."""
    path = folder / MANIFEST
    try:
        # Reading a named pipe would block, and a link could lead anywhere.
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_MANIFEST_BYTES:
            raise VersionRefused(f"{MANIFEST} is missing, no plain file or too large")
        content = path.read_bytes()
        # `from_json` refuses what no answer could carry: lone surrogates, NaN, nesting beyond 200.
        document = from_json(content, allow_inf_nan=False)
        manifest = Manifest.model_validate(document)
        as_written = content == _written(document)
    except (OSError, ValueError, ValidationError) as error:
        raise VersionRefused(f"{MANIFEST} is missing or malformed") from error
    if manifest.format_version != FORMAT_VERSION:
        raise VersionRefused(f"format {manifest.format_version} is not format {FORMAT_VERSION}")
    digest = manifest_digest(document)
    if not as_written or manifest.digest != digest or manifest.version != _version_name(manifest.created, digest):
        raise VersionRefused(f"{MANIFEST} was changed after it was sealed")
    return manifest


def read_listed(folder: Path, manifest: Manifest, name: str) -> bytes:
    """One file of a version that nobody has verified as a whole.

    Raises VersionRefused unless it is a plain file, not a link, of the size and checksum in the manifest.
    """
    entry = manifest.files.get(name)
    if entry is None or entry.bytes > MAX_DOCUMENT_BYTES:
        raise VersionRefused(f"{name} is not in the manifest, or too large")
    try:
        # Neither follow a link nor block on a named pipe; a system without these flags has the check below.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(folder / name, flags), "rb") as file:  # noqa: PTH123 - a descriptor
            is_plain = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(entry.bytes + 1) if is_plain else b""
    except OSError as error:
        raise VersionRefused(f"{name} cannot be read") from error
    if len(content) != entry.bytes or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise VersionRefused(f"{name} is not what the manifest says")
    return content


def trained_on(manifest: Manifest, catalogue: str) -> bool:
    """Whether the version was made from a catalogue of this file name, and may have been trained on its listings."""
    return bool(manifest.data.get("catalogue") == catalogue)


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Check that `folder` holds exactly the manifest's files, by size, then by SHA-256. Raises VersionRefused."""
    try:
        files = version_files(folder)
        if unexpected := sorted(files.keys() ^ manifest.files.keys()):
            raise VersionRefused(f"{unexpected[0]} is missing or not in the manifest")
        for name, path in files.items():
            if path.stat().st_size != manifest.files[name].bytes:
                raise VersionRefused(f"{name} has another size than the manifest says")
        for name, path in files.items():
            if file_entry(path).sha256 != manifest.files[name].sha256:
                raise VersionRefused(f"{name} has another checksum than the manifest says")
    except OSError as error:
        raise VersionRefused("a file cannot be read") from error


def _written(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _version_name(created: datetime, digest: str) -> str:
    return f"{created:%Y.%m.%d}-{digest[:DIGEST_CHARACTERS]}"
