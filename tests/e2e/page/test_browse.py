"""Browse: listings drawn from a labelled catalogue, with what text, photo and both say, and whether that is right."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from models.versions.manifest import write_manifest
from models.versions.samples import write_samples
from models.versions.store import Store
from tests.contract.real_server import real_server
from tests.e2e.page.browser import EXAMPLES, Watch
from tests.e2e.page.conftest import OpenPage
from tests.models.tiny_version import CODES, listing, write_version
from training.publishing.draft import MADE_BY_SEALING


@pytest.fixture
def browse(open_page: OpenPage) -> Page:
    page = open_page("/#browse")
    expect(page.locator(".drawn")).to_be_visible()
    return page


def draw(page: Page, control: str) -> dict[str, Any]:
    """What the service answers to a click."""
    with page.expect_response(re.compile(r"/catalogue/listings\?")) as answered:
        page.locator(control).click()
    return answered.value.json()


def expect_shown(page: Page, listing: dict[str, Any]) -> None:
    """The listing as the service gave it: text, category, what each says, and each verdict in words and colour."""
    expect(page.locator(".drawn")).to_have_attribute("data-row", str(listing["row"]))
    expect(page.locator(".shown h3")).to_have_text(listing["designation"])
    expect(page.locator(".true-category")).to_have_text(listing["category"]["label"])
    assert listing["correct"].keys() >= {"fused"}
    rows = page.locator(".verdicts tbody tr")
    expect(rows).to_have_count(len(listing["correct"]))
    best = {name: scores[0] for name, scores in listing["prediction"]["by_modality"].items()}
    best["fused"] = listing["prediction"]["predictions"][0]
    for name, right in listing["correct"].items():
        row = page.locator(f".verdicts [data-by={name}]")
        expect(row).to_have_class("right" if right else "wrong")
        expect(row).to_contain_text(best[name]["label"])
        expect(row.locator(".numbers")).to_have_text(re.compile(r"^[<>]? ?\d+(\.\d)?%$"))
        expect(row.locator(".badge")).to_have_text("right" if right else "wrong")
        colour = row.locator(".badge").evaluate("one => getComputedStyle(one).color")
        red, green, _ = (int(part) for part in re.findall(r"\d+", colour)[:3])
        assert (green > red) == right


@pytest.mark.smoke
def test_a_random_listing(browse: Page) -> None:
    expect(browse.locator("#catalogue")).to_contain_text("54 sample listings")
    expect(browse.locator("#browse-category option")).to_have_count(28)  # 27 and "any"
    rows = set()
    for _ in range(6):
        answer = draw(browse, "#draw")
        expect_shown(browse, answer["listings"][0])
        rows.add(answer["listings"][0]["row"])
    assert len(rows) > 1


def test_back_to_the_one_before(browse: Page) -> None:
    expect(browse.locator("#previous")).to_be_disabled()
    first = browse.locator(".shown h3").text_content()
    draw(browse, "#draw")
    answer = draw(browse, "#previous")
    assert answer["listings"][0]["designation"] == first
    expect_shown(browse, answer["listings"][0])
    expect(browse.locator("#previous")).to_be_disabled()


def test_of_a_chosen_category(browse: Page) -> None:
    for code in ("2583", "1560"):
        with browse.expect_response(re.compile(r"/catalogue/listings\?")) as answered:
            browse.locator("#browse-category").select_option(code)
        for answer in (answered.value.json(), draw(browse, "#draw")):
            assert answer["listings"][0]["category"]["code"] == code
        expect_shown(browse, answer["listings"][0])


def test_only_mistakes(browse: Page) -> None:
    answer = draw(browse, "#only-mistakes")
    expect(browse.locator("#only-mistakes")).to_have_attribute("aria-pressed", "true")
    expect(browse.locator("#only-all")).to_have_attribute("aria-pressed", "false")
    if answer["listings"]:
        assert answer["listings"][0]["correct"]["fused"] is False
        expect_shown(browse, answer["listings"][0])
    else:
        expect(browse.locator("#drawn")).to_contain_text(f"among the {answer['tried']} listings looked at")


def test_nothing_found_is_a_sentence(browse: Page) -> None:
    browse.route("**/catalogue/listings?*", lambda route: route.fulfill(json={"listings": [], "tried": 40}))
    browse.locator("#only-mistakes").click()
    expect(browse.locator("#drawn")).to_contain_text("No mistake among the 40 listings looked at.")


def test_a_listing_can_be_taken_to_try(browse: Page) -> None:
    listing = draw(browse, "#draw")["listings"][0]
    expect_shown(browse, listing)
    browse.locator("#try-this").click()
    expect(browse.locator("#panel-try")).to_be_visible()
    expect(browse.locator("#designation")).to_have_value(listing["designation"])
    expect(browse.locator("#outcome h3")).to_have_text(listing["prediction"]["category"]["label"])
    browse.locator("#tab-browse").click()
    expect(browse.locator(".shown h3")).to_have_text(listing["designation"])


def test_a_catalogue_of_ones_own(open_page: OpenPage, watch: Watch, tmp_path: Path) -> None:
    shop = tmp_path / "shop.csv"
    images = tmp_path / "images"
    images.mkdir()
    shutil.copy(EXAMPLES / "pool.jpg", images / "mine.jpg")
    shop.write_text(
        "id,designation,description,image,category\n"
        'P1,Piscine ronde avec échelle,"<p>Bleue</p><script>no()</script>",mine.jpg,2583\n',
        encoding="utf-8",
    )
    with real_server(catalogue=shop) as own:
        watch.host = own.removeprefix("http://")
        page = open_page("/#browse", base=own)
        expect(page.locator("#catalogue")).to_contain_text("1 listings")
        expect(page.locator(".shown h3")).to_have_text("Piscine ronde avec échelle")
        expect(page.locator(".description")).to_have_text("Bleue")
        page.wait_for_function("document.querySelector('.picture').naturalWidth === 500")
        expect(page.locator(".verdicts tbody tr")).to_have_count(3)
        page.locator("#try-this").click()
        expect(page.locator(".preview")).to_be_visible()
        page.close()


def another_catalogue(root: Path, *, carries: bool) -> None:
    """A store with a version of other categories, which carries listings of its own if asked."""
    store = Store(root)
    with store.draft() as draft:
        manifest = write_version(draft)
        if carries:
            write_samples(draft, [(listing(number, photo_of=number), CODES[number]) for number in range(4)])
            (draft / "manifest.json").unlink()
            manifest = write_manifest(draft, **{key: value for key, value in manifest if key not in MADE_BY_SEALING})
        store.seal(draft, manifest.version)
    store.promote(manifest.version)


@pytest.mark.smoke
@pytest.mark.parametrize("carries", [True, False])
def test_a_version_of_other_categories_shows_no_foreign_examples(
    open_page: OpenPage, watch: Watch, tmp_path: Path, carries: bool
) -> None:
    another_catalogue(tmp_path, carries=carries)
    watch.allow("status of 404")
    with real_server(store=tmp_path) as own:
        watch.host = own.removeprefix("http://")
        page = open_page(base=own)
        examples = page.locator("#examples")
        if carries:
            expect(examples.locator("button")).to_have_count(4)
            title = examples.locator("button").first.inner_text()
            examples.locator("button").first.click()
            expect(page.locator("#designation")).to_have_value(title)
            expect(page.locator(".preview")).to_be_visible()
            page.locator("#tab-browse").click()
            expect(page.locator("#catalogue")).to_contain_text("4 test listings")
            expect(page.locator(".picture")).to_be_visible()
            page.locator("#tab-batch").click()
            page.get_by_role("button", name="Try it with samples").click()
            expect(page.locator(".source-facts")).to_contain_text("4 of 4 rows have their photo")
        else:
            expect(examples).to_contain_text("PYKUTEN_CATALOGUE")
            expect(examples.locator("button")).to_have_count(0)
            page.locator("#tab-browse").click()
            expect(page.locator("#drawn")).to_contain_text("samples = true")
            expect(page.locator(".toolbar")).to_be_hidden()
        page.close()
