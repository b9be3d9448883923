"""Tables and photos as files, and answers for them that need no networks."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, Page, Route, expect

from tests.e2e.page.browser import EXAMPLES

HEADER = ("id", "designation", "description", "image")
CODES = ("2583", "10", "1280", "1560", "2280", "40", "50", "60", "1140")
"""Codes of the shipped version, as many as keys choose from."""


def table(
    rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER, delimiter: str = ",", bom: bool = False
) -> bytes:
    """A CSV file in UTF-8."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerows([header, *rows])
    return (("\ufeff" if bom else "") + stream.getvalue()).encode()


def file(name: str, content: bytes, kind: str = "text/csv") -> FilePayload:
    """A file for an `<input>`."""
    return {"name": name, "mimeType": kind, "buffer": content}


def packed(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def example(name: str) -> bytes:
    """One of the project's example photos."""
    return (EXAMPLES / name).read_bytes()


def choose_table(page: Page, content: bytes, name: str = "listings.csv") -> None:
    """Give the Batch view a table, and wait until it was understood."""
    page.locator("#batch-table").set_input_files(file(name, content))
    expect(page.locator(".source-facts strong")).to_have_text(name)


def run_table(page: Page, content: bytes, name: str = "listings.csv") -> None:
    """Give the Batch view a table, and wait until all of it was answered."""
    choose_table(page, content, name)
    page.locator("#batch-start").click()
    finish(page)


def finish(page: Page, seconds: float = 120) -> None:
    """Wait until nothing is being sent."""
    expect(page.locator("#batch-download")).to_be_visible(timeout=1000 * seconds)
    expect(page.locator("#batch-cancel")).to_have_count(0, timeout=1000 * seconds)


def filter_count(page: Page, name: str) -> int:
    """How many rows a filter says it has."""
    return int(page.locator(f"[data-key={name}] .count").inner_text().replace(",", ""))


def saved(page: Page, folder: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The header and rows of the CSV file that the page saves."""
    with page.expect_download() as waiting:
        page.locator("#batch-download").click()
    path = folder / "saved.csv"
    waiting.value.save_as(path)
    text = path.read_text(encoding="utf-8-sig")
    delimiter = ";" if text.splitlines()[0].count(";") > text.splitlines()[0].count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = list(reader)
    return list(reader.fieldnames or ()), rows


def prediction(designation: str, action: str) -> dict[str, Any]:
    """An answer of /predict that says the first of CODES, by the title's first letter `b` the second."""
    codes = [CODES[1], CODES[0], *CODES[2:]] if designation.startswith("b") else list(CODES)
    scores = [
        {"code": code, "label": f"Label {code}", "group": "", "confidence": round(0.9 / 2**k, 6)}
        for k, code in enumerate(codes)
    ]
    reason = None if action == "accept" else "low_confidence"
    return {
        "id": None,
        "category": {key: scores[0][key] for key in ("code", "label", "group")},
        "confidence": scores[0]["confidence"],
        "decision": {"action": action, "precision": 0.95, "threshold": 0.5, "reason": reason},
        "predictions": scores,
        "prediction_set": {"codes": codes[:1], "coverage": 0.95},
        "modalities": ["text"],
        "by_modality": {"text": scores},
        "disagreement": False,
        "warnings": [],
        "model": {"version": "made-up"},
    }


def asked_listings(route: Route) -> list[dict[str, Any]]:
    """The listings of a batch, of JSON or of a form."""
    body = route.request.post_data_buffer or b""
    if body.startswith(b"{"):
        found: list[dict[str, Any]] = json.loads(body)["listings"]
    else:
        part = body.split(b'name="listings"', 1)[1].split(b"\r\n\r\n", 1)[1]
        found = json.loads(part.split(b"\r\n--", 1)[0])
    return found


def answer_batches(page: Page) -> list[int]:
    """Answer /predict/batch in the service's place: every other listing is accepted. Returns the sizes of the batches,
    which grow as they come.
    """
    sizes: list[int] = []

    def answer(route: Route) -> None:
        listings = asked_listings(route)
        sizes.append(len(listings))
        results = [
            {
                "index": k,
                "id": None,
                "status": 200,
                "prediction": prediction(one["designation"], ("accept", "review")[k % 2]),
            }
            for k, one in enumerate(listings)
        ]
        route.fulfill(json={"results": results, "summary": {}})

    page.route("**/predict/batch?*", answer)
    return sizes


def rows_shown(page: Page) -> list[str]:
    """The titles in the list."""
    return page.locator(".grid-body [role=row] .title").all_inner_texts()
