"""What an audit found, for people: a CSV that any spreadsheet opens safely, and a page with photos."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from models.catalogue.rows import safe_cell
from models.preprocessing.text.clean import MAX_CHARACTERS, plain_text
from models.taxonomy import Taxonomy
from training.analysis.label_audit import Audit
from training.reports.cards import Card, Thumbnails, card, named
from training.reports.rendering import environment, percent
from training.reports.tables import LANGUAGE, Table

CSV_FILE, PAGE_FILE = "issues.csv", "audit.html"
SHOWN = 300
"""Listings on the page; the CSV has all."""
PHOTO_BYTES = 6_000_000
"""Of the page, for thumbnails."""
PAIRS = 20
CELL_CHARACTERS = 500


@dataclass(frozen=True)
class IssueCard:
    """A listing with the category it is filed under, the one suggested, and what speaks for each."""

    card: Card
    suggested: str
    category_score: float
    suggested_score: float
    near_duplicates_in: str
    photo: str


def write_audit(folder: Path, audit: Audit, context: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write the CSV and the page into `folder`, which is made; returns their paths. Whole files or none."""
    folder.mkdir(parents=True, exist_ok=True)
    table, page = folder / CSV_FILE, folder / PAGE_FILE
    unfinished = folder / f".{CSV_FILE}"
    with unfinished.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv_rows(audit)
        writer = csv.DictWriter(file, rows.columns)
        writer.writeheader()
        writer.writerows(rows.to_dict("records"))
    unfinished.replace(table)
    unfinished = folder / f".{PAGE_FILE}"
    unfinished.write_text(render_audit(audit, context), encoding="utf-8", errors="replace")
    unfinished.replace(page)
    return table, page


def csv_rows(audit: Audit) -> pd.DataFrame:
    """Every issue as cells of text; `rank` counts from 1, the most certain. Empty columns stay."""
    issues, rows = audit.issues, audit.catalogue.rows.loc[audit.issues.index]
    columns = {
        "rank": pd.Series(range(1, len(issues) + 1), index=issues.index),
        "row": rows["row"],
        "listing_id": rows["listing_id"],
        "designation": rows["designation"].map(_readable),
        "category": issues["category"],
        "category_label": issues["category"].map(lambda code: _label(code, audit.taxonomy)),
        "suggested": issues["suggested"],
        "suggested_label": issues["suggested"].map(lambda code: _label(code, audit.taxonomy)),
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
    return pd.DataFrame({name: table[name].map(_cell) for name in table.columns})


def _cell(value: Any) -> str:
    """A cell on one line."""
    return safe_cell(" ".join(str(value).split()))


def issue_cards(audit: Audit, shown: int, thumbnails: Thumbnails) -> list[IssueCard]:
    """The most certain issues as the page shows them."""
    found = []
    for row, issue in audit.issues.head(shown).iterrows():
        others = [named(code, audit.taxonomy) for code in issue["near_duplicates_in"].split("; ") if code]
        found.append(
            IssueCard(
                card=card(audit.catalogue.rows.loc[row], audit.taxonomy, thumbnails),
                suggested=named(issue["suggested"], audit.taxonomy),
                category_score=float(issue["category_score"]),
                suggested_score=float(issue["suggested_score"]),
                near_duplicates_in=", ".join(others),
                photo=_photo_opinion(issue, audit) if audit.version else "",
            )
        )
    return found


def pairs_of(audit: Audit) -> Table:
    """From which category to which, most frequent first."""
    counts = audit.issues.groupby(["category", "suggested"]).size().sort_values(ascending=False, kind="stable")
    filed = pd.Series(audit.judged.labels).map(dict(enumerate(audit.judged.codes))).value_counts()
    return Table(
        ("filed under", "suggested", "listings", "share of the category"),
        [
            [
                named(given, audit.taxonomy),
                named(suggested, audit.taxonomy),
                f"{count:,}",
                percent(count / filed[given]),
            ]
            for (given, suggested), count in counts.head(PAIRS).items()
        ],
        words=2,
    )


def sources_of(audit: Audit) -> Table | None:
    """Issues by where labels come from; None when the catalogue does not tell."""
    sources = audit.catalogue.rows["label_source"]
    if not sources.ne("").any():
        return None
    judged = sources.loc[audit.judged.rows].value_counts()
    found = sources.loc[audit.issues.index].value_counts()
    return Table(
        ("label source", "judged", "probably wrong", "share"),
        [
            [
                source or "(none)",
                f"{count:,}",
                f"{found.get(source, 0):,}",
                percent(found.get(source, 0) / count),
            ]
            for source, count in judged.items()
        ],
    )


def render_audit(audit: Audit, context: Mapping[str, Any]) -> str:
    """The page as HTML. `context` has `command`, which made it."""
    thumbnails = Thumbnails(PHOTO_BYTES)
    issues = issue_cards(audit, SHOWN, thumbnails)
    return (
        environment()
        .get_template("audit.html.j2")
        .render(
            audit=audit,
            issues=issues,
            pairs=pairs_of(audit),
            sources=sources_of(audit),
            csv_file=CSV_FILE,
            without_thumbnail=thumbnails.refused,
            context=context,
        )
    )


def _photo_opinion(issue: pd.Series, audit: Audit) -> str:
    """What the version says of the photo, in words; empty when it saw none."""
    if not issue["photo_category"]:
        return ""
    best = f"{named(issue['photo_category'], audit.taxonomy)} {issue['photo_category_score']:.2f}"
    others = []
    for key, words in (("score_of_category", "filed under"), ("score_of_suggested", "suggested")):
        value = issue[f"photo_{key}"]
        others.append(f"{words} {'unknown to it' if math.isnan(value) else format(value, '.2f')}")
    return f"{best} ({', '.join(others)})"


def _label(code: str, taxonomy: Taxonomy) -> str:
    return taxonomy.label(code, LANGUAGE) if code in taxonomy else code


def _readable(markup: str) -> str:
    text = plain_text(markup[:MAX_CHARACTERS]) or markup
    return text[:CELL_CHARACTERS]


def _score(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
