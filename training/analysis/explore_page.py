"""The page of an exploration, with figures as bars of HTML: small, and dark where the reader's screen is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from training.analysis.audit_report import issue_cards, pairs_table, sources_table
from training.analysis.explore import Exploration
from training.analysis.explore_photos import margin_bins, most_frequent
from training.analysis.explore_text import Term, length_bins, main_languages
from training.reports.cards import Card, Thumbnails, card, named
from training.reports.rendering import percent, render, write_whole
from training.reports.tables import NONE, Table

PHOTO_BYTES = 9_000_000
"""Bytes of the page's thumbnails; the rest of a page on 500 categories stays below 3 MB."""
GALLERY_PHOTOS = 12
PHOTO_BYTES_EACH = 4_000
"""Bytes of a thumbnail as a data URI, to share out the gallery among many categories."""
ISSUES = 24
SOURCES = 4
"""Label sources with a column of their own."""


@dataclass(frozen=True)
class Bars:
    """A distribution: names and counts."""

    title: str
    counts: Sequence[tuple[str, int]]

    @property
    def total(self) -> int:
        """The sum of the counts, at least 1."""
        return sum(count for _, count in self.counts) or 1

    @property
    def largest(self) -> int:
        """The largest count, which fills the width; at least 1."""
        return max((count for _, count in self.counts), default=0) or 1


@dataclass(frozen=True)
class CategoryView:
    """One category: its figures, words and photos. `share` is of all listings, `width` of the largest category."""

    anchor: str
    name: str
    count: int
    share: float
    width: float
    figures: Sequence[str]
    terms: Sequence[Term]
    photos: Sequence[Card]


def write_exploration(path: Path, exploration: Exploration) -> None:
    """Write the page; whole or not at all."""
    write_whole(path, render_exploration(exploration))


def render_exploration(exploration: Exploration) -> str:
    """The page as HTML, the same for the same exploration."""
    thumbnails, audit = Thumbnails(PHOTO_BYTES), exploration.audit
    issues = [] if audit is None else issue_cards(audit, ISSUES, thumbnails)
    rows, taxonomy = exploration.catalogue.rows, exploration.taxonomy
    pairs = [
        (pair, [card(rows.loc[row], taxonomy, thumbnails) for row in (pair.first, pair.second)])
        for pair in exploration.pairs
    ]
    conflicts = [[named(code, taxonomy), named(other, taxonomy), f"{n:,}"] for code, other, n in exploration.conflicts]
    columns, categories = _categories(exploration, thumbnails)
    return render(
        "explore.html.j2",
        exploration=exploration,
        check=exploration.check,
        tiles=_tiles(exploration),
        columns=columns,
        categories=categories,
        text_bars=_text_bars(exploration),
        photo_bars=_photo_bars(exploration),
        pairs=pairs,
        conflicts=Table(("category", "and", "groups"), conflicts, words=2),
        issues=issues,
        issue_pairs=None if audit is None else pairs_table(audit),
        issue_sources=None if audit is None else sources_table(audit),
        refused=thumbnails.refused,
    )


def _tiles(exploration: Exploration) -> list[tuple[str, str, str]]:
    """Title, figure and remark of each tile."""
    check, rows = exploration.check, exploration.catalogue.rows
    counts = rows["category"].value_counts()
    lost = f"{len(check.missing_images):,} missing, {len(check.undecodable_images):,} not readable"
    described = float(rows["description"].str.strip().ne("").mean())
    tiles = [
        ("Listings", f"{check.rows:,}", f"{check.exact_duplicates:,} exact duplicates"),
        ("Categories", f"{len(counts):,}", f"{counts.max():,} to {counts.min():,} listings each"),
        ("With a description", percent(described), f"{check.empty_texts:,} without any text"),
        ("With a photo", percent(check.with_image / check.rows), lost),
        ("Near-duplicates", f"{check.near_duplicates:,}", f"in {check.duplicate_groups:,} groups"),
    ]
    if exploration.audit is not None and len(exploration.audit.predictions.rows):
        n = len(exploration.audit.predictions.rows)
        tiles.append(("Labels that look wrong", percent(len(exploration.audit.issues) / n), f"of {n:,} judged"))
    return tiles


def _categories(exploration: Exploration, thumbnails: Thumbnails) -> tuple[list[str], list[CategoryView]]:
    """Columns of figures, and every category, the largest first."""
    rows = exploration.catalogue.rows
    counts = rows["category"].value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    figures = _figures(exploration, counts.index)
    galleries = _galleries(exploration, list(counts.index), thumbnails)
    views = [
        CategoryView(
            anchor=f"category-{position}",
            name=named(code, exploration.taxonomy),
            count=int(count),
            share=count / len(rows),
            width=count / counts.max(),
            figures=[str(value) for value in figures.loc[code]],
            terms=exploration.terms.get(code, []),
            photos=galleries[code],
        )
        for position, (code, count) in enumerate(counts.items())
    ]
    return list(figures.columns), views


