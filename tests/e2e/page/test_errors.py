"""What goes wrong is said in a sentence, and the page goes on by itself when it can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.contract.real_server import real_server
from tests.e2e.page.browser import EXAMPLES, ROOT, Watch
from tests.e2e.page.conftest import OpenPage
from tests.soak.process import ServerProcess

POOL = "Piscine tubulaire ronde avec échelle"
REFUSED = "the server responded with a status of"
"""Chromium itself writes this into the console for every answer that is an error."""


def file(name: str, content: bytes, kind: str = "image/jpeg") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": content}


def problem(route: Route, status: int, code: str, headers: dict[str, str] | None = None) -> None:
    body = {"type": "about:blank", "title": "T", "status": status, "code": code, "detail": "D", "request_id": "r"}
    route.fulfill(status=status, json=body, headers=headers or {}, content_type="application/problem+json")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"This is no photo.", "This file is not a JPEG, PNG, WebP or GIF photo."),
        (b"%PDF-1.7 something", "This file is not a JPEG, PNG, WebP or GIF photo."),
        (b"", "The photo’s file is empty."),
        ((EXAMPLES / "pool.jpg").read_bytes()[:9000], "The photo is damaged or incomplete."),
    ],
    ids=["text", "pdf", "empty", "cut off"],
)
def test_a_photo_that_is_none(page: Page, watch: Watch, content: bytes, sentence: str) -> None:
    watch.allow(REFUSED)
    page.locator("#photo-file").set_input_files(file("photo.jpg", content))
    expect(page.locator("#outcome .notice.bad")).to_have_text(sentence)
    expect(page.locator("#why")).to_be_hidden()
    page.locator("#photo-file").set_input_files(EXAMPLES / "pool.jpg")
    expect(page.locator("#outcome .bars").first).to_be_visible()


def test_a_photo_that_is_too_large_is_not_even_sent(page: Page) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.locator("#photo-file").set_input_files(file("huge.jpg", b"\xff\xd8" + bytes(10 * 1024 * 1024)))
    expect(page.locator("#outcome .notice.bad")).to_have_text("The photo is too large: too many bytes or pixels.")
    page.wait_for_timeout(800)
    assert not any("/predict?" in url for url in urls)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mot " * 5001, "The text is longer than 20,000 characters."),
        ("<p><br></p>", "Nothing readable is left of the text."),
    ],
    ids=["long", "markup"],
)
def test_a_text_that_is_none(page: Page, watch: Watch, text: str, sentence: str) -> None:
    watch.allow(REFUSED)
    page.locator("#description").fill(text)
    expect(page.locator("#outcome .notice")).to_contain_text(sentence)


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (413, "body_too_large", "What was sent is over the size that is allowed."),
        (500, "internal", "Something went wrong on the service’s side."),
        (504, "deadline_exceeded", "The answer took too long."),
        (404, "version_unknown", "There is no such model version"),
        (418, "never_heard_of", "The service gave an answer that was not expected (418)."),
    ],
)
def test_an_error_of_the_service(page: Page, watch: Watch, status: int, code: str, sentence: str) -> None:
    watch.allow(REFUSED)
    page.route("**/predict?*", lambda route: problem(route, status, code))
    page.locator("#designation").fill(POOL)
    notice = page.locator("#outcome .notice")
    expect(notice).to_contain_text(sentence)
    page.unroute("**/predict?*")
    if status >= 500:
        notice.get_by_role("button", name="Try again").click()
        expect(page.locator("#outcome h3")).to_have_text("Pool and spa")
    else:  # the same again would be refused again
        expect(notice.get_by_role("button")).to_have_count(0)


def test_a_proxy_s_page_is_not_shown(page: Page, watch: Watch) -> None:
    watch.allow(REFUSED)
    page.route(
        "**/predict?*", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>", content_type="text/html")
    )
    page.locator("#designation").fill(POOL)
    expect(page.locator("#outcome .notice")).to_contain_text("The service gave an answer that was not expected (502).")
    expect(page.locator("h1")).to_have_count(1)


@pytest.mark.parametrize(
    ("status", "code", "words"), [(429, "rate_limited", "a short time"), (503, "overloaded", "are waiting")]
)
def test_too_many_requests_are_tried_again(page: Page, watch: Watch, status: int, code: str, words: str) -> None:
    watch.allow(REFUSED)
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            problem(route, status, code, {"Retry-After": "1"})

    page.route("**/predict?*", refuse_once)
    page.locator("#designation").fill(POOL)
    expect(page.locator("#outcome .notice.warn")).to_contain_text(words)
    expect(page.locator("#outcome .notice.warn")).to_contain_text("in 1 s.")
    expect(page.locator("#outcome h3")).to_have_text("Pool and spa")


def test_an_unreachable_service(page: Page, watch: Watch) -> None:
    watch.allow("net::ERR_")
    page.locator("#designation").fill(POOL)
    expect(page.locator("#outcome h3")).to_have_text("Pool and spa")
    page.context.set_offline(True)
    page.locator("#designation").fill("Figurine Funko Pop Dragon Ball Z")
    banner = page.locator("#banner .notice")
    expect(banner).to_contain_text("The service cannot be reached.")
    expect(page.locator("#serving")).to_have_attribute("data-state", "down")
    expect(page.locator("#serving")).to_contain_text("Not answering")
    expect(page.locator("#outcome .notice")).to_contain_text("cannot be reached")
    page.locator("#lang").select_option("fr")
    expect(banner).to_contain_text("Le service est injoignable.")
    page.locator("#lang").select_option("en")
    page.context.set_offline(False)
    expect(page.locator("#outcome h3")).to_have_text("Figures and merchandise")
    expect(banner).to_have_count(0)
    expect(page.locator("#serving")).to_have_attribute("data-state", "up")


def test_a_view_that_cannot_be_fetched(page: Page, watch: Watch) -> None:
    watch.allow("net::ERR_", "Failed to fetch dynamically imported module")
    page.route("**/assets/browse/browse.js", lambda route: route.abort())
    page.locator("#tab-browse").click()
    expect(page.locator("#panel-browse .notice")).to_contain_text("The service cannot be reached.")


def test_a_service_without_a_model(open_page: OpenPage, watch: Watch, tmp_path: Path) -> None:
    watch.allow(REFUSED)
    (tmp_path / "store").mkdir()
    with ServerProcess(tmp_path / "store", drain_seconds=0) as empty:
        watch.host = empty.address.removeprefix("http://")
        page = open_page(base=empty.address)
        expect(page.locator("#banner .notice")).to_contain_text("No model is loaded yet.")
        expect(page.locator("#serving")).to_contain_text("Not answering")
        page.locator("#designation").fill(POOL)
        expect(page.locator("#outcome .notice.warn")).to_contain_text("No model is loaded yet.")
        page.locator("#tab-browse").click()
        expect(page.locator("#panel-browse .notice").first).to_contain_text("No model is loaded yet.")
        page.close()


def test_an_explanation_that_fails(page: Page, watch: Watch) -> None:
    watch.allow(REFUSED)
    page.route("**/explain?*", lambda route: problem(route, 504, "deadline_exceeded"))
    page.locator("#designation").fill(POOL)
    page.locator("#explain").click()
    expect(page.locator("#why .notice")).to_contain_text("The answer took too long.")
    expect(page.locator("#outcome h3")).to_have_text("Pool and spa")
    page.unroute("**/explain?*")
    page.locator("#why").get_by_role("button", name="Try again").click()
    expect(page.locator("#why .words")).to_be_visible()


def test_a_broken_catalogue(page: Page, watch: Watch) -> None:
    watch.allow(REFUSED)
    page.route("**/catalogue?*", lambda route: problem(route, 503, "catalogue_unavailable"))
    page.locator("#tab-browse").click()
    expect(page.locator("#panel-browse .notice")).to_contain_text("The labelled catalogue cannot be read.")
    page.unroute("**/catalogue?*")
    page.locator("#panel-browse").get_by_role("button", name="Try again").click()
    expect(page.locator(".drawn")).to_be_visible()


def test_a_service_with_keys_asks_for_one(open_page: OpenPage, watch: Watch, tmp_path: Path) -> None:
    watch.allow(REFUSED)
    run = subprocess.run(
        [sys.executable, "-m", "service", "key", "page"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (tmp_path / "keys.jsonl").write_text(run.stdout)
    key = run.stderr.splitlines()[0].rpartition(" ")[2]
    with real_server(api_keys_file=tmp_path / "keys.jsonl") as closed:
        watch.host = closed.removeprefix("http://")
        page = open_page(base=closed)
        page.locator("#designation").fill(POOL)
        expect(page.locator("#outcome .notice")).to_contain_text("This service asks for a valid API key.")
        page.get_by_label("API key").fill("pk_wrong")
        page.get_by_role("button", name="Use this key").click()
        expect(page.locator("#outcome .notice")).to_contain_text("This service asks for a valid API key.")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Use this key").click()
        expect(page.locator("#outcome h3")).to_have_text("Pool and spa")
        expect(page.locator("#banner form")).to_have_count(0)
        page.locator("#tab-browse").click()
        expect(page.locator(".drawn")).to_be_visible()
        page.close()
