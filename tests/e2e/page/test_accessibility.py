"""axe-core finds nothing serious or critical, in any state of the page, light or dark, wide or on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.e2e.page.browser import EXAMPLES, Watch
from tests.e2e.page.conftest import OpenPage

SERIOUS = {"serious", "critical"}
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "dark phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "color_scheme": "dark"},
}


def empty(page: Page) -> None:
    expect(page.locator("#outcome .notice")).to_be_visible()


def answered_and_explained(page: Page) -> None:
    page.locator("#designation").fill("Piscine tubulaire ronde avec échelle")
    page.locator("#description").fill("<p>Hors sol, <b>bleue</b></p>")
    page.locator("#photo-file").set_input_files(EXAMPLES / "pool.jpg")
    expect(page.locator("#outcome .modalities")).to_be_visible()
    page.locator("#explain").click()
    expect(page.locator("#why .what-if")).to_be_visible()


def for_a_person(page: Page) -> None:
    page.locator("#designation").fill("Pneu neige 205/55 R16 91H")
    expect(page.locator("#outcome .decision.review")).to_be_visible()


def refused(page: Page) -> None:
    page.route("**/predict?*", lambda route: _refuse(route, 500))
    page.locator("#designation").fill("Piscine")
    expect(page.locator("#outcome .notice.bad")).to_be_visible()


def down(page: Page) -> None:
    for path in ("predict?*", "health/ready"):
        page.route(f"**/{path}", lambda route: _refuse(route, 503))
    page.locator("#designation").fill("Piscine")
    expect(page.locator("#banner .notice")).to_be_visible()


def asked_for_a_key(page: Page) -> None:
    page.route("**/predict?*", lambda route: _refuse(route, 401))
    page.locator("#designation").fill("Piscine")
    expect(page.locator("#banner form")).to_be_visible()


def browsed(page: Page) -> None:
    page.locator("#tab-browse").click()
    expect(page.locator(".drawn")).to_be_visible()


def browsed_mistakes(page: Page) -> None:
    browsed(page)
    page.locator("#only-mistakes").click()
    expect(page.locator("#drawn:not([aria-busy])")).to_be_visible()


STATES = [empty, answered_and_explained, for_a_person, refused, down, asked_for_a_key, browsed, browsed_mistakes]


def _refuse(route: Route, status: int) -> None:
    code = {500: "internal", 503: "model_unavailable", 401: "unauthorized"}[status]
    route.fulfill(status=status, json={"code": code}, content_type="application/problem+json")


def violations(page: Page) -> list[str]:
    """What axe-core finds, as `impact rule: where`."""
    page.wait_for_timeout(300)  # colours in the middle of a transition have another contrast
    found = Axe().run(page).response["violations"]
    return [f"{one['impact']} {one['id']}: {[node['target'] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("state", STATES)
def test_no_serious_violations(open_page: OpenPage, watch: Watch, state: Callable[[Page], None], screen: str) -> None:
    if state in (refused, down, asked_for_a_key):
        watch.allow("the server responded with a status of")
    page = open_page(**SCREENS[screen])
    state(page)
    assert [one for one in violations(page) if one.split()[0] in SERIOUS] == []


def test_axe_would_find_something(page: Page) -> None:
    page.locator("#lang").evaluate("one => one.removeAttribute('aria-label')")
    assert any(one.startswith("critical select-name") for one in violations(page))


def test_the_page_is_used_by_keyboard_alone(page: Page) -> None:
    page.locator("#tab-try").focus()
    for _ in range(12):
        if page.evaluate("document.activeElement.id") == "designation":
            break
        page.keyboard.press("Tab")
    expect(page.locator("#designation")).to_be_focused()
    page.keyboard.type("Piscine tubulaire ronde")
    expect(page.locator("#outcome h3")).to_have_text("Pool and spa")
    expect(page.locator("#said")).to_contain_text("Pool and spa")
    for _ in range(12):
        if page.evaluate("document.activeElement.id") == "explain":
            break
        page.keyboard.press("Tab")
    expect(page.locator("#explain")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#why h3")).to_be_focused()


def test_every_focus_is_seen(page: Page) -> None:
    page.locator("#tab-try").focus()
    seen = 0
    for _ in range(20):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "(one => getComputedStyle(one.matches('input[type=file]') ? one.nextElementSibling : one).outlineStyle)"
            "(document.activeElement)"
        )
        if page.evaluate("document.activeElement === document.body"):
            break
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
        seen += 1
    assert seen > 8
