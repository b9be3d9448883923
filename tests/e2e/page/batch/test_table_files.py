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
        delimiter.join(["2", 'not "quoted" at first', '"unended quotes are kept']),
    ]
    assert page.evaluate(RECORDS, "\ufeff" + ending.join(lines)) == [
        ["id", "title", "description"],
        ["1", f'a "quoted" word{delimiter} and{ending}another line', ""],
        ["2", 'not "quoted" at first', "unended quotes are kept"],
    ]


def test_what_pythons_csv_writes_is_read_the_same(page: Page) -> None:
    draw = random.Random(5)
    alphabet = string.ascii_letters + ",;\t\"'\n =+é漢😀"
    rows = [["a", "b", "c"]]
    rows += [["x" + "".join(draw.choices(alphabet, k=draw.randrange(30))) for _ in range(3)] for _ in range(300)]
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    assert page.evaluate(RECORDS, stream.getvalue()) == rows


@pytest.mark.parametrize("text", ["", "\n\n", '"', ",,,\n\n,,,\n"])
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
        (["listing_id", "designation", "description", "image", "category"], (0, 1, 2, 3)),
        (["Réf", "Titre du produit", "Descriptif", "Photo"], (0, 1, 2, 3)),
        (["Bild", "Artikelnummer", "Bezeichnung", "Beschreibung"], (1, 2, 3, 0)),
        (["", "designation", "description", "productid", "imageid"], (3, 1, 2, -1)),
        (["SKU", "Product Title"], (0, 1, -1, -1)),
        (["foo", "bar"], (-1, -1, -1, -1)),
    ],
)
def test_columns_are_guessed(page: Page, header: list[str], columns: tuple[int, ...]) -> None:
    guessed = page.evaluate("async (header) => (await import('/assets/batch/columns.js')).guessColumns(header)", header)
    assert tuple(guessed[field] for field in ("id", "title", "description", "image")) == columns


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
