"""Try a listing, and Why: what is typed, dropped, pasted or chosen is answered at once, and the answer explained."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.page.browser import EXAMPLES
from tests.e2e.page.conftest import OpenPage

POOL = "Piscine tubulaire ronde avec échelle"
POOL_CODE = "2583"
FIGURE = "Figurine Funko Pop Dragon Ball Z Goku 615"
HAND_OVER = """(element, [bytes, name, type, event]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], name, { type }));
  const made = event === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent(event, { dataTransfer: data, bubbles: true, cancelable: true });
  element.dispatchEvent(made);
  return made.defaultPrevented;
}"""


def hand_over(page: Page, photo: Path, event: str) -> None:
    """Paste or drop a photo, as a browser hands it to the page; the page must take it for its own."""
    content = base64.b64encode(photo.read_bytes()).decode()
    assert page.locator("#designation").evaluate(HAND_OVER, [content, photo.name, "image/jpeg", event])


def best(page: Page) -> Locator:
    return page.locator("#outcome .bars").first.locator(".bar").first


def expect_pool(page: Page) -> None:
    expect(best(page)).to_have_attribute("data-code", POOL_CODE)
    expect(page.locator("#outcome h3")).to_have_text("Pool and spa")


def shares(page: Page, bars: str) -> list[float]:
    texts = page.locator(f"{bars} .bar-value").all_text_contents()
    return [float(text.strip("%<> ")) for text in texts]


@pytest.mark.smoke
def test_typing_gives_an_answer_with_all_its_parts(page: Page) -> None:
    page.locator("#designation").press_sequentially(POOL)
    expect_pool(page)
    outcome = page.locator("#outcome")
    expect(outcome.locator(".decision .badge")).to_have_text("File it without review")
    expect(outcome.locator(".reason")).to_have_text(
        re.compile(r"^\d+\.\d% sure; for this category \d+\.\d% is enough for 95% of the listings filed to be right\.$")
    )
    expect(outcome.locator(".bar")).to_have_count(5)
    scores = shares(page, "#outcome .scores")
    assert scores == sorted(scores, reverse=True)
    assert 50 < scores[0] <= 100
    assert sum(scores) <= 100.5
    expect(outcome.locator(".bar-threshold")).to_have_count(1)
    expect(outcome.locator(".set .chip").first).to_have_text("Pool and spa")
    expect(outcome.locator(".set p")).to_contain_text("With a chance of 95%")
    expect(outcome.locator(".modalities")).to_have_count(0)  # there is only text
    version = page.locator("#version").text_content()
    expect(outcome.locator(".time")).to_have_text(re.compile(rf"^Answered in [\d,]+ ms by version {version}$"))
    expect(page.locator("#said")).to_have_text(re.compile(r"^File it without review: Pool and spa, [\d.]+%\.$"))


def test_an_unfamiliar_listing_has_no_set(page: Page) -> None:
    """The set holds every category then, which is nothing to show, and no chance to speak of."""

    def unfamiliar(route: Route) -> None:
        answer = route.fetch().json()
        answer["decision"] |= {"action": "review", "reason": "unfamiliar"}
        route.fulfill(json=answer)

    page.route("**/predict?*", unfamiliar)
    page.locator("#designation").fill(POOL)
    expect(page.locator("#outcome .reason")).to_contain_text("does not look like any of the known categories")
    expect(page.locator("#outcome .set")).to_have_count(0)
    expect(page.locator("#outcome")).not_to_contain_text("With a chance of")


def test_a_listing_for_a_person_says_why(page: Page) -> None:
    page.locator("#designation").fill("Le petit prince Antoine de Saint-Exupéry")
    outcome = page.locator("#outcome")
    expect(outcome.locator(".decision .badge")).to_have_text("Show it to a person")
    expect(outcome.locator(".reason")).to_have_text(re.compile(r"^Only [\d.]+% sure; it would take [\d.]+% for 95%"))
    page.locator("#designation").fill("Pneu neige 205/55 R16 91H")
    expect(outcome.locator(".reason")).to_have_text("This listing does not look like any of the known categories.")


def test_typing_waits_and_the_newer_request_cancels_the_older(page: Page) -> None:
    asked: list[str] = []
    failed: list[str] = []
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        asked.append(route.request.post_data or "")
        if len(asked) == 1:
            held.append(route)  # never answered
        else:
            route.continue_()

    page.route("**/predict?*", hold_the_first)
    page.on("requestfailed", lambda request: failed.append(request.failure or ""))
    page.locator("#designation").press_sequentially(FIGURE, delay=5)
    page.wait_for_function("document.querySelector('#outcome').getAttribute('aria-busy') === 'true'")
    page.wait_for_timeout(600)
    assert len(asked) == 1, "asked while a person was still typing"
    page.locator("#designation").fill(POOL)
    expect_pool(page)
    assert len(asked) == 2
    assert FIGURE in asked[0]
    assert POOL in asked[1]
    assert failed == ["net::ERR_ABORTED"]
    assert len(held) == 1


def test_html_is_shown_as_plain_text(page: Page) -> None:
    page.locator("#description").fill(
        "<p>Diam&egrave;tre <b>366 cm</b></p><ul><li>Filtration</li></ul><script>no()</script>"
    )
    expect(page.locator("#plain .text")).to_have_text("Diamètre 366 cm\nFiltration", use_inner_text=True)
    expect(best(page)).to_be_visible()
    page.locator("#description").fill("5 < 6 & 7 > 3")
    expect(page.locator("#plain")).to_be_hidden()


@pytest.mark.parametrize("way", ["choose", "camera", "drop", "paste"])
def test_a_photo_by(page: Page, way: str) -> None:
    photo = EXAMPLES / "chair.jpg"
    assert page.locator("#photo-camera").get_attribute("capture") == "environment"
    if way in ("choose", "camera"):
        page.locator("#photo-file" if way == "choose" else "#photo-camera").set_input_files(photo)
    else:
        hand_over(page, photo, way)
    expect(page.locator("#outcome .bars").first).to_be_visible()
    preview = page.locator(".preview")
    expect(preview).to_be_visible()
    page.wait_for_function("document.querySelector('.preview').naturalWidth === 500")
    expect(page.locator(".photo .name")).to_have_text("chair.jpg")
    page.locator("#photo-remove").click()
    expect(preview).to_have_count(0)
    expect(page.locator("#photo-file")).to_be_focused()
    expect(page.locator("#outcome")).to_contain_text("The answer appears here")


def test_a_phone_shows_the_answer_in_a_line_while_one_types(open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(page.locator("#peek")).to_be_hidden()
    page.locator("#designation").fill(POOL)
    expect(page.locator("#peek")).to_have_text(re.compile(r"^Pool and spa[\d.]+%$"))
    page.locator("#peek").click()
    expect(page.locator("#outcome h3")).to_be_in_viewport()
    expect(page.locator("#peek")).to_be_hidden()


def test_a_disagreement_is_said(page: Page, address: str) -> None:
    """What the page makes of an answer in which they disagree; which listings make them is the version's business."""
    answer = page.request.post(
        f"{address}/predict?lang=en&top_k=5",
        multipart={
            "designation": POOL,
            "image": {"name": "c.jpg", "mimeType": "image/jpeg", "buffer": (EXAMPLES / "chair.jpg").read_bytes()},
        },
    ).json()
    answer["disagreement"] = True
    answer["decision"] |= {"action": "review", "reason": "disagreement"}
    page.route("**/predict?*", lambda route: route.fulfill(json=answer))
    page.locator("#designation").fill(POOL)
    expect(page.locator("#outcome .modalities .badge")).to_have_text("Text and photo disagree")
    expect(page.locator("#outcome .reason")).to_have_text("The text and the photo are each sure of another category.")


