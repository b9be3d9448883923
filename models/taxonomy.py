"""The categories of a version: position in the list IS the class index of its networks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from models.errors import VersionRefused

FILE_NAME = "taxonomy.json"
LANGUAGES = ("fr", "en", "de")
"""Languages of labels and groups; the first is the fallback."""
MAX_CODE_CHARACTERS = 256
"""Of a category's code, which may be a whole path of names: "Home > Garden > Chairs"."""


_STRICT = ConfigDict(extra="forbid", strict=True)


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Category:
    """One category. `labels` and `groups` map each of `LANGUAGES` to words for people."""

    code: Annotated[str, Field(min_length=1, max_length=MAX_CODE_CHARACTERS)]
    labels: dict[str, str]
    groups: dict[str, str]


@with_config(_STRICT)
@dataclass(frozen=True)
class Taxonomy:
    """All categories, in class-index order; codes are unique."""

    categories: Annotated[tuple[Category, ...], Field(min_length=2)]

    def __post_init__(self) -> None:
        if len(self._index) != len(self.categories):
            raise ValueError("category codes are not unique")

    def __len__(self) -> int:
        return len(self.categories)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Category codes in class-index order."""
        return tuple(category.code for category in self.categories)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {code: position for position, code in enumerate(self.codes)}

    def index(self, code: str) -> int:
        """The class index of `code`; KeyError when the code is not in the taxonomy."""
        return self._index[code]

    def __contains__(self, code: object) -> bool:
        return code in self._index

    def label(self, code: str, lang: str = "fr") -> str:
        """The category's name in `lang`, in French when there is none, else the code itself."""
        labels = self.categories[self._index[code]].labels
        return labels.get(lang) or labels.get(LANGUAGES[0]) or code

    def group(self, code: str, lang: str = "fr") -> str:
        """The name of the group that the category belongs to; empty when it has none."""
        groups = self.categories[self._index[code]].groups
        return groups.get(lang) or groups.get(LANGUAGES[0]) or ""

    @classmethod
    def of_codes(cls, codes: Iterable[str]) -> Taxonomy:
        """Categories whose labels are their codes, for catalogues that come without labels."""
        return cls(tuple(Category(code, dict.fromkeys(LANGUAGES, code), {}) for code in codes))

    @staticmethod
    def read(path: Path) -> Taxonomy:
        """Read a taxonomy file. Raises VersionRefused when it is missing or malformed."""
        try:
            return Taxonomy.of_json(path.read_bytes())
        except OSError as error:
            raise VersionRefused(f"{path.name} is not a taxonomy: {type(error).__name__}") from error

    @staticmethod
    def of_json(content: bytes) -> Taxonomy:
        """Parse a taxonomy file's content. Raises VersionRefused when it is malformed."""
        try:
            return _FILE.validate_json(content)
        except ValidationError as error:
            raise VersionRefused(f"{FILE_NAME} is not a taxonomy: {type(error).__name__}") from error

    def write(self, path: Path) -> None:
        """Write the taxonomy as JSON, readable by `read`."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


_FILE = TypeAdapter(Taxonomy)
