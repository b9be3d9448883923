"""axe-core over Models and Batch in their states: light, dark and on a phone; no serious or critical violation."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.page.batch.tables import answer_batches, choose_table, example, file, run_table, table
from tests.e2e.page.conftest import OpenPage

SCREENS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
ROWS = [(str(n), f"a{n}", "<p>text</p>", "pool.jpg" if n % 2 else "") for n in range(40)]


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


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("state", [models, models_in_use, batch, batch_ready, batch_done, batch_refused])
def test_no_serious_violation(open_page: OpenPage, state: Callable[[Page], None], screen: str) -> None:
    page = open_page(**SCREENS[screen])
    state(page)
    page.wait_for_timeout(300)  # colours that change slowly are measured at their end
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert serious == [], [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in serious]
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")


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
