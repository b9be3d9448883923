"""The Models view: versions, two side by side, figures by cohort and evidence, confusions, the page's precision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from models.versions.store import Store
from tests.contract.real_server import real_server
from tests.e2e.page.batch.tables import example, file
from tests.e2e.page.browser import Watch
from tests.e2e.page.conftest import OpenPage
from tests.models.tiny_networks import WORDS
from tests.models.tiny_version import make_version

COHORT = "held out, voted labels"


@pytest.fixture
def models(open_page: OpenPage) -> Page:
    page = open_page("/#models")
    expect(page.locator("#models-provenance")).to_be_visible()
    return page


@pytest.fixture
def version(models: Page, address: str) -> dict[str, Any]:
    """The answer of /models/{version} for the version that serves."""
    name = models.request.get(f"{address}/models").json()["serving"]
    version: dict[str, Any] = models.request.get(f"{address}/models/{name}").json()
    return version


@pytest.fixture(scope="module")
def three_versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """A service with two versions that answer, and one that is refused: its address, and their names."""
    folder = tmp_path_factory.mktemp("three")
    store = Store(folder / "store")
    store.root.mkdir()
    names = [make_version(store.root, classes=4, seed=day, day=day) for day in (23, 24, 25)]
    store.promote(names[0])
    damaged = store.root / names[2] / "text.xml"
    damaged.write_bytes(damaged.read_bytes() + b" ")
    with real_server(store=store.root) as address:
        yield address, names


@pytest.fixture
def pair(open_page: OpenPage, watch: Watch, three_versions: tuple[str, list[str]]) -> Page:
    address, _ = three_versions
    watch.host = address.removeprefix("http://")
    page = open_page("/#models", base=address)
    expect(page.locator("#models-comparison form")).to_be_visible()
    return page


def test_one_version_alone_says_how_to_train_another(models: Page, version: dict[str, Any]) -> None:
    expect(models.locator(".version-choice code").last).to_have_text(version["version"])
    expect(models.locator("#models-comparison")).to_contain_text("There is only one version so far")
    expect(models.locator("#models-comparison .command")).to_contain_text("make train CONFIG=training/configs/compare/")
    for network in ("resnet50", "vgg16", "mobilenetv2", "lstm", "gru"):
        expect(models.locator("#models-comparison")).to_contain_text(network)
    facts = models.locator(".version-facts")
    for modality in ("text", "image"):
        expect(facts).to_contain_text(version["networks"][modality]["name"])


def test_the_configs_that_are_named_exist() -> None:
    folder = Path(__file__).parents[3] / "training/configs/compare"
    assert all((folder / f"{name}.toml").is_file() for name in ("resnet50", "vgg16", "mobilenetv2", "lstm", "gru"))


@pytest.mark.smoke
def test_figures_are_those_of_the_version(models: Page, version: dict[str, Any]) -> None:
    cases = version["metrics"]["cohorts"][COHORT]["cases"]
    models.locator("#models-cohort").select_option(COHORT)
    for evidence in ("both", "text", "title", "image"):
        models.locator(f"[data-case={evidence}]").click()
        figures = cases[evidence]
        tiles = models.locator(".tiles")
        expect(tiles).to_contain_text(f"{figures['n']:,}")
        expect(tiles).to_contain_text(f"{100 * figures['accuracy']['value']:.1f}%")
        expect(models.locator(".class-table tbody tr")).to_have_count(len(figures["per_class"]))
        expect(models.locator("#models-reliability circle")).to_have_count(len(figures["reliability"]))
        cells = sum(1 for row in figures["confusion"] for count in row if count)
        expect(models.locator(".matrix rect.right, .matrix rect.wrong")).to_have_count(cells)


def test_the_class_table_is_sorted_by_any_column(models: Page, version: dict[str, Any]) -> None:
    models.locator("#models-cohort").select_option(COHORT)
    by_code = {row["code"]: row for row in version["metrics"]["cohorts"][COHORT]["cases"]["both"]["per_class"]}

    def codes() -> list[str]:
        return [row.get_attribute("data-code") or "" for row in models.locator(".class-table tbody tr").all()]

    for column, descends_first in [("n", True), ("precision", False), ("recall", False)]:
        button = models.locator(f"[data-sort={column}]")
        for descending in (descends_first, not descends_first):
            button.click()
            head = models.locator(f".class-table th.{column}")
            expect(head).to_have_attribute("aria-sort", "descending" if descending else "ascending")
            values = [by_code[code][column] for code in codes()]
            assert values == sorted(values, reverse=descending)
    models.locator("[data-sort=category]").click()
    labels = models.locator(".class-table tbody th").all_inner_texts()
    assert [label.lower() for label in labels] == sorted(label.lower() for label in labels)
    expect(models.locator(".class-table [aria-sort]")).to_have_count(1)


def test_the_confusion_matrix_by_pointer_and_keyboard(models: Page, version: dict[str, Any]) -> None:
    figures = version["metrics"]["cohorts"][COHORT]["cases"]["both"]
    models.locator("#models-cohort").select_option(COHORT)
    codes = [category["code"] for category in figures["per_class"]]
    confused = [(n, i) for i, line in enumerate(figures["confusion"]) for j, n in enumerate(line) if i != j]
    count, row = max(confused, key=lambda cell: cell[0])
    said = models.locator("#models-pair")
    models.locator(".matrix").focus()  # begins at the largest confusion
    expect(said).to_contain_text(
        f"{count} of {sum(figures['confusion'][row])} listings are taken for the other category"
    )
    models.locator(".pair").first.hover()
    models.locator(".matrix").focus()
    for _ in range(len(codes)):
        models.keyboard.press("ArrowUp")
        models.keyboard.press("ArrowLeft")
    expect(said).to_contain_text(f"{figures['confusion'][0][0]} of {sum(figures['confusion'][0])} listings are right")
    models.keyboard.press("ArrowDown")
    expect(said).to_contain_text(f"{figures['confusion'][1][0]} of {sum(figures['confusion'][1])} listings are taken")
    cell = models.locator(".matrix rect.wrong").first
    cell.scroll_into_view_if_needed()
    cell.hover(force=True)
    first = next((i, j) for i, line in enumerate(figures["confusion"]) for j, n in enumerate(line) if n and i != j)
    expect(said).to_contain_text(f"{figures['confusion'][first[0]][first[1]]} of")


def test_examples_of_a_pair_come_from_the_catalogue(models: Page, version: dict[str, Any]) -> None:
    with models.expect_response("**/catalogue/listings?*category=*predicted=*") as answered:
        models.locator(".pair").first.click()
    listings = answered.value.json()["listings"]
    expect(models.locator(".pair-example")).to_have_count(len(listings))
    # A pair that the samples do show: the first category that the version files rightly.
    models.locator(".matrix").focus()
    for _ in range(27):
        models.keyboard.press("ArrowUp")
        models.keyboard.press("ArrowLeft")
    for _ in range(27):
        with models.expect_response("**/catalogue/listings?*") as answered:
            models.keyboard.press("Enter")
        body = answered.value.json()
        if body["listings"]:
            break
        models.keyboard.press("ArrowDown")
        models.keyboard.press("ArrowRight")
    assert body["listings"], "the version files none of the samples rightly"
    expect(models.locator(".pair-example")).to_have_count(len(body["listings"]))
    listing = body["listings"][0]
    expect(models.locator(".pair-title").first).to_have_text(listing["designation"] or listing["description"][:120])
    models.locator(".pair-example").first.get_by_role("button", name="Try it").click()
    expect(models.locator("#panel-try")).to_be_visible()
    expect(models.locator("#designation")).to_have_value(listing["designation"])


def test_the_slider_sets_the_precision_of_the_page(models: Page, version: dict[str, Any]) -> None:
    models.locator("#models-cohort").select_option(COHORT)
    decisions = version["metrics"]["cohorts"][COHORT]["cases"]["both"]["decisions"]
    slider, said = models.locator("#models-precision"), models.locator(".coverage-said")
    own = version["calibration"]["default_precision"]
    expect(slider).to_have_value(str(own))

    def expect_decision(asked: str, precision: float) -> None:
        made = next(decision for decision in decisions if decision["precision"] >= precision)
        expect(said).to_contain_text(f"At {asked}, {100 * made['coverage']:.1f}% of the listings are filed")
        expect(said).to_contain_text(f"({made['accepted']:,})")

    expect_decision("95%", own)
    slider.focus()
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "80%")
    expect_decision("80%", 0.8)
    slider.press("ArrowRight")
    expect_decision("80.5%", 0.85)  # a precision in between has the thresholds of the next higher one
    models.locator("#tab-try").click()
    with models.expect_request("**/predict*precision=0.805*"):
        models.locator("#panel-try").get_by_label("Title").fill("Matelas de piscine")
    models.locator("#tab-models").click()
    models.locator(".own-precision").click()
    expect(slider).to_have_value(str(own))


def test_provenance_and_limits(models: Page, version: dict[str, Any]) -> None:
    shown = models.locator("#models-provenance")
    card = version["provenance"]["run"]["card"]
    for line in [*card["limits"], *version["provenance"]["data"]["notes"]]:
        expect(shown).to_contain_text(line)
    shown.locator("summary").click()
    expect(shown).to_contain_text(version["provenance"]["digest"])


def test_two_versions_side_by_side(pair: Page, three_versions: tuple[str, list[str]]) -> None:
    address, names = three_versions
    form = pair.locator("#models-comparison form")
    assert {form.locator("#compare-a").input_value(), form.locator("#compare-b").input_value()} <= set(names)
    form.locator("#compare-a").select_option(names[0])
    form.locator("#compare-b").select_option(names[1])
    form.get_by_role("button", name="Compare").click()
    expect(pair.locator(".comparison-results")).to_contain_text("Give a title, a description or a photo.")
    title = f"Belle {WORDS[2]} neuve"
    form.get_by_label("Title").fill(title)
    form.locator("#compare-photo").set_input_files(file("pool.jpg", example("pool.jpg"), "image/jpeg"))
    form.get_by_role("button", name="Compare").click()
    for name in names[:2]:
        said = pair.request.post(
            f"{address}/predict?lang=en&version={name}",
            multipart={
                "designation": title,
                "image": {"name": "p", "mimeType": "image/jpeg", "buffer": example("pool.jpg")},
            },
        ).json()
        side = pair.locator(f".comparison-side[data-version='{name}']")
        expect(side.locator(".prediction h3")).to_have_text(said["category"]["label"])
        expect(side).to_contain_text(f"{100 * said['confidence']:.1f}%")
        expect(side).to_contain_text("tiny-text")
    expect(pair.locator(".verdict")).to_have_text(re.compile(r"^(Both say: |They differ: ).+\.$"))


def test_choosing_the_version_that_the_page_asks(
    pair: Page, watch: Watch, three_versions: tuple[str, list[str]]
) -> None:
    watch.allow("status of 404")  # of the catalogue: there is none of these categories
    _, names = three_versions
    pair.get_by_role("radio", name=names[1]).check()
    expect(pair.locator("#models-figures h3").first).to_contain_text(names[1])
    expect(pair.locator("#version")).to_have_text(names[1])
    pair.locator("#tab-try").click()
    with pair.expect_request(f"**/predict*version={names[1]}*"):
        pair.locator("#panel-try").get_by_label("Title").fill("Belle chose")
    pair.locator("#tab-models").click()
    pair.get_by_role("radio", name="The one that serves").check()
    expect(pair.locator("#models-figures h3").first).to_contain_text(names[0])


def test_a_refused_version_says_why_and_cannot_be_chosen(pair: Page, three_versions: tuple[str, list[str]]) -> None:
    address, names = three_versions
    status = pair.request.post(f"{address}/predict/text?version={names[2]}", data={"designation": "x"}).status
    assert status == 503  # it was tried, and refused
    pair.reload()
    entry = pair.locator(f".version[data-version='{names[2]}']")
    expect(entry).to_contain_text("Refused")
    expect(entry).to_contain_text("A file is damaged")
    expect(entry.get_by_role("radio")).to_be_disabled()
    assert names[2] not in pair.locator("#compare-a").inner_text()
