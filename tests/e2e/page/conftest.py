"""The shipped version behind a real server, started once, and a browser whose every test is watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.contract.real_server import real_server
from tests.e2e.page.browser import CHROMIUM_OPTIONS, OPEN_MS, PATIENCE_MS, ROOT, Watch, find_chromium

OpenPage = Callable[..., Page]
"""`open_page(path="/", base=address, **context options)`: a page in a context of its own, at that path."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder: they need a server, a browser and the shipped version, and all but a few wait."""
    reason = None
    if find_chromium() is None:
        reason = "no Chromium is installed (on Debian: apt install chromium)"
    elif not (ROOT / "models/store/current").is_file():
        reason = "no version is shipped"
    here = ROOT / "tests/e2e/page"
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.browser)
            if item.get_closest_marker("smoke") is None:
                item.add_marker(pytest.mark.slow)
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the service with the shipped version listens."""
    with real_server() as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser. One a module: Playwright keeps an event loop running, which no asynchronous code can live beside."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_OPTIONS))
        yield started
        started.close()


@pytest.fixture
def watch(address: str) -> Iterator[Watch]:
    """The watch on the browser; checked after every test."""
    watched = Watch(urlsplit(address).netloc)
    yield watched
    watched.check()


@pytest.fixture
def open_page(chromium: Browser, address: str, watch: Watch) -> Iterator[OpenPage]:
    """Opens pages, by default in English at 1280x800."""
    contexts = []

    def opened(path: str = "/", base: str = address, **options: Any) -> Page:
        options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "color_scheme": "light"} | options
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        context.set_default_navigation_timeout(OPEN_MS)
        contexts.append(context)
        watch.attach(context)
        page = context.new_page()
        page.goto(base + path)
        return page

    expect.set_options(timeout=PATIENCE_MS)
    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The page at `/`, its first view there: each view is a module that is fetched when it is first shown."""
    opened = open_page()
    expect(opened.locator("#designation")).to_be_visible()
    return opened
