"""`/docs` as somebody uses it who wants to integrate: "Try it out", "Execute", for every path and kind of body."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.real_server import ROOT, real_server

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="needs Chromium (apt install chromium)"),
]

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
PHOTO = ROOT / "examples" / "pool.jpg"
PATIENCE_MS = 120_000
"""All of it is there within a second on an idle machine."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with real_server() as address:
        yield address


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    """Swagger UI; leaving it fails when it asked another host or complained on the console."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        complaints: list[str] = []
        urls: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: urls.append(request.url))
        yield page
        browser.close()
    assert not complaints
    assert all(url.startswith((address, "data:", "blob:")) for url in urls)


def document(page: Page, address: str) -> dict[str, Any]:
    return dict(json.loads(page.request.get(f"{address}/openapi.json").body()))


def execute(page: Page, address: str, operation: dict[str, Any], kind: str | None) -> str:
    """Open the path, press both buttons, and return the status that is shown."""
    page.goto(f"{address}/docs")  # anew: Swagger UI keeps what was typed for another kind of body
    block = page.locator(f"[id='operations-{operation['tags'][0]}-{operation['operationId']}']")
    block.locator(".opblock-summary-control").first.click()
    block.locator(".try-out__btn").click()
    if kind is not None:
        block.locator(".opblock-section-request-body select.content-type").select_option(kind)
    for picker in block.locator("input[type=file]").all():
        picker.set_input_files(Path(PHOTO))
    block.locator("button.execute").click()
    answer = block.locator(".live-responses-table .response").first
    answer.wait_for()
    return answer.locator(".response-col_status").inner_text().strip()


def test_every_path_answers_when_it_is_tried_out(page: Page, address: str) -> None:
    tried = []
    for path, item in document(page, address)["paths"].items():
        for operation in item.values():
            kinds = list(operation.get("requestBody", {}).get("content", {})) or [None]
            for kind in [one for one in kinds if not str(one).startswith("image/")]:
                assert execute(page, address, operation, kind) == "200", (path, kind)
                tried.append((path, kind))
    assert ("/predict/batch", "application/x-ndjson") in tried
    assert ("/predict", "multipart/form-data") in tried


def test_a_form_works_without_a_photo_too(page: Page, address: str) -> None:
    page.goto(f"{address}/docs")
    block = page.locator("#operations-predictions-predict")
    block.locator(".opblock-summary-control").first.click()
    block.locator(".try-out__btn").click()
    block.locator(".opblock-section-request-body select.content-type").select_option("multipart/form-data")
    block.locator("button.execute").click()
    answer = block.locator(".live-responses-table .response").first
    answer.wait_for()
    shown = answer.locator(".response-col_description").inner_text()
    assert '"modalities": [\n    "text"\n  ]' in shown


def test_the_lines_of_a_stream_are_sent_as_lines(page: Page, address: str) -> None:
    operation = document(page, address)["paths"]["/predict/batch"]["post"]
    execute(page, address, operation, "application/x-ndjson")
    shown = page.locator("#operations-predictions-predict_batch .live-responses-table .response").first.inner_text()
    assert shown.count('"prediction":') == 2
    assert shown.count('"error":') == 1
