"""Text of a person or of the service is never executed: it is shown, letter for letter."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.e2e.page.browser import EXAMPLES

MARK = "hostile_text_ran"
HOSTILE = [
    f"<img src=x <b onerror=window.{MARK}=1>",
    f"<img/src=x/onerror=window.{MARK}=1",
    f"<!--<img src=x onerror=window.{MARK}=1>-->",
    f"<script>window.{MARK} = 1</script>",
    f"<img src=x onerror=window.{MARK}=1>",
    f'"><svg onload=window.{MARK}=1>',
    f'\'" autofocus onfocus=window.{MARK}=1 x="',
    f"</textarea><script>window.{MARK}=1</script>",
    f"</title></style><script>window.{MARK}=1</script>",
    f'<iframe srcdoc="<script>parent.{MARK}=1</script>"></iframe>',
    f'<a href="javascript:window.{MARK}=1">click</a>',
    f"javascript:window.{MARK}=1",
    f"<math><mtext><table><mglyph><style><img src=x onerror=window.{MARK}=1>",
    f"<details open ontoggle=window.{MARK}=1>",
    f"<body onload=window.{MARK}=1><input onfocus=window.{MARK}=1 autofocus>",
    f"{{{{constructor.constructor('window.{MARK}=1')()}}}} ${{window.{MARK}=1}}",
    f"<template><script>window.{MARK}=1</script></template>",
    f"&lt;script&gt;window.{MARK}=1&lt;/script&gt;",
    f"\u202e<script>window.{MARK}=1</script>\u2028\u0000",
]
WORDS = "Piscine ronde avec échelle "


def expect_nothing_ran(page: Page, address: str) -> None:
    """No script ran, none was added, and nothing in the page has a handler, a frame or a script for an address."""
    assert page.evaluate(f"window.{MARK}") is None
    assert page.evaluate("[...document.scripts].every((one) => new URL(one.src).pathname.startsWith('/assets/'))")
    attributes = page.evaluate(
        "[...document.querySelectorAll('*')].flatMap((one) => [...one.attributes].map((has) => [has.name, has.value]))"
    )
    assert [name for name, _ in attributes if name.startswith("on")] == []
    assert [value for name, value in attributes if name in ("href", "src") and "javascript:" in value] == []
    assert page.locator("iframe, object, embed, math, details[ontoggle]").count() == 0
    assert page.url.split("#")[0] == f"{address}/"


def test_in_a_title_and_a_description(page: Page, address: str) -> None:
    for hostile in HOSTILE:
        page.locator("#designation").fill(WORDS + hostile)
        with page.expect_response(re.compile(r"/predict\?")) as answered:
            page.locator("#description").fill(hostile + WORDS)
        assert answered.value.status == 200
        expect(page.locator("#outcome:not([aria-busy]) h3")).to_be_visible()
        expect_nothing_ran(page, address)


def test_in_an_explanation(page: Page, address: str) -> None:
    page.locator("#designation").fill(WORDS + " ".join(HOSTILE))
    page.locator("#description").fill(" ".join(reversed(HOSTILE)) + WORDS)
    page.locator("#explain").click()
    expect(page.locator("#why .highlighted.designation")).to_contain_text("Piscine ronde")
    expect(page.locator("#why .highlighted.designation")).to_contain_text("onfocus")
    expect_nothing_ran(page, address)


def test_in_a_file_s_name(page: Page, address: str) -> None:
    content = (EXAMPLES / "pool.jpg").read_bytes()
    for hostile in HOSTILE:
        name = re.sub(r"[/\x00]", "_", hostile) + ".jpg"
        page.locator("#photo-file").set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": content})
        expect(page.locator(".photo .name")).to_have_text(re.compile(MARK))
        expect_nothing_ran(page, address)
    expect(page.locator("#outcome .bars").first).to_be_visible()
    expect_nothing_ran(page, address)


def poisoned(value: Any, hostile: str) -> Any:
    """A copy of the answer in which every name of a category, group and version is hostile."""
    if isinstance(value, dict):
        return {
            key: hostile
            if key in ("label", "group", "version", "name", "designation") and isinstance(one, str)
            else poisoned(one, hostile)
            for key, one in value.items()
        }
    return [poisoned(one, hostile) for one in value] if isinstance(value, list) else value


def test_in_labels_groups_and_versions(page: Page, address: str) -> None:
    poison = ""

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=json.dumps(poisoned(response.json(), poison)))

    for path in ("predict?*", "explain?*", "categories?*", "catalogue?*", "catalogue/listings?*", "health/ready"):
        page.route(f"**/{path}", answer)
    for poison in HOSTILE[::3]:  # `answer` reads it
        page.goto(address)
        page.reload()
        page.locator("#designation").fill(WORDS)
        expect(page.locator("#outcome h3")).to_contain_text(MARK)
        expect(page.locator("#outcome .set .chip").first).to_contain_text(MARK)
        if poison == HOSTILE[0]:
            page.locator("#explain").click()
            expect(page.locator("#why h3")).to_contain_text(MARK)
        page.locator("#tab-browse").click()
        expect(page.locator(".shown h3")).to_contain_text(MARK)
        expect(page.locator(".true-category")).to_contain_text(MARK)
        expect(page.locator("#browse-category option").nth(1)).to_contain_text(MARK)
        expect_nothing_ran(page, address)


def test_in_the_address(page: Page, address: str) -> None:
    for hostile in HOSTILE:
        page.evaluate("hash => { location.hash = hash; }", hostile)
        expect(page.locator("#panel-try")).to_be_visible()
        expect_nothing_ran(page, address)
