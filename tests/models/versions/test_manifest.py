from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from models.errors import VersionRefused
from models.listing import Modality
from models.versions.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    VERSION_NAME,
    Manifest,
    manifest_digest,
    read_manifest,
    verify_files,
    version_files,
    write_manifest,
)

FIELDS: dict[str, Any] = {
    "name": "tiny",
    "created": datetime(2026, 11, 25, 12, tzinfo=UTC),
    "classes": 27,
    "networks": {Modality.TEXT: {"name": "gru", "parameters": 12, "precision": "f32"}},
    "run": {"seed": 1, "rate": 0.001, "nested": {"é": [1, None, True]}},
    "data": {"catalogue": "Größe"},
    "libraries": {"numpy": "2.4"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two files and one below, and their manifest."""
    folder = tmp_path / "version"
    (folder / "golden").mkdir(parents=True)
    (folder / "text.bin").write_bytes(bytes(range(256)) * 100)
    (folder / "empty").touch()
    (folder / "golden" / "00.jpg").write_bytes(b"\xff\xd8")
    write_manifest(folder, **FIELDS)
    return folder


def refused(folder: Path) -> str:
    """Why the folder is refused, which it must be."""
    with pytest.raises(VersionRefused) as caught:
        verify_files(folder, read_manifest(folder))
    return caught.value.reason


def test_what_is_written_is_read(folder: Path) -> None:
    written = write_manifest(folder, **FIELDS)
    manifest = read_manifest(folder)
    assert manifest == written
    assert manifest.networks[Modality.TEXT].name == "gru"
    assert manifest.run == FIELDS["run"]
    assert set(manifest.files) == {"text.bin", "empty", "golden/00.jpg"}
    assert manifest.files["text.bin"].bytes == 25_600
    assert manifest.files["text.bin"].sha256 == hashlib.sha256(bytes(range(256)) * 100).hexdigest()
    verify_files(folder, manifest)


def test_the_name_is_the_date_and_the_start_of_the_digest(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest.version == f"2026.11.25-{manifest.digest[:7]}"
    assert VERSION_NAME.match(manifest.version)


@pytest.mark.parametrize("change", [{"name": "other"}, {"classes": 26}, {"run": {"seed": 2}}, {}])
def test_other_content_has_another_digest(folder: Path, change: dict[str, Any]) -> None:
    digest = read_manifest(folder).digest
    assert write_manifest(folder, **FIELDS).digest == digest
    if not change:
        (folder / "empty").write_bytes(b"x")
    assert write_manifest(folder, **(FIELDS | change)).digest != digest


@pytest.mark.parametrize("change", [{"networks": {}}, {"classes": 1}, {"surprise": 1}])
def test_what_could_not_be_read_is_not_written(folder: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        write_manifest(folder, **(FIELDS | change))


def document(folder: Path) -> dict[str, Any]:
    return json.loads((folder / MANIFEST).read_bytes())


def write_document(folder: Path, content: dict[str, Any]) -> None:
    """Write a manifest's content in the form that manifests have."""
    (folder / MANIFEST).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def test_writing_a_manifest_as_it_was_changes_nothing(folder: Path) -> None:
    before = (folder / MANIFEST).read_bytes()
    write_document(folder, document(folder))
    assert (folder / MANIFEST).read_bytes() == before


@pytest.mark.parametrize("key", sorted(Manifest.model_fields))
def test_a_field_that_is_missing_is_noticed(folder: Path, key: str) -> None:
    content = document(folder)
    del content[key]
    write_document(folder, content)
    assert "missing or malformed" in refused(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", "2026.11.26-0000000"),
        ("digest", "0" * 64),
        ("name", "tinier"),
        ("created", "2026-11-26T12:00:00Z"),
        ("classes", 28),
        ("networks", {"text": {"name": "gru", "parameters": 12, "precision": "bf16"}}),
        ("run", {"seed": 2}),
        ("data", {}),
        ("libraries", {"numpy": "2.5"}),
        ("files", {}),
    ],
)
def test_a_field_that_was_changed_is_noticed(folder: Path, key: str, value: object) -> None:
    write_document(folder, document(folder) | {key: value})
    assert "changed after it was sealed" in refused(folder)


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: c + b"\n", lambda c: b" " + c, lambda c: c.replace(b" ", b"")]
)
def test_a_manifest_is_as_it_was_written_to_the_byte(folder: Path, change: Callable[[bytes], bytes]) -> None:
    content = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(change(content))
    assert "changed after it was sealed" in refused(folder)


