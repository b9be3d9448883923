"""The page's modules that read and write files: CSV, columns, ZIP, photo names, the result file; all in one page."""

from __future__ import annotations

import csv
import io
import random
import string
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from models.catalogue.rows import safe_cell
from tests.e2e.page.batch.tables import packed

RECORDS = (
    "async (text) => { const m = await import('/assets/batch/csv.js'); "
    "return [...m.records(text, m.guessDelimiter(text))]; }"
)


@pytest.fixture(scope="module")
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """One page for the modules, which keep nothing between calls."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_quotes_and_line_ends(page: Page, delimiter: str, ending: str) -> None:
    lines = [
        delimiter.join(["id", "title", "description"]),
        delimiter.join(["1", f'"a ""quoted"" word{delimiter} and{ending}another line"', ""]),
        "",
        delimiter.join(["2", 'not "quoted" at first', '"a quote that never ends']),
    ]
    assert page.evaluate(RECORDS, "\ufeff" + ending.join(lines)) == [
        ["id", "title", "description"],
        ["1", f'a "quoted" word{delimiter} and{ending}another line', ""],
        ["2", 'not "quoted" at first', '"a quote that never ends'],
    ]


READ = """async (bytes) => {
  const { readTable } = await import('/assets/batch/table-file.js');
  const { delimiter, header, rows, faults } = await readTable(new Blob([new Uint8Array(bytes)]), 'a.csv');
  const said = faults.map(({ kind, line }) => `${kind} ${line}`);
  return { delimiter, table: [header, ...rows.map((row) => row.cells)], faults: said };
}"""
OPEN = 'id;title;price\n1;"Table 24 pouces;10\n2;b;20\n3;{};30\n4;d;40\n'
HEADER = ["id", "title"]


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("content", "delimiter", "rows", "faults"),
    [
        # The first line that Excel reads and writes.
        (b"sep=;\r\nid;title\r\n1;Pool, round", ";", [HEADER, ["1", "Pool, round"]], []),
        (b"\xef\xbb\xbfSEP=\t\nid\ttitle\n1\tx;y", "\t", [HEADER, ["1", "x;y"]], []),
        ('"sep=|"\rid|title\r1|é'.encode("utf-16"), "|", [HEADER, ["1", "é"]], []),
        (b"sep=,,\nid,title\n1,x", ",", [HEADER, ["1", "x"]], []),
        (b"sep=~\nid~title\n1~x", "~", [HEADER, ["1", "x"]], []),
        # A quote that is never closed: the later lines have another quoted cell, none, or one that closes it by chance.
        *(
            (
                OPEN.format(cell).encode("cp1252"),
                ";",
                [["id", "title", "price"], ["1", '"Table 24 pouces', "10"], ["2", "b", "20"], ["3", read, "30"],
                 ["4", "d", "40"]],
                ["open 2"],
            )
            for cell, read in [('"x; y"', "x; y"), ("c", "c"), ('""', ""), ('"""é"" y"', '"é" y')]
        ),
        (b'id,title,price\n1,"a,10\n2,b,20\n3,c,30\n4,d,40\n5,e",50', ",", [["id", "title", "price"], ["1", '"a', "10"],
         ["2", "b", "20"], ["3", "c", "30"], ["4", "d", "40"], ["5", 'e"', "50"]], ["open 2"]),
        # Quotes that are not doubled, or around a word.
        (b'id;title\n1;"5" screen; black\nand ""new"""\n2;""Novel"" used\n3;"Chair" red', ";", [HEADER,
         ["1", '5" screen; black\nand "new"'], ["2", '""Novel"" used'], ["3", '"Chair" red']], []),
        # Blank lines, one column with delimiters in it, two columns of one name, and more cells than the header has.
        (b"id;title\r1;x\r\r;\r\r", ";", [HEADER, ["1", "x"]], []),
        (b"title\nChair, red\nTable, large, oak", ";", [["title"], ["Chair, red"], ["Table, large, oak"]], []),
        (b"title,title\nx,y\n", ",", [["title", "title"], ["x", "y"]], []),
        (b"id,title\n1,a\n2,b,c\n3,d,", ",", [HEADER, ["1", "a"], ["2", "b", "c"], ["3", "d", ""]], ["wide 3"]),
    ],
)  # fmt: skip
def test_what_real_files_hold(
    page: Page, content: bytes, delimiter: str, rows: list[list[str]], faults: list[str]
) -> None:
    assert page.evaluate(READ, list(content)) == {"delimiter": delimiter, "table": rows, "faults": faults}


def test_what_pythons_csv_writes_is_read_the_same(page: Page) -> None:
    draw = random.Random(5)
    alphabet = string.ascii_letters + ",;\t\"'\n =+é漢😀"
    rows = [["a", "b", "c"]]
    rows += [["x" + "".join(draw.choices(alphabet, k=draw.randrange(30))) for _ in range(3)] for _ in range(300)]
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    assert page.evaluate(RECORDS, stream.getvalue()) == rows