def _figures(exploration: Exploration, codes: pd.Index) -> pd.DataFrame:
    """Figures of each category as text, without columns for what the catalogue does not have."""
    rows = exploration.catalogue.rows
    category = rows["category"]
    table = pd.DataFrame(index=codes)
    sources = [source for source in rows["label_source"].value_counts().index if source]
    if len(sources) > 1:
        for source in sources[:SOURCES]:
            table[source] = _text(category[rows["label_source"].eq(source)].value_counts(), codes, "{:,.0f}")
        if len(sources) > SOURCES:
            others = category[~rows["label_source"].isin(sources[:SOURCES])]
            table["other sources"] = _text(others.value_counts(), codes, "{:,.0f}")
    table["no description"] = _percentages(rows["description"].str.strip().eq(""), category, codes)
    if rows["image"].ne("").any():
        table["no photo"] = _percentages(rows["image"].eq(""), category, codes)
    lengths = exploration.lengths.replace(0, np.nan).groupby(category.reindex(exploration.lengths.index)).median()
    for field in lengths.columns:
        if lengths[field].notna().any():
            table[f"{field} length"] = _text(lengths[field], codes, "{:.0f}")
    if len(exploration.languages):
        main = main_languages(exploration.languages, category)
        table["main language"] = [
            f"{main[code][0]} {100 * main[code][1]:.0f} %" if code in main else NONE for code in codes
        ]
    if len(exploration.photos):
        table["white border"] = _percentages(exploration.photos["bordered"], category, codes)
    if exploration.audit is not None:
        audit = exploration.audit
        wrong = pd.Series(np.isin(audit.predictions.rows, audit.issues.index), audit.predictions.rows)
        table["looks wrong"] = _percentages(wrong, category, codes, "{:.1f} %")
    return table


def _percentages(flags: pd.Series, category: pd.Series, codes: pd.Index, form: str = "{:.0f} %") -> list[str]:
    """The share of true flags in each category; flags are indexed as `category` and may be fewer."""
    return _text(100 * flags.groupby(category.reindex(flags.index)).mean(), codes, form)


def _text(values: pd.Series, codes: pd.Index, form: str) -> list[str]:
    return [NONE if pd.isna(value) else form.format(value) for value in values.reindex(codes)]


def _galleries(exploration: Exploration, codes: Sequence[str], thumbnails: Thumbnails) -> dict[str, list[Card]]:
    """Seeded photos of each category, dealt in turns, so that a full page has about as many of each category."""
    rows = exploration.catalogue.rows
    photos = max(1, min(GALLERY_PHOTOS, thumbnails.left // (PHOTO_BYTES_EACH * max(len(codes), 1))))
    queues: dict[str, Iterator[int]] = {}
    for position, code in enumerate(codes):
        own = exploration.photos.index[rows.loc[exploration.photos.index, "category"].eq(code)].to_numpy()
        order = np.random.default_rng([exploration.seed, position]).permutation(len(own))
        queues[code] = iter(own[order].tolist())
    galleries: dict[str, list[Card]] = {code: [] for code in codes}
    for _ in range(photos):
        for code in codes:
            for row in islice(queues[code], 1):
                photo = card(rows.loc[row], exploration.taxonomy, thumbnails)
                galleries[code] += [photo] if photo.photo else []
    return galleries


def _text_bars(exploration: Exploration) -> list[Bars]:
    lengths, rows = exploration.lengths, exploration.catalogue.rows
    bars = [Bars("Title, characters", length_bins(lengths["title"].tolist()))]
    if lengths["description"].any():
        bars.append(Bars("Description, characters", length_bins(lengths["description"].tolist())))
    if len(exploration.languages):
        bars.append(Bars("Language", most_frequent(exploration.languages, 10)))
    for title, column in (("Kind of text", "text_kind"), ("Label source", "label_source")):
        if rows[column].ne("").any():
            bars.append(Bars(title, most_frequent(rows[column].replace("", "(none)"))))
    return bars


def _photo_bars(exploration: Exploration) -> list[Bars]:
    photos = exploration.photos
    if photos.empty:
        return []
    sizes = photos["width"].astype(str) + "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}" + photos["height"].astype(str)
    shape = np.select(
        [photos["width"] > 1.1 * photos["height"], photos["height"] > 1.1 * photos["width"]], ["wide", "tall"], "square"
    )
    return [
        Bars("White margin, share of the photo", margin_bins(photos["margin"].tolist())),
        Bars("Size, pixels", most_frequent(sizes)),
        Bars("Shape", most_frequent(pd.Series(shape))),
        Bars("Format", most_frequent(photos["format"])),
    ]