def test_the_date_in_the_name_is_the_date_of_its_making(folder: Path) -> None:
    content = document(folder)
    content["version"] = "2027.01.01" + content["version"][10:]
    write_document(folder, content)
    assert "changed after it was sealed" in refused(folder)


def test_another_format_is_refused_though_its_digest_is_right(folder: Path) -> None:
    content = document(folder) | {"format_version": 2}
    content["digest"] = manifest_digest(content)
    content["version"] = f"2026.11.25-{content['digest'][:7]}"
    write_document(folder, content)
    assert refused(folder) == "format 2 is not format 1"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"manifest"',
        b"\xff\xfe",
        b"PK\x03\x04",
        b"\x80\x05K\x01.",
        b"[" * 200_000,
        b'{"a":' * 150_000,
        b"1" * 5000,
        b" " * MAX_MANIFEST_BYTES + b"{}",
        b'{"format_version": 1e999}',
        b'{"name": "\\ud800"}',
    ],
)
def test_anything_else_is_refused(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    refused(folder)


HARM: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "link": lambda path: path.symlink_to(path.parents[2] / "elsewhere"),
    "dangling link": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
@pytest.mark.parametrize("name", [MANIFEST, "text.bin", "golden/00.jpg"])
def test_what_is_no_plain_file_is_refused_without_waiting_for_it(
    folder: Path, name: str, harm: Callable[[Path], None]
) -> None:
    path = folder / name
    (path.parents[2] / "elsewhere").write_bytes(path.read_bytes())
    path.unlink()
    harm(path)
    refused(folder)


@pytest.mark.parametrize("name", ["more", ".hidden", "golden/more", "new/more"])
def test_a_file_more_is_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    assert refused(folder) == f"{name} is missing or not in the manifest"


def test_another_size_and_another_byte_are_told_apart(folder: Path) -> None:
    (folder / "text.bin").write_bytes(bytes(25_600))
    assert refused(folder) == "text.bin has another checksum than the manifest says"
    (folder / "text.bin").write_bytes(bytes(25_601))
    assert refused(folder) == "text.bin has another size than the manifest says"


def test_a_manifest_that_names_files_outside_opens_none_of_them(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    content = document(folder)
    content["files"]["../outside"] = {"bytes": 6, "sha256": hashlib.sha256(b"secret").hexdigest()}
    content["digest"] = manifest_digest(content)
    content["version"] = f"2026.11.25-{content['digest'][:7]}"
    write_document(folder, content)
    assert refused(folder) == "../outside is missing or not in the manifest"


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere")


def test_links_are_not_published(folder: Path) -> None:
    (folder / "link").symlink_to("text.bin")
    with pytest.raises(VersionRefused):
        version_files(folder)


NAMES = ["2026.11.25-1f3a9c2", "a", "A_b-c.d", "0" * 64]
NO_NAMES = ["", ".", "..", ".draft-1", "-x", "_x", "a/b", "a\\b", "a\n", "\na", "a b", "é", "0" * 65]


@pytest.mark.parametrize(("name", "right"), [*((name, True) for name in NAMES), *((name, False) for name in NO_NAMES)])
def test_names_of_versions(name: str, right: bool) -> None:
    assert bool(VERSION_NAME.match(name)) is right
