"""The Batch view of a table with true categories, and of many rows: agreement, order, narrowing, confirming."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.page.batch.tables import (
    CODES,
    answer_batches,
    asked_listings,
    filter_count,
    prediction,
    rows_shown,
    run_table,
    saved,
    table,
)

LABELLED = [
    ("a0", CODES[0]),
    ("b1", "POOL and  spa"),
    ("b2", f"{CODES[1]}.0"),
    ("b3", "Livre"),
    ("a4", "not a category"),
    ("a5", ""),
]


@pytest.mark.smoke
def test_true_categories_are_compared(batch: Page, tmp_path: Path) -> None:
    """By code and by label; overall, of the accepted ones (the even rows), by category and row by row."""
    answer_batches(batch)
    run_table(batch, table([(title, label) for title, label in LABELLED], header=("title", "category")))
    said = batch.locator(".agreement")
    expect(said).to_have_text(
        "Agrees with the file’s category: 66.7% of 3 listings; of those accepted 100.0% of 2. Not compared: 2 listings "
        "of a category that the version does not know (“Livre”)."
    )
    verdicts = batch.locator(".grid-body [role=row] .verdict")
    assert verdicts.all_inner_texts() == ["as in the file", "file: Pool and spa", "as in the file"]
    expect(batch.locator(".row-review .truth")).to_contain_text("True category: Pool and spa – right")
    batch.locator("#batch-verdict").select_option("wrong")
    assert rows_shown(batch) == ["b1"]
    batch.locator("#batch-verdict").select_option("any")
    batch.locator("summary", has_text="Counts by category").click()
    expect(batch.locator(".by-category tbody tr")).to_have_count(2)
    cells = [row.split("\t") for row in batch.locator(".by-category tbody tr").all_inner_texts()]
    assert [row[1:] for row in cells] == [["3", "2", "1", "1 of 1"], ["3", "1", "2", "1 of 2"]]
    assert [row["agrees"] for row in saved(batch, tmp_path)[1]] == ["yes", "no", "yes", "", "", ""]
    batch.locator("#column-category").evaluate("(select) => (select.closest('details').open = true)")
    batch.locator("#column-category").select_option("-1")
    expect(said).to_be_empty()
    assert filter_count(batch, "accept") == 3, "what was answered stays"


def test_sorting_narrowing_and_confirming_many(batch: Page, tmp_path: Path) -> None:
    answer_batches(batch)
    rows = [(str(n), ("b" if n in (2, 5) else "a") + f"{n} " + "long title " * 12, "", "") for n in range(6)]
    batch.route("**/predict/batch?*", lambda route: answer_with_confidence(route, [0.5, 0.9, 0.7, 0.2, 0.6, 0.8]))
    run_table(batch, table(rows))
    begun = [title.split()[0] for title in rows_shown(batch)]
    assert begun == ["a0", "a1", "b2", "a3", "a4", "b5"]
    batch.locator("#batch-order").select_option("low")
    assert [title.split()[0] for title in rows_shown(batch)] == ["a3", "a0", "a4", "b2", "b5", "a1"]
    batch.locator("#batch-category").select_option(CODES[1])
    expect(batch.locator("#batch-category option:checked")).to_contain_text("(2)")
    assert [title.split()[0] for title in rows_shown(batch)] == ["b2", "b5"]
    title = batch.locator(".grid-body .title span").first
    assert title.get_attribute("title") == rows[2][1].strip()
    batch.get_by_role("button", name="Confirm the 2 shown").press("Enter")
    expect(batch.locator(".batch [role=status].unseen")).to_contain_text("2 rows confirmed")
    assert filter_count(batch, "corrected") == 2
    batch.locator("#batch-undo").click()
    assert filter_count(batch, "corrected") == 0
    batch.locator("#batch-category").select_option("")
    batch.locator("[data-key=review]").click()
    batch.get_by_role("button", name="Confirm the 3 shown").click()
    expect(batch.locator("#batch-confirm")).to_be_disabled()
    decided = {row["designation"].split()[0]: row["decided_by"] for row in saved(batch, tmp_path)[1]}
    assert decided == {name: "person" if name in ("a1", "a3", "b5") else "model" for name in begun}


def answer_with_confidence(route: Route, confidences: list[float]) -> None:
    """Answer with these confidences, every other listing accepted."""
    results = [
        {
            "index": k,
            "id": None,
            "status": 200,
            "prediction": prediction(one["designation"], ("accept", "review")[k % 2]),
        }
        for k, one in enumerate(asked_listings(route))
    ]
    for result, confidence in zip(results, confidences, strict=True):
        result["prediction"]["confidence"] = confidence  # type: ignore[index]
    route.fulfill(json={"results": results, "summary": {}})
