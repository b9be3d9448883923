"""The result of an audit for people: a CSV that any spreadsheet opens safely, and a page with photos."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from models.catalogue.csv_file import FIRST_ROW
from models.catalogue.rows import safe_cell
from training.analysis.label_audit import Audit
from training.reports.cards import Card, Thumbnails, card, named, shortened
from training.reports.rendering import percent, render, write_whole
from training.reports.tables import Table, category_label

CSV_FILE, PAGE_FILE = "issues.csv", "audit.html"
SHOWN = 300
"""Listings on the page; the CSV has all."""
PHOTO_BYTES = 6_000_000
"""Bytes of the page's thumbnails."""
PAIRS = 20
CELL_CHARACTERS = 500


@dataclass(frozen=True)
class IssueCard:
    """A listing with the category it is filed under, the one suggested, and the score of each."""

    card: Card
    suggested: str
    category_score: float
    suggested_score: float
    near_duplicates_in: str
    photo: str


def write_audit(folder: Path, audit: Audit, context: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write the CSV and the page into `folder`, which is made if need be; returns their paths. Whole files or none."""
    table, page = folder / CSV_FILE, folder / PAGE_FILE
    rows, text = csv_rows(audit), io.StringIO(newline="")
    writer = csv.DictWriter(text, rows.columns)
    writer.writeheader()
    writer.writerows(rows.to_dict("records"))
    write_whole(table, "\ufeff" + text.getvalue())  # the mark by which spreadsheets know UTF-8
    write_whole(page, render_audit(audit, context))
    return table, page


def csv_rows(audit: Audit) -> pd.DataFrame:
    """Every issue on one line as cells of text; `rank` counts from 1, the most certain. Empty columns stay."""
    issues, rows = audit.issues, audit.catalogue.rows.loc[audit.issues.index]
    columns = {
        "rank": pd.Series(range(1, len(issues) + 1), index=issues.index),
        "row": rows["row"] + FIRST_ROW,
        "listing_id": rows["listing_id"],
        "designation": rows["designation"].map(lambda title: shortened(title, CELL_CHARACTERS)),
        "category": issues["category"],
        "category_label": issues["category"].map(lambda code: category_label(code, audit.taxonomy)),
        "suggested": issues["suggested"],
        "suggested_label": issues["suggested"].map(lambda code: category_label(code, audit.taxonomy)),
        "category_score": issues["category_score"].map(_score),
        "suggested_score": issues["suggested_score"].map(_score),
        "near_duplicates_in": issues["near_duplicates_in"],
        "label_source": rows["label_source"],
        "image": rows["image"].map(lambda path: PurePath(path).name),
    }
    if audit.version:
        columns["photo_category"] = issues["photo_category"]
        for name in ("photo_category_score", "photo_score_of_category", "photo_score_of_suggested"):
            columns[name] = issues[name].map(_score)
    table = pd.DataFrame(columns)
    return table.map(lambda value: safe_cell(" ".join(str(value).split())))


def issue_cards(audit: Audit, shown: int, thumbnails: Thumbnails) -> list[IssueCard]:
    """The most certain issues as the page shows them."""
    cards = []
    for row, issue in audit.issues.head(shown).iterrows():
        others = [named(code, audit.taxonomy) for code in issue["near_duplicates_in"].split("; ") if code]
        cards.append(
            IssueCard(
                card=card(audit.catalogue.rows.loc[row], audit.taxonomy, thumbnails),
                suggested=named(issue["suggested"], audit.taxonomy),
                category_score=float(issue["category_score"]),
                suggested_score=float(issue["suggested_score"]),
                near_duplicates_in=", ".join(others),
                photo=_photo_opinion(issue, audit) if audit.version else "",
            )
        )
    return cards


def pairs_table(audit: Audit) -> Table:
    """Pairs of a category and the suggested one, most frequent first."""
    counts = audit.issues.groupby(["category", "suggested"]).size().sort_values(ascending=False, kind="stable")
    filed = audit.catalogue.rows.loc[audit.predictions.rows, "category"].value_counts()
    return Table(
        ("filed under", "suggested", "listings", "share of the category"),
        [
            [named(code, audit.taxonomy), named(other, audit.taxonomy), f"{n:,}", percent(n / filed[code])]
            for (code, other), n in counts.head(PAIRS).items()
        ],
        words=2,
    )


def sources_table(audit: Audit) -> Table | None:
    """Issues by label source; None when the catalogue names no sources."""
    sources = audit.catalogue.rows["label_source"]
    if not sources.ne("").any():
        return None
    counts = sources.loc[audit.predictions.rows].value_counts()
    wrong = sources.loc[audit.issues.index].value_counts().reindex(counts.index, fill_value=0)
    rows = [
        [source or "(none)", f"{n:,}", f"{wrong[source]:,}", percent(wrong[source] / n)] for source, n in counts.items()
    ]
    return Table(("label source", "judged", "probably wrong", "share"), rows)


def render_audit(audit: Audit, context: Mapping[str, Any]) -> str:
    """The page as HTML. `context` has the `command` that made it."""
    thumbnails = Thumbnails(PHOTO_BYTES)
    return render(
        "audit.html.j2",
        audit=audit,
        issues=issue_cards(audit, SHOWN, thumbnails),
        pairs=pairs_table(audit),
        sources=sources_table(audit),
        csv_file=CSV_FILE,
        without_thumbnail=thumbnails.refused,
        context=context,
    )


def _photo_opinion(issue: pd.Series, audit: Audit) -> str:
    """The version's prediction from the photo, in words; empty without a photo."""
    if not issue["photo_category"]:
        return ""
    best = f"{named(issue['photo_category'], audit.taxonomy)} {issue['photo_category_score']:.2f}"
    others = []
    for key, words in (("score_of_category", "filed under"), ("score_of_suggested", "suggested")):
        value = issue[f"photo_{key}"]
        others.append(f"{words} {'unknown to it' if math.isnan(value) else format(value, '.2f')}")
    return f"{best} ({', '.join(others)})"


def _score(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
