"""Behind a proxy that takes a prefix away, everything the pages load is found: all addresses are relative."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Response, expect

from tests.e2e.page.browser import ROOT, Watch
from tests.e2e.page.conftest import OpenPage
from tests.e2e.page.prefix_proxy import PREFIX, prefix_proxy

ADDRESS = re.compile(r"""(?:href|src)="([^"#]+)"|\bfrom "([^"]+)"|\bimport "([^"]+)"|url\(["']?([^"')]+)""")


@pytest.fixture(scope="module")
def proxied(address: str) -> Iterator[str]:
    with prefix_proxy(address) as proxy:
        yield proxy


@pytest.mark.smoke
def test_every_address_of_the_pages_answers_below_the_prefix(proxied: str) -> None:
    assets = ROOT / "service" / "page" / "assets"
    views = [f"assets/{file.relative_to(assets).as_posix()}" for file in assets.rglob("*") if file.is_file()]
    open_addresses = [urljoin(f"{proxied}/", path) for path in ("", "docs", "openapi.json", "catalogue", *views)]
    answered: dict[str, int] = {}
    with httpx.Client(trust_env=False) as client:
        while open_addresses:
            address = open_addresses.pop()
            if address in answered or address.startswith("data:"):
                continue
            response = client.get(address)
            answered[address] = response.status_code
            names_others = response.headers["content-type"].startswith(("text/html", "text/css", "text/javascript"))
            if names_others and "/docs-assets/" not in address:
                named = ["".join(groups) for groups in ADDRESS.findall(response.text)]
                open_addresses += [urljoin(address, path) for path in named if "${" not in path]
        drawn = client.get(f"{proxied}/catalogue/listings").json()["listings"]
        document = client.get(f"{proxied}/openapi.json").json()
        assert client.get(proxied + next(row["image"] for row in drawn if row["image"])).status_code == 200
    assert {address: status for address, status in answered.items() if status != 200} == {}
    assert len([address for address in answered if "/docs-assets/" in address]) == 2
    assert urljoin(f"{proxied}/openapi.json", document["servers"][0]["url"]) == f"{proxied}/"


def test_page_and_docs_work_below_the_prefix(open_page: OpenPage, proxied: str, watch: Watch) -> None:
    watch.host = urlsplit(proxied).netloc
    page = open_page("/", base=proxied)
    failed: list[str] = []
    page.on("response", lambda response: _failed(response, failed))
    page.locator("#designation").fill("Matelas de piscine gonflable")
    expect(page.locator("#outcome")).to_contain_text("2583")
    for view in ("browse", "models", "batch"):
        page.locator(f"#tab-{view}").click()
        expect(page.locator(f"#panel-{view} .hint").first).to_be_visible()
    page.locator("#tab-browse").click()
    expect(page.locator("img.picture, .no-photo").first).to_be_visible()
    page.locator("header a.docs").click()
    page.wait_for_url(f"{proxied}/docs")
    top = {name: page.locator(name).first.bounding_box() for name in (".opblock", "[data-tag=errors]")}
    assert top[".opblock"]["y"] < 800 < top["[data-tag=errors]"]["y"]  # /docs opens with the operations
    _try_out(page)
    assert failed == []


def _try_out(page: Page) -> None:
    block = page.locator("#operations-predictions-predict_text")
    block.locator(".opblock-summary-control").first.click()
    block.locator(".try-out__btn").click()
    block.locator("button.execute").click()
    status = block.locator(".live-responses-table .response .response-col_status").first
    expect(status).to_contain_text("200")


def _failed(response: Response, failed: list[str]) -> None:
    if not urlsplit(response.url).path.startswith(PREFIX + "/") or response.status >= 400:
        failed.append(f"{response.status} {response.url}")
