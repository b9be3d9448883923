"""The labelled listings that a command or the service is given: a CSV file, or a run's config that describes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from models.catalogue.category import category_code
from models.catalogue.columns import Columns, columns_of, usual_columns
from models.catalogue.config_file import read_document
from models.catalogue.csv_file import CsvFile, Record
from models.errors import ListingsUnreadable

TEXTS = ("designation", "description")


class _Section(BaseModel):
    """What of a config's `[catalogue]` says where the listings are; the other fields are training's."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: Literal["table"] = "table"
    path: Path
    images: Path | None = None
    separator: str | None = None
    columns: Columns = Columns()


@dataclass(frozen=True)
class Source:
    """A CSV file, the folder of its photos, and its columns; without `columns` they have their usual names."""

    path: Path
    images: Path | None = None
    columns: Columns | None = None
    chosen: tuple[str, ...] = ()
    separator: str | None = None

    def open(self) -> tuple[CsvFile, dict[str, str]]:
        """The file, and the name of the column of each field that it has. Raises ListingsUnreadable."""
        if self.path.suffix.lower() in (".parquet", ".pq", ".xlsx", ".xls", ".ods"):
            raise ListingsUnreadable(f"{self.path.name}: not a CSV file; save it as CSV UTF-8")
        file = CsvFile.open(self.path, self.separator)
        columns = self.columns or usual_columns(self.path.name, file.columns, self.chosen)
        return file, columns_of(self.path.name, file.columns, columns)

    def rows(self) -> Iterator[tuple[Record, dict[str, str]]]:
        """The rows in the file's order, each with its cells by field, the category in its one spelling.

        Raises ListingsUnreadable.
        """
        file, columns = self.open()
        places = {field: file.columns.index(name) for field, name in columns.items()}
        for record in file.records(columns["category"]):
            yield record, cells_by_field(record.cells, places)


def cells_by_field(cells: Sequence[str], places: Mapping[str, int]) -> dict[str, str]:
    """The cells of the fields at these places; texts as they are, all else without blanks around it."""
    fields = {field: cells[place] for field, place in places.items()}
    stripped = {field: cell.strip() for field, cell in fields.items() if field not in TEXTS}
    return {**fields, **stripped, "category": category_code(fields["category"])}


def read_source(path: Path, images: Path | None = None, columns: Sequence[str] = ()) -> Source:
    """The listings of a table, or of a config (.toml). Raises ListingsUnreadable.

    `images` is the folder of photos, and replaces that of a config; `columns` ("designation=headline") name those of a
    table.
    """
    if not is_config(path):
        return Source(path, images, None, tuple(columns))
    if columns:
        raise ListingsUnreadable("--column: a config names its columns itself, in [catalogue.columns]")
    try:
        section = _Section.model_validate(read_document(path).get("catalogue", {}))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(["catalogue", *map(str, fault["loc"])])
        raise ListingsUnreadable(f"{path.name}: {field}: {fault['msg'].lower()}") from error
    folder = path.parent
    place = images or (section.images and folder / section.images.expanduser())
    return Source(folder / section.path.expanduser(), place, section.columns, (), section.separator)


def is_config(path: Path) -> bool:
    """Whether the file is a run's config."""
    return path.suffix.lower() == ".toml"
