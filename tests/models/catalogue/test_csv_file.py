"""Tables are read as spreadsheets write them, and a quote that swallows rows is refused with its line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from models.catalogue.csv_file import FIRST_ROW, CsvFile
from models.errors import ListingsUnreadable

LISTINGS = [("id", "titre", "rayon"), ("1", "Bâche d’été, 5 m", "10"), ("2", "Écran", "20"), ("3", "Œuvre", "10")]


def table(separator: str) -> str:
    return "\r\n".join(separator.join(f'"{cell}"' if separator in cell else cell for cell in row) for row in LISTINGS)


def records(path: Path, content: bytes, category: str = "rayon") -> list[tuple[int, list[str]]]:
    path.write_bytes(content)
    return [(record.row + FIRST_ROW, record.cells) for record in CsvFile.open(path).records(category)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("first", ["", "sep={}\r\n"])
def test_encoding_and_separator_are_guessed_and_said(tmp_path: Path, separator: str, encoding: str, first: str) -> None:
    path = tmp_path / "some.csv"
    content = first.format(separator) + table(separator)
    assert records(path, content.encode(encoding)) == [(n, list(row)) for n, row in enumerate(LISTINGS[1:], 2)]
    note = CsvFile.open(path).note
    assert ("Windows-1252" in note, "UTF-16" in note) == (encoding == "cp1252", encoding == "utf-16")
    assert ("columns separated by" in note) == (separator != ",")
    assert CsvFile.open(path, separator).columns == list(LISTINGS[0])


def test_rows_are_numbered_as_in_a_spreadsheet(tmp_path: Path) -> None:
    text = 'id,titre,rayon\n1,"two\nlines",10\n\n3,a,10\n,,\n5,b,10,,\n6\n'
    assert records(tmp_path / "some.csv", text.encode()) == [
        (2, ["1", "two\nlines", "10"]),
        (4, ["3", "a", "10"]),
        (6, ["5", "b", "10"]),
        (7, ["6", "", ""]),
    ]


def rows(count: int, start: int = 0) -> str:
    return "".join(f"{n},livre {n},,{10 * (n % 3)}\n" for n in range(start, start + count))


HEADER = "id,titre,texte,rayon\n"
OPEN = '90,"Écran 24 pouces (61 cm,,10\n'
UNCLOSED = {
    "up to another quoted cell": (HEADER + rows(8) + OPEN + rows(30) + '91,b,"Bois, massif",10\n', "line 10"),
    "up to the end": (HEADER + rows(8) + OPEN + rows(30), "line 10"),
    "in the last row": (HEADER + rows(8) + OPEN, "line 10"),
    "up to an inch mark": (HEADER + rows(8) + OPEN + rows(30) + '91,Tuyau 5",,10\n' + rows(3, 50), "line 10"),
    "up to an inch mark in the next row": (HEADER + rows(8) + OPEN + '91,Tuyau 5",,10\n', "line 10"),
    "in its own row": (HEADER + rows(8) + '"90","Écran 24 pouces,"texte","10"\n', "line 10"),
    "behind cells of several lines": (HEADER + '1,"a\nb","c\nd",10\n' + OPEN + rows(9), "line 5 (row 3 of"),
    "in the second line of a row": (HEADER + '1,"a\nb","c\n' + rows(9), "line 3 (row 2 of"),
    "in the header": ('id,"titre,texte,rayon\n' + rows(9), "line 1"),
}


@pytest.mark.parametrize("kind", UNCLOSED)
@pytest.mark.parametrize("separator", [",", ";"])
def test_a_quote_that_is_not_closed_is_refused_with_its_line(tmp_path: Path, kind: str, separator: str) -> None:
    text, line = UNCLOSED[kind]
    with pytest.raises(ListingsUnreadable, match="a quote opens there that is not closed") as caught:
        records(tmp_path / "some.csv", text.replace(",", separator).encode())
    assert str(caught.value).startswith(f"some.csv: {line}")


def test_honest_quotes_are_read(tmp_path: Path) -> None:
    """Cells of several lines with separators, doubled quotes and stray ones that stay within their cell."""
    chance = random.Random(1)
    pieces = ["bois", ",", "\n", '""', " 10", "20,", "a,b,c", "30\n"]
    cells = ["".join(chance.choices(pieces, k=chance.randint(1, 12))) for _ in range(300)]
    lines = [f'{n},5" pipe,"{cell}",{10 * (n % 3)}\n' for n, cell in enumerate(cells)]
    text = HEADER + "".join(lines) + '900,"Harry Potter" et la coupe,,10\n' + rows(9)
    read = records(tmp_path / "some.csv", text.encode())
    assert [row[2] for _, row in read[:300]] == [cell.replace('""', '"') for cell in cells]
    assert read[300][1][1] == "Harry Potter et la coupe"