def test_examples_are_one_click(page: Page) -> None:
    buttons = page.locator(".example")
    expect(buttons.first).to_be_visible()
    names = buttons.all_text_contents()
    assert len(names) == len(set(names)) >= 5
    for at in range(len(names)):
        with page.expect_response(re.compile(r"/predict\?")) as answered:
            buttons.nth(at).click()
        assert answered.value.status == 200
        expect(page.locator("#outcome h3")).to_have_text(answered.value.json()["category"]["label"])
    buttons.first.click()
    expect_pool(page)
    expect(page.locator(".preview")).to_be_visible()
    page.locator("#clear").click()
    expect(page.locator("#outcome")).to_contain_text("The answer appears here")
    expect(page.locator("#designation")).to_have_value("")
    expect(page.locator(".preview")).to_have_count(0)


def test_the_language_takes_the_answer_along(page: Page) -> None:
    page.locator("#designation").fill(POOL)
    expect_pool(page)
    page.locator("#lang").select_option("fr")
    expect(page.locator("#outcome h3")).to_have_text("Piscine et spa")
    expect(page.locator("#outcome .decision .badge")).to_have_text("Classer sans relecture")
    page.locator("#lang").select_option("de")
    expect(page.locator("#outcome .decision .badge")).to_have_text("Ohne Prüfung einordnen")


