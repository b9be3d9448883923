"""The project's documents, taken apart: code blocks, commands, links, headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
UPDATE = ".venv-dev/bin/python -m pytest tests/contract/documents --update"

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Document:
    """`name` is the path from the project's root."""

    name: str
    text: str

    @property
    def path(self) -> Path:
        """The document's file."""
        return ROOT / self.name

    def blocks(self, language: str) -> list[str]:
        """The code blocks in a language."""
        return [text for block_language, text in _FENCE.findall(self.text) if block_language == language]

    def languages(self) -> set[str]:
        """The languages of the code blocks."""
        return {language for language, _ in _FENCE.findall(self.text)}

    def commands(self) -> Iterator[str]:
        """The lines of the shell blocks, continuation lines joined, without comments."""
        for block in self.blocks("sh"):
            for line in block.replace("\\\n", " ").splitlines():
                command = re.sub(r"(^|\s+)#\s.*$", "", line).strip()
                if command:
                    yield command

    def generated(self, marker: str) -> str:
        """The text between `<!-- marker:begin -->` and `<!-- marker:end -->`."""
        match = re.search(rf"<!-- {marker}:begin -->\n(.*?)\n?<!-- {marker}:end -->", self.text, re.DOTALL)
        assert match, marker
        return match[1]

    def links(self) -> list[str]:
        """The targets of links and pictures."""
        return _LINK.findall(_FENCE.sub("", self.text))

    def anchors(self) -> set[str]:
        """The names that a link may have behind `#`, as GitHub makes them of headings."""
        headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", self.text), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def inline_commands(self) -> list[list[str]]:
        """Calls of the project's programs inside sentences, as words that begin with the package."""
        calls = re.findall(r"`(?:\S*python -m )?((?:models|training|service) [a-z]+(?: [^`]*)?)`", self.text)
        return [shlex.split(call) for call in calls]


def documents() -> list[Document]:
    """The documents at the root and below `docs`."""
    paths = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    return [read_document(path.relative_to(ROOT).as_posix()) for path in paths]


def read_document(name: str) -> Document:
    """The document at a path from the project's root."""
    return Document(name, (ROOT / name).read_text(encoding="utf-8"))


def check_generated(name: str, marker: str, content: str, *, update: bool) -> None:
    """Compare the text between a document's markers with `content`, or write it there first."""
    document = read_document(name)
    if update:
        pattern = rf"(<!-- {marker}:begin -->\n).*?(<!-- {marker}:end -->)"
        replaced = re.sub(pattern, lambda marks: f"{marks[1]}{content}\n{marks[2]}", document.text, flags=re.DOTALL)
        document.path.write_text(replaced, encoding="utf-8")
        document = Document(name, replaced)
    assert document.generated(marker) == content, f"`{UPDATE}` writes it anew"
