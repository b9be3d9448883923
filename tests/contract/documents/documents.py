"""The project's documents, taken apart: code blocks, commands, links, headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.contract.real_server import ROOT

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_GENERATED = re.compile(r"<!-- ([a-z-]+):begin -->\n(.*?)\n?<!-- \1:end -->", re.DOTALL)


@dataclass(frozen=True)
class Document:
    """`name` is the path from the project's root."""

    name: str
    text: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return ROOT / self.name

    def blocks(self, language: str) -> list[str]:
        """The code blocks in a language."""
        return [text for found, text in _FENCE.findall(self.text) if found == language]

    def languages(self) -> set[str]:
        """The languages of its code blocks."""
        return {found for found, _ in _FENCE.findall(self.text)}

    def commands(self) -> Iterator[str]:
        """The lines of its shell blocks, continuation lines joined, comments gone."""
        for block in self.blocks("sh"):
            for line in block.replace("\\\n", " ").splitlines():
                command = re.sub(r"\s+#\s.*$", "", line).strip()
                if command and not command.startswith("#"):
                    yield command

    def generated(self) -> dict[str, str]:
        """What stands between its `NAME:begin` and `NAME:end` markers."""
        return dict(_GENERATED.findall(self.text))

    def links(self) -> list[str]:
        """The targets of its links and pictures."""
        return _LINK.findall(_FENCE.sub("", self.text))

    def anchors(self) -> set[str]:
        """What a link may name behind `#`, as GitHub makes it of headings."""
        headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", self.text), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def documents() -> list[Document]:
    """All of them: those at the root, and those below `docs`."""
    paths = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    return [Document(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def rewrite(document: Document, marker: str, content: str) -> Document:
    """Put `content` between the markers of that name in the file; the document as it is then."""
    pattern = rf"(<!-- {marker}:begin -->\n).*?(<!-- {marker}:end -->)"
    text = document.path.read_text(encoding="utf-8")
    text = re.sub(pattern, lambda found: f"{found[1]}{content}\n{found[2]}", text, flags=re.DOTALL)
    document.path.write_text(text, encoding="utf-8")
    return Document(document.name, text)


def inline_commands(text: str) -> list[list[str]]:
    """Calls of the project's programs that stand in a sentence, as lists of words that begin with the package."""
    found = re.findall(r"`(?:\S*python -m )?((?:models|training|service) [a-z]+(?: [^`]*)?)`", text)
    return [shlex.split(command) for command in found]
