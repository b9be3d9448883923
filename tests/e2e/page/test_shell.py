"""The shell: languages, appearance, tabs by mouse, keyboard and address, what the first load costs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page.conftest import OpenPage

FIRST_LOAD_BYTES = 300_000
TABS = ["try", "browse", "models", "batch"]


def test_the_serving_version_is_named(page: Page, address: str) -> None:
    version = page.request.get(f"{address}/health/ready").json()["version"]
    expect(page.locator("#version")).to_have_text(version)
    expect(page.locator("#serving")).to_have_attribute("data-state", "up")


@pytest.mark.parametrize(("lang", "first_tab"), [("fr", "Essayer"), ("en", "Try a listing"), ("de", "Ausprobieren")])
def test_the_language_follows_the_browser_and_the_choice_is_kept(
    open_page: OpenPage, lang: str, first_tab: str
) -> None:
    page = open_page(locale=lang)
    expect(page.locator("#tab-try")).to_have_text(first_tab)
    expect(page.locator("html")).to_have_attribute("lang", lang)
    other, words = ("de", "Stapel") if lang != "de" else ("fr", "Lot")
    page.locator("#lang").select_option(other)
    expect(page.locator("#tab-batch")).to_have_text(words)
    page.reload()
    expect(page.locator("#tab-batch")).to_have_text(words)
    expect(page.locator("html")).to_have_attribute("lang", other)


def background(page: Page) -> tuple[int, ...]:
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return tuple(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_light_and_dark(open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    assert max(background(page)) < 60
    page.locator("#theme").select_option("light")
    assert min(background(page)) > 200
    page.reload()
    assert min(background(page)) > 200
    page.locator("#theme").select_option("auto")
    assert max(background(page)) < 60


def test_tabs_by_keyboard(page: Page) -> None:
    page.locator("#tab-try").focus()
    for key, name in [
        ("ArrowRight", "browse"),
        ("End", "batch"),
        ("ArrowRight", "try"),
        ("ArrowLeft", "batch"),
        ("Home", "try"),
    ]:
        page.keyboard.press(key)
        expect(page.locator(f"#tab-{name}")).to_be_focused()
        expect(page.locator(f"#panel-{name}")).to_be_visible()
        for other in TABS:
            chosen = other == name
            expect(page.locator(f"#tab-{other}")).to_have_attribute("aria-selected", str(chosen).lower())
            assert page.locator(f"#tab-{other}").get_attribute("tabindex") == ("0" if chosen else "-1")
            assert page.locator(f"#panel-{other}").is_visible() == chosen


def test_tabs_are_addresses(open_page: OpenPage) -> None:
    page = open_page("/#models")
    expect(page.locator("#panel-models")).to_be_visible()
    page.locator("#tab-try").click()
    expect(page.locator("#panel-try")).to_be_visible()
    page.go_back()
    expect(page.locator("#panel-models")).to_be_visible()
    expect(page.locator("#panel-try")).to_be_hidden()


def test_the_skip_link_leads_to_the_content(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    expect(page.locator("#panel-try")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_wider_than_the_screen(open_page: OpenPage, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 844})
    for name in TABS:
        page.locator(f"#tab-{name}").click()
        expect(page.locator(f"#panel-{name} h2").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_the_first_load_is_small(open_page: OpenPage, capsys: pytest.CaptureFixture[str]) -> None:
    page = open_page("/docs")  # a page of the same host, so that requests can be counted from the first on
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}))
    page.goto(page.url.removesuffix("docs"))
    page.wait_for_load_state("networkidle")
    with capsys.disabled():
        print(f"\nfirst load: {sum(sizes.values()):,} bytes in {len(sizes)} files")
    assert sum(1 for url in sizes if "/assets/" in url) > 5
    assert sum(sizes.values()) < FIRST_LOAD_BYTES
