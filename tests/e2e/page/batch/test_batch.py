"""The Batch view: tables and photos of many kinds, decisions, corrections by keyboard, stopping, going on, saving."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.page.batch.tables import (
    CODES,
    answer_batches,
    choose_table,
    example,
    file,
    filter_count,
    finish,
    packed,
    rows_shown,
    run_table,
    saved,
    table,
)
from tests.e2e.page.browser import EXAMPLES, Watch

ROWS = [
    ("A1", "Matelas de piscine gonflable", "", "pool.jpg"),
    ("A2", "Roman policier, livre de poche", "<p>Très <b>bon</b> état</p>", "book.jpg"),
    ("A3", "Chaise de jardin en bois", "", "chair.jpg"),
    ("A4", "", "", ""),
]
OURS = ["predicted_code", "predicted_label", "confidence", "decision", "reason", "decided_by", "final_code",
        "final_label", "corrected", "error", "version"]  # fmt: skip


def active(page: Page) -> str:
    return page.locator(".grid-body [aria-selected=true] .title").inner_text()


def test_a_table_is_filed_and_saved(batch: Page, tmp_path: Path) -> None:
    run_table(batch, table(ROWS, delimiter=";", bom=True))
    expect(batch.locator(".source-facts")).to_contain_text("4 rows, delimiter “;”")
    assert filter_count(batch, "all") == 4
    assert filter_count(batch, "errors") == 1
    assert filter_count(batch, "accept") + filter_count(batch, "review") == 3
    header, rows = saved(batch, tmp_path)
    assert header == ["id", "designation", "description", "image", *OURS]
    assert [row["id"] for row in rows] == ["A1", "A2", "A3", "A4"]
    assert rows[0]["predicted_code"] == "2583"
    assert rows[0]["predicted_label"] == "Pool and spa"
    assert 0 < float(rows[0]["confidence"]) <= 1
    assert rows[1]["description"] == "<p>Très <b>bon</b> état</p>"
    assert rows[3]["error"] in ("invalid_request", "text_empty")
    for row in rows[:3]:
        filed = row["decision"] == "accept"
        assert row["decided_by"] == ("model" if filed else "")
        assert row["final_code"] == (row["predicted_code"] if filed else "")


def test_the_batch_says_what_predict_says(batch: Page, address: str, tmp_path: Path) -> None:
    batch.locator("#batch-photos").set_input_files(file("pool.jpg", example("pool.jpg"), "image/jpeg"))
    run_table(batch, table(ROWS[:1]))
    form = {"designation": ROWS[0][1], "image": {"name": "p", "mimeType": "image/jpeg", "buffer": example("pool.jpg")}}
    alone: dict[str, Any] = batch.request.post(f"{address}/predict", multipart=form).json()
    (row,) = saved(batch, tmp_path)[1]
    assert alone["modalities"] == ["text", "image"]
    assert row["predicted_code"] == alone["category"]["code"]
    assert float(row["confidence"]) == pytest.approx(alone["confidence"], abs=2e-3)
    assert row["decision"] == alone["decision"]["action"]
    assert row["version"] == alone["model"]["version"]


@pytest.mark.parametrize("way", ["files", "zip", "all in one zip"])
def test_photos_are_found(batch: Page, way: str) -> None:
    names = ["pool.jpg", "book.jpg", "chair.jpg"]
    photos = {f"photos/{name}": example(name) for name in names}
    if way == "files":
        batch.locator("#batch-photos").set_input_files([file(n, example(n), "image/jpeg") for n in names])
    elif way == "all in one zip":
        content = packed({"listings.csv": table(ROWS), "__MACOSX/photos/._pool.jpg": b"x", **photos})
        batch.locator("#batch-photos").set_input_files(file("all.zip", content, "application/zip"))
        expect(batch.locator(".source-facts strong")).to_have_text("listings.csv")
    else:
        batch.locator("#batch-photos").set_input_files(file("photos.zip", packed(photos), "application/zip"))
    if way != "all in one zip":
        expect(batch.locator(".source-facts")).to_contain_text("3 photos")
        choose_table(batch, table(ROWS))
    expect(batch.locator(".source-facts")).to_contain_text("3 of 4 rows have their photo.")
    with batch.expect_request("**/predict/batch?*") as asked:
        batch.locator("#batch-start").click()
    assert "multipart/form-data" in asked.value.headers["content-type"]
    finish(batch)
    assert filter_count(batch, "errors") == 1  # the row without anything
    batch.locator(".grid-body [role=row]").nth(1).click()
    shown = batch.locator(".row-photo img")
    expect(shown).to_be_visible()
    assert shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    nested = tmp_path / "catalogue" / "photos" / "deep"
    nested.mkdir(parents=True)
    for name in ("pool.jpg", "book.jpg"):
        shutil.copy(EXAMPLES / name, nested)
    shutil.copy(EXAMPLES / "chair.jpg", nested.parent)
    for number in range(120):  # browsers list a folder in portions of a hundred
        (nested / f"other-{number}.jpg").write_bytes(b"")
    return tmp_path / "catalogue"


def test_dropping_a_folder_with_everything(batch: Page, folder: Path) -> None:
    (folder / "listings.csv").write_bytes(table(ROWS))
    box = batch.locator(".drop").bounding_box()
    assert box is not None
    session = batch.context.new_cdp_session(batch)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        session.send("Input.dispatchDragEvent", {"type": kind, "x": box["x"] + 40, "y": box["y"] + 20, "data": data})
    expect(batch.locator(".source-facts strong")).to_have_text("listings.csv")
    expect(batch.locator(".source-facts")).to_contain_text("3 of 4 rows have their photo.")


def test_columns_can_be_chosen(batch: Page, tmp_path: Path) -> None:
    rows = [("x", "Matelas de piscine gonflable", "7"), ("y", "Roman policier, livre de poche", "8")]
    choose_table(batch, table(rows, header=("kolonne a", "kolonne b", "nummer")))
    expect(batch.locator("#batch-start")).to_be_disabled()
    batch.locator("#column-title").select_option("kolonne b")
    batch.locator("#column-id").select_option("nummer")
    expect(batch.locator("#batch-start")).to_be_enabled()
    batch.locator("#batch-start").click()
    finish(batch)
    assert rows_shown(batch) == [row[1] for row in rows]
    assert saved(batch, tmp_path)[1][0]["predicted_code"] == "2583"


def test_filters_and_corrections_by_keyboard(batch: Page, tmp_path: Path) -> None:
    answer_batches(batch)
    run_table(batch, table([(str(n), f"a{n}", "", "") for n in range(8)]))
    assert (filter_count(batch, "accept"), filter_count(batch, "review")) == (4, 4)
    batch.locator("[data-key=review]").click()
    assert rows_shown(batch) == ["a1", "a3", "a5", "a7"]
    grid = batch.locator(".listing-grid")
    grid.focus()
    batch.keyboard.press("2")  # a1 becomes the second category, and the next row is up
    assert active(batch) == "a3"
    batch.keyboard.press("Enter")  # a3 is confirmed
    assert active(batch) == "a5"
    batch.keyboard.press("ArrowDown")
    assert active(batch) == "a7"
    batch.keyboard.press("ArrowUp")
    batch.keyboard.press("9")
    assert rows_shown(batch) == ["a7"]
    assert filter_count(batch, "corrected") == 3
    batch.keyboard.press("Control+z")  # a5 is back
    assert (rows_shown(batch), active(batch)) == (["a5", "a7"], "a5")
    batch.locator("[data-key=corrected]").click()
    grid.focus()
    assert rows_shown(batch) == ["a1", "a3"]
    batch.keyboard.press("Home")
    batch.keyboard.press("Escape")  # a1 is undecided again
    assert rows_shown(batch) == ["a3"]
    batch.locator("[data-key=all]").click()
    batch.locator(".grid-body [role=row]").nth(5).click()
    batch.locator("#other-category").select_option("2705")  # a5: one that is not in the list
    rows = {row["designation"]: row for row in saved(batch, tmp_path)[1]}
    assert rows["a0"]["final_code"] == rows["a0"]["predicted_code"] == CODES[0]
    assert (rows["a1"]["final_code"], rows["a1"]["decided_by"]) == ("", "")
    assert (rows["a3"]["final_code"], rows["a3"]["decided_by"], rows["a3"]["corrected"]) == (CODES[0], "person", "")
    assert (rows["a5"]["final_code"], rows["a5"]["decided_by"], rows["a5"]["corrected"]) == ("2705", "person", "yes")


def test_a_file_saved_during_a_run_says_that_it_is_partial(batch: Page) -> None:
    answer_batches(batch)
    choose_table(batch, table([(str(n), f"a{n}", "", "") for n in range(3000)]))
    batch.locator("#batch-start").click()
    expect(batch.locator("#batch-download")).to_be_visible()
    batch.locator("#batch-cancel").click()
    expect(batch.locator("#batch-resume")).to_be_visible()
    with batch.expect_download() as waiting:
        batch.locator("#batch-download").click()
    done = int(batch.locator("progress").get_attribute("value") or 0)
    name = waiting.value.suggested_filename
    assert name == f"listings-pykuten-partial-{done}-of-3000.csv"
    expect(batch.locator(".run .notice")).to_contain_text(f"{done:,} of 3,000 rows had an answer when {name} was saved")
    batch.locator("#batch-resume").click()
    finish(batch)
    with batch.expect_download() as waiting:
        batch.locator("#batch-download").click()
    assert waiting.value.suggested_filename == "listings-pykuten.csv"
    expect(batch.locator(".run .notice")).to_have_count(0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('id;designation\n1;"Table\n2;Chaise\n', "A quote opens here and never closes"),
        ("id,designation\n1,a\n2,Chair, red\n", "(1): 3"),
    ],
)
def test_odd_lines_are_named(batch: Page, content: str, sentence: str) -> None:
    choose_table(batch, content.encode())
    expect(batch.locator(".source-facts .notice")).to_contain_text(sentence)


def test_stopping_and_going_on(batch: Page) -> None:
    sizes = answer_batches(batch)
    choose_table(batch, table([(str(n), f"a{n}", "", "") for n in range(3000)]))
    batch.locator("#batch-start").click()
    expect(batch.locator("progress")).to_be_visible()
    batch.locator("#batch-cancel").click()
    expect(batch.locator("#batch-resume")).to_be_visible()
    asked, done = len(sizes), int(batch.locator("progress").get_attribute("value") or 0)
    assert done < 3000
    batch.wait_for_timeout(300)
    assert len(sizes) == asked
    batch.locator("#batch-resume").click()
    finish(batch)
    assert batch.locator("progress").get_attribute("value") == "3000"
    assert filter_count(batch, "accept") + filter_count(batch, "review") == 3000
    assert max(sizes) <= 25


def test_a_busy_service_is_asked_again(batch: Page, watch: Watch) -> None:
    watch.allow("status of 503")
    answer_batches(batch)
    refusals = [2]
    problem = {"type": "about:blank", "title": "Busy", "status": 503, "code": "overloaded", "detail": "Busy."}

    def refuse(route: Route) -> None:
        refusals[0] -= 1
        if refusals[0] < 0:
            route.fallback()
        else:
            kind = "application/problem+json"
            route.fulfill(status=503, headers={"Retry-After": "1", "Content-Type": kind}, json=problem)

    batch.route("**/predict/batch?*", refuse)
    choose_table(batch, table([("1", "a", "", "")]))
    batch.locator("#batch-start").click()
    expect(batch.locator(".run-line")).to_contain_text("the service is busy, trying again in 1 s")
    finish(batch)
    assert filter_count(batch, "errors") == 0
    assert refusals[0] == -1


def test_one_version_and_precision_for_the_whole_table(batch: Page, address: str) -> None:
    queries: list[str] = []
    batch.on("request", lambda request: queries.append(request.url) if "/predict/batch" in request.url else None)
    run_table(batch, table(ROWS * 10))
    serving = batch.request.get(f"{address}/models").json()["serving"]
    assert len(queries) == 2
    assert all(f"version={serving}" in url and "top_k=9" in url for url in queries)


def test_another_precision_is_pointed_out(batch: Page) -> None:
    run_table(batch, table(ROWS))
    batch.locator("#tab-models").click()
    slider = batch.locator("#models-precision")
    slider.focus()
    slider.press("End")
    batch.locator("#tab-batch").click()
    notice = batch.locator(".run .notice")
    expect(notice).to_contain_text("the page now asks for another: 99.5%")
    with batch.expect_request("**/predict/batch?*precision=0.995*"):
        notice.get_by_role("button", name="Run again").click()
    finish(batch)
    expect(notice).to_have_count(0)


@pytest.mark.smoke
def test_samples(batch: Page) -> None:
    batch.get_by_role("button", name="Try it with samples").click()
    expect(batch.locator(".source-facts")).to_contain_text("24 rows")
    batch.locator("#batch-start").click()
    finish(batch)
    assert filter_count(batch, "all") == 24
    assert filter_count(batch, "errors") == 0


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("listings.csv", b"id,designation\n", "no rows below its header"),
        ("photos.zip", b"PK\x03\x04 not really a ZIP", "damaged or incomplete"),
        ("notes.docx", b"...", "Nothing to use here"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_words(batch: Page, name: str, content: bytes, sentence: str) -> None:
    kind = "application/octet-stream"
    batch.locator("#batch-photos").set_input_files(file(name, content, kind))
    expect(batch.locator(".source-facts [role=alert]")).to_contain_text(sentence)