@pytest.mark.parametrize("text", ["", "\n\n", "sep=;", ",,,\n\n,,,\n"])
def test_nothing_to_read(page: Page, text: str) -> None:
    assert page.evaluate(RECORDS, text) == []


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16le"), ("cp1252", "windows-1252")],
)
def test_encodings(page: Page, encoding: str, said: str) -> None:
    read = "async (bytes) => (await import('/assets/batch/csv.js')).decodeText(new Uint8Array(bytes))"
    decoded = page.evaluate(read, list("désignation;Größe".encode(encoding)))
    assert decoded == {"text": "désignation;Größe", "encoding": said}


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["listing_id", "designation", "description", "image", "category"], (0, 1, 2, 3, 4)),
        (["Réf", "Titre du produit", "Descriptif", "Photo", "Catégorie"], (0, 1, 2, 3, 4)),
        (["Bild", "Artikelnummer", "Bezeichnung", "Beschreibung", "Kategorie-Name"], (1, 2, 3, 0, 4)),
        (["", "designation", "description", "productid", "imageid", "prdtypecode"], (3, 1, 2, -1, 5)),
        (["SKU", "Product Title", "barcode", "shelf"], (0, 1, -1, -1, 3)),
        (["title", "label_source", "Label"], (-1, 0, -1, -1, 2)),
        (["foo", "bar"], (-1, -1, -1, -1, -1)),
    ],
)
def test_columns_are_guessed(page: Page, header: list[str], columns: tuple[int, ...]) -> None:
    guessed = page.evaluate("async (header) => (await import('/assets/batch/columns.js')).guessColumns(header)", header)
    assert tuple(guessed[field] for field in ("id", "title", "description", "image", "category")) == columns


def test_the_challenges_photos_are_named_by_two_columns(page: Page) -> None:
    names = page.evaluate(
        """async () => (await import('/assets/batch/columns.js')).photoNames(
            ['', 'designation', 'description', 'productid', 'imageid'], { image: -1 }, ['0', 'a', 'b', '12', '34'])"""
    )
    assert names == ["image_34_product_12"]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x"]


@pytest.mark.parametrize("text", [*FORMULAS, "plain", "'=1", "a=b", ""])
def test_cells_are_as_safe_as_the_command_lines(page: Page, text: str) -> None:
    line = page.evaluate("async (cell) => (await import('/assets/batch/csv.js')).csvLine(['x', cell], ';')", text)
    (row,) = csv.reader(io.StringIO(line, newline=""), delimiter=";")
    assert row == ["x", safe_cell(text)]


UNPACKED = """async ({ bytes, most }) => {
  const { zipEntries } = await import('/assets/batch/zip.js');
  try {
    const files = {};
    for (const entry of await zipEntries(new File([new Uint8Array(bytes)], 'a.zip'))) {
      files[entry.name] = await (await entry.blob(most)).text();
    }
    return files;
  } catch (error) {
    return error.code ?? String(error);
  }
}"""


def unpacked(page: Page, content: bytes, most: int = 1_000_000) -> Any:
    return page.evaluate(UNPACKED, {"bytes": list(content), "most": most})


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zips(page: Page, method: int) -> None:
    files = {
        "a.txt": b"hello" * 50,
        "folder/\u00e9t\u00e9.txt": b"",
        "folder/": b"",
        "__MACOSX/._a.txt": b"x",
        ".DS_Store": b"x",
    }
    assert unpacked(page, packed(files, method)) == {"a.txt": "hello" * 50, "folder/été.txt": ""}


def test_a_zip_behind_other_bytes_and_with_a_comment(page: Page) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "hello")
        archive.comment = b"a comment " * 100
    assert unpacked(page, stream.getvalue()) == {"a.txt": "hello"}


def test_a_zip_bomb_is_not_unpacked(page: Page) -> None:
    bomb = packed({"bomb.jpg": bytes(3_000_000)})
    assert unpacked(page, bomb) == "zip_too_large"
    claimed = (3_000_000).to_bytes(4, "little")
    assert claimed in bomb
    lying = bomb.replace(claimed, (10).to_bytes(4, "little"))  # the sizes it claims do not matter
    assert unpacked(page, lying) == "zip_too_large"


def test_damaged_zips_are_refused(page: Page) -> None:
    content = packed({"a.txt": b"hello " * 100, "b.txt": b"world " * 100})
    whole = unpacked(page, content)
    draw = random.Random(3)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(draw.randrange(1, 4)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        cut = damaged[: draw.randrange(len(damaged))] if draw.random() < 0.3 else damaged
        answer = unpacked(page, bytes(cut))
        assert isinstance(answer, dict) or answer in ("zip_broken", "zip_unsupported", "zip_too_large")
    assert unpacked(page, content) == whole


FIND = """async ({ paths, name }) => {
  const { Photos } = await import('/assets/batch/photos.js');
  const photos = new Photos();
  for (const path of paths) photos.add(path, async () => null);
  return photos.find(name)?.name ?? null;
}"""


@pytest.mark.parametrize(
    ("paths", "name", "path"),
    [
        (["photos/a.jpg"], "a.jpg", "photos/a.jpg"),
        (["photos/a.jpg"], "images\\A.JPG", "photos/a.jpg"),
        (["x/a.jpg", "y/a.jpg"], "a.jpg", None),
        (["x/a.jpg", "y/a.jpg"], "y/a.jpg", "y/a.jpg"),
        (["up/x/a.jpg", "up/y/a.jpg"], "./x/a.jpg", "up/x/a.jpg"),
        (["photos/sku-1.png"], "sku-1", "photos/sku-1.png"),
        (["photos/sku-1.png"], "sku-1.jpg", "photos/sku-1.png"),
        (["e\u0301t\u00e9.jpg"], "\u00e9t\u00e9.jpg", "\u00e9t\u00e9.jpg"),
        (["a.jpg"], "", None),
        (["a.jpg"], "../../etc/passwd", None),
        (["a.jpg"], "__proto__", None),
    ],
)
def test_photos_are_found_by_name(page: Page, paths: list[str], name: str, path: str | None) -> None:
    assert page.evaluate(FIND, {"paths": paths, "name": name}) == path