def test_a_listing_survives_a_look_at_other_tabs(page: Page) -> None:
    page.locator("#designation").fill(POOL)
    page.locator("#description").fill("Neuve")
    page.locator("#photo-file").set_input_files(EXAMPLES / "pool.jpg")
    expect_pool(page)
    for name in ("browse", "models", "batch", "try"):
        page.locator(f"#tab-{name}").click()
    expect(page.locator("#designation")).to_have_value(POOL)
    expect(page.locator("#description")).to_have_value("Neuve")
    expect(page.locator(".preview")).to_be_visible()
    expect_pool(page)


def test_why(page: Page) -> None:
    page.locator("#designation").fill(POOL)
    page.locator("#description").fill("<p>Hors sol, <b>bleue</b></p>")
    page.locator("#photo-file").set_input_files(EXAMPLES / "pool.jpg")
    alone = page.locator("#outcome .modalities .scores")
    expect(alone.locator("h4")).to_have_text(["The text alone", "The photo alone"])
    expect(alone.locator(".bar")).to_have_count(6)
    expect(page.locator("#outcome .modalities .badge")).to_have_text("Text and photo agree")
    page.locator("#explain").click()
    why = page.locator("#why")
    expect(why.locator("h3")).to_have_text("Why “Pool and spa”?")
    expect(why.locator("h3")).to_be_focused()

    expect(why.locator(".highlighted.designation")).to_have_text(POOL)
    expect(why.locator(".highlighted.description")).to_have_text("Hors sol, bleue")
    marks = why.locator("mark.for")
    assert "Piscine" in " ".join(marks.all_text_contents())
    assert re.fullmatch(r"For: \+[\d.]+ points", marks.first.get_attribute("title") or "")
    expect(why.locator(".chip.for").first).to_have_text(re.compile(r"^\S.* \+[\d.]+$"))

    cells = why.locator(".cell")
    assert cells.count() >= 9
    assert re.fullmatch(r"(For|Against): [+−]?[\d.]+ points", cells.first.get_attribute("title") or "")
    expect(why.locator("figcaption")).to_have_text(re.compile(r"^(What counts most is|No single part)"))
    why.locator("#map").uncheck()
    expect(why.locator(".grid")).to_be_hidden()

    expect(why.locator(".what-if li")).to_have_count(3)
    expect(why.locator("[data-without=image]")).to_have_text(re.compile(r"^Without the photo:[<> ]*[\d.]+%"))
    expect(why.locator("[data-without=description] .badge")).to_be_visible()
    expect(why.locator("[data-without=text]")).to_contain_text("Without the text:")


def test_an_explanation_is_forgotten_with_its_listing(page: Page) -> None:
    page.locator("#designation").fill(POOL)
    page.locator("#explain").click()
    expect(page.locator("#why .words")).to_be_visible()
    expect(page.locator("#why .photo-map")).to_have_count(0)
    expect(page.locator("#why .what-if")).to_have_count(0)
    page.locator("#designation").fill(FIGURE)
    expect(page.locator("#outcome h3")).to_have_text("Figures and merchandise")
    expect(page.locator("#why .words")).to_have_count(0)
    expect(page.locator("#explain")).to_be_visible()
