"""axe-core finds nothing serious or critical, in any state of the page, light or dark, wide or on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.e2e.page.batch.tables import answer_batches, choose_table, example, file, run_table, table
from tests.e2e.page.browser import EXAMPLES, Watch
from tests.e2e.page.conftest import OpenPage

SERIOUS = {"serious", "critical"}
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "dark phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "color_scheme": "dark"},
}

ROWS = [(str(n), f"a{n}", "<p>text</p>", "pool.jpg" if n % 2 else "") for n in range(40)]


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


def models(page: Page) -> None:
    page.locator("#tab-models").click()
    expect(page.locator("#models-provenance")).to_be_visible()


def models_in_use(page: Page) -> None:
    models(page)
    page.locator("#models-cohort").select_option("held out, voted labels")
    page.locator(".pair").first.click()
    expect(page.locator(".pair-examples > *").first).to_be_visible()
    for summary in page.locator("#models-figures summary").all():
        summary.click()


def batch(page: Page) -> None:
    page.locator("#tab-batch").click()
    expect(page.locator("#panel-batch h2")).to_be_visible()


def batch_ready(page: Page) -> None:
    batch(page)
    page.locator("#batch-photos").set_input_files(file("pool.jpg", example("pool.jpg"), "image/jpeg"))
    choose_table(page, table(ROWS))
    page.locator(".column-choices summary").click()


def batch_done(page: Page) -> None:
    batch(page)
    answer_batches(page)
    run_table(page, table(ROWS))
    page.locator("[data-key=review]").click()
    page.locator(".listing-grid").focus()
    page.keyboard.press("2")


def batch_refused(page: Page) -> None:
    batch(page)
    page.locator("#batch-photos").set_input_files(file("a.zip", b"PK no", "application/zip"))
    expect(page.locator(".source-facts [role=alert]")).to_be_visible()


STATES = [
    empty, answered_and_explained, for_a_person, refused, down, asked_for_a_key, browsed, browsed_mistakes, models,
    models_in_use, batch, batch_ready, batch_done, batch_refused,
]  # fmt: skip


def _refuse(route: Route, status: int) -> None:
    code = {500: "internal", 503: "model_unavailable", 401: "unauthorized"}[status]
    route.fulfill(status=status, json={"code": code}, content_type="application/problem+json")


def violations(page: Page) -> list[str]:
    """What axe-core finds, as `impact rule: where`."""
    page.wait_for_timeout(300)  # colours in the middle of a transition have another contrast
    return [
        f"{violation['impact']} {violation['id']}: {[node['target'] for node in violation['nodes']]}"
        for violation in Axe().run(page).response["violations"]
    ]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("state", STATES)
def test_no_serious_violations(open_page: OpenPage, watch: Watch, state: Callable[[Page], None], screen: str) -> None:
    if state in (refused, down, asked_for_a_key):
        watch.allow("the server responded with a status of")
    page = open_page(**SCREENS[screen])
    state(page)
    assert [violation for violation in violations(page) if violation.split()[0] in SERIOUS] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")


def test_axe_would_find_something(page: Page) -> None:
    page.locator("#lang").evaluate("one => one.removeAttribute('aria-label')")
    assert any(violation.startswith("critical select-name") for violation in violations(page))


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


def test_batch_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("/#batch")
    answer_batches(page)
    choose_table(page, table(ROWS))
    page.locator("#batch-start").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#batch-download")).to_be_visible()
    expect(page.locator("#batch-download")).to_be_focused()  # the button that was pressed is gone
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.locator(".listing-grid").evaluate("(grid) => grid === document.activeElement"):
            break
    expect(page.locator(".listing-grid")).to_be_focused()
    page.keyboard.press("2")
    expect(page.locator("[data-key=corrected] .count")).to_have_text("1")
    expect(page.locator(".batch [role=status].unseen")).to_contain_text("left to review")


def test_the_figures_have_words(open_page: OpenPage) -> None:
    """What is drawn can be read: each figure has a name, and its numbers are in a table."""
    page = open_page("/#models")
    expect(page.locator("#models-provenance")).to_be_visible()
    for figure in ("#models-coverage", "#models-reliability"):
        assert page.locator(f"{figure} svg[role=img]").get_attribute("aria-label")
        page.locator(f"{figure} summary").click()
        assert page.locator(f"{figure} tbody tr").count() > 5
    assert page.locator(".matrix").get_attribute("aria-describedby") == "models-pair"
    assert page.locator("#models-pair").get_attribute("role") == "status"
