"""CSV files as spreadsheets and sellers' tools write them: any usual encoding and separator, and Excel's `sep=` line.

Encoding and separator are guessed as the page's Batch guesses them (service/page/assets/batch/csv.js).
"""

from __future__ import annotations

import codecs
import csv
import functools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import TextIO

from models.errors import ListingsUnreadable

FIRST_ROW = 2
"""A table's first row, as spreadsheets count: the header is row 1, a cell of several lines is in one row."""
MAX_LINE_CHARACTERS = 32 * 1024 * 1024
"""Characters of a line: a file without line ends is not read into memory whole."""
_LONGEST_CELL = 16 * 1024 * 1024
"""Characters of a cell. The csv module's own limit of 131,072 is less than some sellers' descriptions."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_WINDOWS = "cp1252"
_NAMES = {_WINDOWS: "Windows-1252", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_SEPARATORS = ",;\t|"
_SAMPLE_RECORDS = 20
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\1*[\r\n]*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One row with as many cells as there are columns. `row` counts from 0, blank rows too; `offset` is its first byte.

    `row + FIRST_ROW` is its number in a spreadsheet.
    """

    row: int
    offset: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class CsvFile:
    """How a file is written: its codec, the byte at which its header begins, its separator and columns.

    `note` says what was guessed; "" for UTF-8 with commas.
    """

    path: Path
    encoding: str
    start: int
    first_line: int
    separator: str
    columns: Sequence[str]
    note: str

    @classmethod
    def open(cls, path: Path, separator: str | None = None) -> CsvFile:
        """Find out how the file is written; None guesses the separator. Raises ListingsUnreadable."""
        with reading(path.name):
            encoding, start = _encoding(path)
            first = _Lines(path, encoding, start)
            with first.file:
                line = next(first, "")
            declared = _SEPARATOR_LINE.fullmatch(line)
            first_line, start = (2, first.offset) if declared else (1, start)
            if separator is None:
                separator = declared[1] if declared else _guess(path, encoding, start)
                guessed = "" if separator == "," else f"columns separated by {_shown(separator)}"
            else:
                guessed = ""
            read_as = f"read as {_NAMES[encoding]}" if encoding in _NAMES else ""
            note = ", ".join(part for part in (read_as, guessed) if part)
            bare = cls(path, encoding, start, first_line, separator, (), note)
            header = next(bare._raw(), None)
        columns = [] if header is None else [cell.strip() for cell in header.cells]
        return cls(path, encoding, start, first_line, separator, columns, note)

    def records(self, category: str = "") -> Iterator[Record]:
        """The rows in the file's order, without blank ones. Raises ListingsUnreadable, also for faults in a row.

        `category` is the column by whose values a row that an unclosed quote swallowed is known again.
        """
        width, position = len(self.columns), self.columns.index(category) if category in self.columns else -1
        codes: set[str] = set()
        doubtful: list[tuple[_Quote, list[str]]] = []
        with reading(self.path.name):
            for record in islice(self._raw(), 1, None):
                cells = record.cells
                if len(cells) > width:
                    if any(cell.strip() for cell in cells[width:]):
                        raise ListingsUnreadable(
                            f"{self.path.name}: row {record.row + FIRST_ROW} has more cells ({len(cells)}) than the "
                            f"header ({width}): put text that holds {_shown(self.separator)} in quotes"
                        )
                    del cells[width:]
                if not any(cell.strip() for cell in cells):
                    continue
                cells += [""] * (width - len(cells))
                if position >= 0:
                    if record.quote is None:
                        codes.add(cells[position].strip())
                    elif swallowed := _swallowed(record.quote.lines, self.separator, width, position):
                        doubtful.append((record.quote, swallowed))
                yield record
        for quote, categories in doubtful:
            if codes.issuperset(categories):
                raise self._unclosed(quote.opened, quote.row, quote.opened + len(quote.lines) - 1)

    def record_at(self, offset: int) -> list[str] | None:
        """The cells of the row that begins at a byte; None at the end. Raises ListingsUnreadable."""
        with reading(self.path.name):
            lines = _Lines(self.path, self.encoding, offset)
            with lines.file:
                cells = next(csv.reader(lines, delimiter=self.separator), None)
        return None if cells is None else [*cells, *[""] * (len(self.columns) - len(cells))]

    def _raw(self) -> Iterator[_RawRecord]:
        """The header, as row -1, and all rows, blank ones too."""
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
        lines = _Lines(self.path, self.encoding, self.start)
        with lines.file:
            reader = csv.reader(lines, delimiter=self.separator)
            for row in count(-1):
                offset, number = lines.offset, lines.number + self.first_line
                lines.taken.clear()
                try:
                    cells = next(reader, None)
                except csv.Error:
                    self._check_quotes(lines.taken, number, row, narrow=True)
                    raise
                if cells is None:
                    return
                several = len(lines.taken) > 1
                if several or (lines.taken and lines.taken[0].count('"') % 2):
                    self._check_quotes(lines.taken, number, row, narrow=len(cells) < len(self.columns))
                yield _RawRecord(row, offset, cells, _Quote(number, row, list(lines.taken)) if several else None)

    def _check_quotes(self, lines: Sequence[str], number: int, row: int, *, narrow: bool) -> None:
        """Raises ListingsUnreadable for a quote that is closed nowhere, or in the midst of another cell's text.

        `narrow` says that cells are missing, so that text behind a closed quote is the next cell's.
        """
        text = "".join(lines)
        for match in _cell(self.separator).finditer(text):
            quoted = match["quoted"]
            if quoted is None:
                continue
            swallows = narrow or "\n" in quoted or "\r" in quoted
            if not match["end"] or (swallows and match["rest"].strip()):
                opened = number + _line_ends(text[: match.start()])
                raise self._unclosed(opened, row, opened + _line_ends(quoted.rstrip()))

    def _unclosed(self, line: int, row: int, last: int) -> ListingsUnreadable:
        there = "" if line == row + FIRST_ROW else f" (row {row + FIRST_ROW} of a spreadsheet)"
        runs = f" and the text runs on to line {last}" if last > line else ""
        return ListingsUnreadable(
            f"{self.path.name}: line {line}{there}: a quote opens there that is not closed{runs}: close it or remove it"
        )


