"""`docs/architecture.md` draws the imports between rooms, describes every room, and has the glossary."""

from __future__ import annotations

import re

import grimp
import pytest

from tests.contract.documents.documents import check_generated, read_document

DOCUMENT = "docs/architecture.md"
EVERYWHERE = {"errors", "__main__"}
"""Rooms that are left out of the diagrams: errors are imported by all others, programs import all others."""


def arrows(package: str) -> dict[str, set[str]]:
    """The rooms of a package, each with the rooms that it imports."""
    graph = grimp.build_graph(package)
    rooms = graph.find_children(package)
    for room in rooms:
        graph.squash_module(room)
    names = {room: room.rpartition(".")[2] for room in rooms if room.rpartition(".")[2] not in EVERYWHERE}
    return {
        name: {names[target] for target in graph.find_modules_directly_imported_by(room) if target in names}
        for room, name in names.items()
    }


def reached(imports: dict[str, set[str]], room: str) -> set[str]:
    """The rooms that a room imports, and those that they import, and so on."""
    rooms: set[str] = set()
    waiting = [room]
    while waiting:
        new = imports[waiting.pop()] - rooms
        rooms |= new
        waiting += new
    return rooms


def diagram(package: str) -> str:
    """The arrows as Mermaid, without those that a longer way implies."""
    imports = arrows(package)
    lines = [
        f"  {room} --> {target}"
        for room in sorted(imports)
        for target in sorted(imports[room])
        if not any(target in reached(imports, other) for other in imports[room] - {target})
    ]
    return "\n".join(["```mermaid", "flowchart TB", *lines, "```"])


@pytest.mark.parametrize("package", ["models", "training", "service"])
def test_the_diagrams_are_the_imports(package: str, update: bool) -> None:
    check_generated(DOCUMENT, package, diagram(package), update=update)


@pytest.mark.parametrize("package", ["models", "training", "service"])
def test_every_room_has_a_paragraph(package: str) -> None:
    text = read_document(DOCUMENT).text
    (section,) = re.findall(rf"^## The rooms of `{package}`\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    described = set(re.findall(r"^\*\*([a-z]+)\*\*", section, re.MULTILINE))
    assert (set(arrows(package)) | {"errors"}) - described == set()


def test_the_glossary_is_in_order() -> None:
    (glossary,) = re.findall(r"^## Glossary\n(.*)", read_document(DOCUMENT).text, re.MULTILINE | re.DOTALL)
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", glossary, re.MULTILINE)
    assert words == sorted(words, key=str.lower)
    assert len(words) == len(set(words)) > 30
