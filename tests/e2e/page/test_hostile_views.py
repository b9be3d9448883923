"""Markup in cells, file names, ids, column names, category labels and version facts is shown as text, never executed.

Every payload would set `window.hacked`, open a dialog, break the console's silence, or ask another host; the watch of
the shared conftest fails the test for the last three.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.page.batch.tables import (
    answer_batches,
    asked_listings,
    choose_table,
    example,
    file,
    packed,
    prediction,
    run_table,
    saved,
    table,
)
from tests.e2e.page.conftest import OpenPage

PAYLOADS = [
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    '"><svg onload=window.hacked=1>',
    "javascript:window.hacked=1",
    "';window.hacked=1;//",
    "{{constructor.constructor('window.hacked=1')()}}",
    "${window.hacked=1}",
    "<iframe srcdoc='<script>parent.hacked=1</script>'>",
    "<style>*{display:none}</style>",
    "<a href=//evil.example>x</a><base href=//evil.example/>",
    "</option></select><img src=//evil.example/x>",
    "{label} {row} {review}",
    "__proto__",
    "\u202egnp.exe\u202c \u0000 e\u0301\u0301\u0301",
]


def harmless(page: Page) -> None:
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("({}).hacked === undefined && Object.keys(Object.prototype).length === 0")
    foreign = "main script, main iframe, main style, main base, [onerror], [onload], [srcdoc], a[href^='javascript']"
    assert page.locator(foreign).count() == 0


@pytest.fixture
def batch(open_page: OpenPage) -> Page:
    page = open_page("/#batch")
    expect(page.locator("#panel-batch h2")).to_be_visible()
    return page


def test_cells(batch: Page, tmp_path: Path) -> None:
    answer_batches(batch)
    rows = [(payload, payload, payload, payload) for payload in PAYLOADS]
    run_table(batch, table(rows))
    for number, payload in enumerate(PAYLOADS):
        batch.locator(f"#grid-row-{number}").click()
        expect(batch.locator(".row-review h3")).to_have_text(payload)
    harmless(batch)
    assert [row["designation"].lstrip("'") for row in saved(batch, tmp_path)[1]] == [p.lstrip("'") for p in PAYLOADS]


def test_column_names(batch: Page) -> None:
    choose_table(batch, table([["x"] * len(PAYLOADS)], header=PAYLOADS))
    options = batch.locator("#column-title option").all_text_contents()
    assert options[1:4] == PAYLOADS[:3]
    batch.locator("#column-title").select_option(PAYLOADS[0])
    harmless(batch)


@pytest.mark.parametrize("payload", PAYLOADS[:4])
def test_file_names(batch: Page, payload: str, tmp_path: Path) -> None:
    answer_batches(batch)
    photo = example("pool.jpg")
    names = {f"{payload}.jpg": photo, f"../../{payload}/x.jpg": photo, "/etc/passwd.jpg": photo}
    batch.locator("#batch-photos").set_input_files(file(f"{payload}.zip", packed(names), "application/zip"))
    run_table(batch, table([("1", "a", "", f"{payload}.jpg")]), name=f"{payload}.csv")
    harmless(batch)
    with batch.expect_download() as waiting:
        batch.locator("#batch-download").click()
    suggested = waiting.value.suggested_filename
    assert suggested.endswith("-pykuten.csv")
    assert not set('<>:"/\\|?*') & set(suggested)


def test_formulas_do_not_reach_a_spreadsheet(batch: Page, tmp_path: Path) -> None:
    formulas = ['=HYPERLINK("http://evil.example","x")', "+1+1", "-1+1", "@SUM(1)", "\t=1", "＝1"]
    answer_batches(batch)
    run_table(batch, table([(formula, formula, formula, "") for formula in formulas]))
    for row in saved(batch, tmp_path)[1]:
        assert row["id"].startswith("'")
        assert row["designation"].startswith("'")


def hostile_categories(route: Route) -> None:
    body = route.fetch(url=route.request.url.split("?")[0]).json()
    for entry, payload in zip(body["categories"], PAYLOADS, strict=False):
        entry["label"] = entry["group"] = payload
    route.fulfill(json=body)


def test_category_labels_in_a_batch(batch: Page) -> None:
    def answer(route: Route) -> None:
        listings = asked_listings(route)
        made = prediction("a", "review")
        for score, payload in zip(made["predictions"], PAYLOADS, strict=False):
            score["label"] = score["group"] = payload
        made["category"]["label"] = made["warnings"][:] = [PAYLOADS[1]]
        made["model"]["version"] = PAYLOADS[0]
        results = [{"index": k, "id": None, "status": 200, "prediction": made} for k in range(len(listings))]
        route.fulfill(json={"results": results, "summary": {}})

    batch.route("**/predict/batch?*", answer)
    batch.route("**/categories?*", hostile_categories)
    run_table(batch, table([("1", "a", "", "")]))
    batch.locator(".grid-body [role=row]").click()
    expect(batch.locator("#other-category option").nth(1)).to_be_attached()
    assert set(PAYLOADS[:5]) <= set(batch.locator("#other-category option").all_text_contents())
    batch.locator("#other-category").select_option(label=PAYLOADS[1])
    expect(batch.locator(".grid-body .category")).to_have_text(PAYLOADS[1])
    harmless(batch)


def test_error_codes_in_a_batch(batch: Page) -> None:
    def answer(route: Route) -> None:
        listings = asked_listings(route)
        results = [
            {
                "index": k,
                "id": None,
                "status": 422,
                "error": {"code": PAYLOADS[k % len(PAYLOADS)], "detail": PAYLOADS[1]},
            }
            for k in range(len(listings))
        ]
        route.fulfill(json={"results": results, "summary": {}})

    batch.route("**/predict/batch?*", answer)
    run_table(batch, table([(str(n), "a", "", "") for n in range(len(PAYLOADS))]))
    batch.locator("[data-key=errors]").click()
    expect(batch.locator(".row-review .notice")).to_contain_text("not expected (422)")
    harmless(batch)


def poisoned(value: Any, payload: str) -> Any:
    """A copy of JSON whose texts and keys of open tables are the payload, apart from what the page looks up by name."""
    if isinstance(value, dict):
        kept = {key: poisoned(one, payload) for key, one in value.items() if key not in ("state", "created", "digest")}
        return kept | {key: value[key] for key in ("state", "created") if key in value}
    if isinstance(value, list):
        return [poisoned(one, payload) for one in value]
    return payload if isinstance(value, str) else value


@pytest.mark.parametrize("payload", PAYLOADS[:2])
def test_everything_that_a_version_says(open_page: OpenPage, payload: str) -> None:
    page = open_page()

    def answer(route: Route) -> None:
        body = route.fetch().json()
        if "versions" in body:
            second = dict(body["versions"][0], version=f"{payload}2", name=payload, reason=payload)
            body["versions"].append(second)
            body["refusal"] = {"version": payload, "code": payload, "reason": payload}
        else:
            body["provenance"] = poisoned(body["provenance"], payload)
            body["provenance"]["data"]["sources"] = {payload: 3}
            body["networks"] = {modality: dict(one, name=payload) for modality, one in body["networks"].items()}
            body["metrics"]["cohorts"] = {payload: next(iter(body["metrics"]["cohorts"].values()))}
            body["version"] = payload
        route.fulfill(json=body)

    page.route(re.compile(r"//[^/]+/models(/[^/]+)?$"), answer)
    page.route("**/categories?*", hostile_categories)
    page.locator("#tab-models").click()
    expect(page.locator("#models-provenance")).to_be_visible()
    expect(page.locator("#models-figures h3").first).to_contain_text(payload)
    expect(page.locator("#models-cohort option")).to_have_text(payload)
    expect(page.locator("#models-provenance .bullets").first).to_contain_text(payload)
    assert PAYLOADS[0] in page.locator(".class-table").inner_text()
    page.locator("#models-provenance summary").click()
    harmless(page)


def test_examples_of_the_catalogue(open_page: OpenPage) -> None:
    page = open_page()

    def answer(route: Route) -> None:
        listing = {
            "row": 1,
            "id": PAYLOADS[0],
            "designation": PAYLOADS[1],
            "description": PAYLOADS[2],
            "image": None,
            "category": {"code": "10", "label": PAYLOADS[3], "group": ""},
            "prediction": prediction("a", "accept"),
        }
        route.fulfill(json={"listings": [listing], "tried": 1})

    page.route("**/catalogue/listings?*", answer)
    page.locator("#tab-models").click()
    page.locator(".pair").first.click()
    expect(page.locator(".pair-title")).to_have_text(PAYLOADS[1])
    harmless(page)