@dataclass(frozen=True, slots=True)
class _Quote:
    """The lines of a row that has several, the number of the first, and the row's."""

    opened: int
    row: int
    lines: list[str]


@dataclass(frozen=True, slots=True)
class _RawRecord(Record):
    quote: _Quote | None = None


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Raise ListingsUnreadable for any failure to open and read the file of that name."""
    try:
        yield
    except OSError as error:
        raise ListingsUnreadable(f"{name}: {error.strerror or 'cannot be read'}") from error
    except UnicodeDecodeError as error:
        raise ListingsUnreadable(f"{name}: not UTF-16, as its first bytes say") from error
    except csv.Error as error:
        raise ListingsUnreadable(f"{name}: not a readable table: {error}") from error


@dataclass
class _Lines:
    """The lines of a file from a byte on. `offset` is where the next begins, `taken` are those that were read."""

    path: Path
    encoding: str
    offset: int
    number: int = 0
    taken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Windows-1252 leaves five bytes undefined, and a browser reads them all the same.
        self.errors = "replace" if self.encoding == _WINDOWS else "strict"
        self.file: TextIO = self.path.open(encoding=self.encoding, errors=self.errors, newline="")
        self.file.seek(self.offset)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.file.readline(MAX_LINE_CHARACTERS + 1)
        if not line:
            raise StopIteration
        if len(line) > MAX_LINE_CHARACTERS:
            raise ListingsUnreadable(f"{self.path.name}: a line of more than {MAX_LINE_CHARACTERS} characters")
        self.offset += len(line) if line.isascii() and "utf-16" not in self.encoding else self._bytes(line)
        self.number += 1
        self.taken.append(line)
        return line

    def _bytes(self, line: str) -> int:
        return len(line.encode(self.encoding, self.errors))


def _encoding(path: Path) -> tuple[str, int]:
    """The codec, and the number of bytes that mark it."""
    with path.open("rb") as file:
        head = file.read(4)
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                return encoding, len(mark)
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _WINDOWS, 0
    return "utf-8", 0


def _guess(path: Path, encoding: str, start: int) -> str:
    """The separator that cuts the first records into the most cells, all into equally many; a comma where none does."""

    def score(separator: str) -> float:
        lines = _Lines(path, encoding, start)
        widths: list[int] = []
        with lines.file:
            try:
                for cells in csv.reader(lines, delimiter=separator):
                    widths += [len(cells)] if any(cell.strip() for cell in cells) else []
                    if len(widths) == _SAMPLE_RECORDS:
                        break
            except csv.Error:  # told when the rows are read
                pass
        columns = widths[0] if widths else 0
        return columns * (widths.count(columns) / len(widths)) ** 2 if columns > 1 else 0.0

    return max(_SEPARATORS, key=score)  # the first of the best


@functools.cache
def _cell(separator: str) -> re.Pattern[str]:
    """One cell with its separator, read as the csv module does; `end` is empty where a quote is not closed."""
    mark = re.escape(separator)
    quoted = r'"(?P<quoted>[^"]*(?:""[^"]*)*)(?P<end>"?)'
    return re.compile(rf"(?:{quoted})?(?P<rest>[^{mark}\r\n]*)(?:{mark}|\r\n|\r|\n|\Z)")


def _swallowed(lines: Sequence[str], separator: str, width: int, position: int) -> list[str]:
    """The categories of the lines of one row, where each is itself a whole row; else none."""
    rows = [line.rstrip("\r\n").split(separator) for line in lines]
    return [row[position].strip() for row in rows] if all(len(row) == width > 1 for row in rows) else []


def _line_ends(text: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", text))


def _shown(separator: str) -> str:
    return "tabs" if separator == "\t" else separator
