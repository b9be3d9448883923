"""The page of an exploration: figures as bars of HTML, so that it is small and dark where the reader's screen is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from training.analysis.audit_report import IssueCard, issue_cards, pairs_of, sources_of
from training.analysis.explore import Exploration
from training.analysis.explore_duplicates import DuplicatePair
from training.analysis.explore_photos import margin_bins, most_frequent
from training.analysis.explore_text import Term, length_bins, main_languages
from training.reports.cards import Card, Thumbnails, card, named
from training.reports.rendering import environment, percent
from training.reports.tables import Table

PHOTO_BYTES = 9_000_000
"""Of the page, for thumbnails; the rest of a page on 500 categories stays below 3 MB."""
GALLERY_PHOTOS = 12
PHOTO_BYTES_EACH = 4_000
"""What a thumbnail takes as a data URI, to share out the gallery among many categories."""
ISSUES = 24
SOURCES = 4
"""Label sources with a column of their own."""


@dataclass(frozen=True)
class Bars:
    """A distribution: names, counts and each count's share of `total`."""

    title: str
    rows: Sequence[tuple[str, int, float]]

    @classmethod
    def of(cls, title: str, counts: Sequence[tuple[str, int]]) -> Bars:
        """Shares are of the counts' sum."""
        total = max(sum(count for _, count in counts), 1)
        return cls(title, [(name, count, count / total) for name, count in counts])

    @property
    def largest(self) -> float:
        """The largest share, which fills the width."""
        return max((share for _, _, share in self.rows), default=0) or 1.0


@dataclass(frozen=True)
class CategoryView:
    """One category: figures as text, and what it looks like. `share` is of all listings, `width` of the largest."""

    anchor: str
    name: str
    count: int
    share: float
    width: float
    figures: Sequence[str]
    terms: Sequence[Term]
    photos: Sequence[Card]


@dataclass(frozen=True)
class PairView:
    """Two near-duplicates side by side."""

    first: Card
    second: Card
    pair: DuplicatePair


def write_exploration(path: Path, found: Exploration) -> None:
    """Write the page; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(render_exploration(found), encoding="utf-8", errors="replace")
    unfinished.replace(path)


def render_exploration(found: Exploration) -> str:
    """The page as HTML. The same exploration gives the same page."""
    thumbnails = Thumbnails(PHOTO_BYTES)
    issues = _issues(found, thumbnails)
    pairs = [_pair_view(pair, found, thumbnails) for pair in found.pairs]
    columns, categories = _categories(found, thumbnails)
    return (
        environment()
        .get_template("explore.html.j2")
        .render(
            found=found,
            check=found.check,
            tiles=_tiles(found),
            columns=columns,
            categories=categories,
            text_bars=_text_bars(found),
            photo_bars=_photo_bars(found),
            pairs=pairs,
            conflicts=_conflicts(found),
            issues=issues,
            issue_pairs=None if found.audit is None else pairs_of(found.audit),
            issue_sources=None if found.audit is None else sources_of(found.audit),
            refused=thumbnails.refused,
        )
    )


def _tiles(found: Exploration) -> list[tuple[str, str, str]]:
    """What it is, the figure, a remark."""
    check, rows = found.check, found.catalogue.rows
    counts = rows["category"].value_counts()
    described = float(rows["description"].str.strip().ne("").mean())
    tiles = [
        ("Listings", f"{check.rows:,}", f"{check.exact_duplicates:,} exact duplicates"),
        ("Categories", f"{len(counts):,}", f"{counts.max():,} to {counts.min():,} listings each"),
        ("With a description", percent(described), f"{check.empty_texts:,} without any text"),
        ("With a photo", percent(check.with_image / check.rows), _photos_lost(found)),
        ("Near-duplicates", f"{check.near_duplicates:,}", f"in {check.duplicate_groups:,} groups"),
    ]
    if found.audit is not None and len(found.audit.judged.rows):
        share = len(found.audit.issues) / len(found.audit.judged.rows)
        tiles.append(("Labels that look wrong", percent(share), f"of {len(found.audit.judged.rows):,} judged"))
    return tiles


def _photos_lost(found: Exploration) -> str:
    check = found.check
    return f"{len(check.missing_images):,} missing, {len(check.undecodable_images):,} not readable"


def _categories(found: Exploration, thumbnails: Thumbnails) -> tuple[list[str], list[CategoryView]]:
    """Columns of figures, and every category, the largest first."""
    rows = found.catalogue.rows
    counts = rows["category"].value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    figures = _figures(found, counts.index)
    galleries = _galleries(found, list(counts.index), thumbnails)
    views = [
        CategoryView(
            anchor=f"category-{position}",
            name=named(code, found.taxonomy),
            count=int(count),
            share=count / len(rows),
            width=count / counts.max(),
            figures=[str(value) for value in figures.loc[code]],
            terms=found.terms.get(code, []),
            photos=galleries[code],
        )
        for position, (code, count) in enumerate(counts.items())
    ]
    return list(figures.columns), views


def _figures(found: Exploration, codes: pd.Index) -> pd.DataFrame:
    """Figures of each category as text; what the catalogue does not have has no column."""
    rows = found.catalogue.rows
    category = rows["category"]
    table = pd.DataFrame(index=codes)
    sources = [source for source in rows["label_source"].value_counts().index if source]
    if len(sources) > 1:
        for source in sources[:SOURCES]:
            table[source] = _text(category[rows["label_source"].eq(source)].value_counts(), codes, "{:,.0f}")
        if len(sources) > SOURCES:
            others = category[~rows["label_source"].isin(sources[:SOURCES])]
            table["other sources"] = _text(others.value_counts(), codes, "{:,.0f}")
    missing = rows["description"].str.strip().eq("")
    table["no description"] = _text(100 * missing.groupby(category).mean(), codes, "{:.0f} %")
    if rows["image"].ne("").any():
        table["no photo"] = _text(100 * rows["image"].eq("").groupby(category).mean(), codes, "{:.0f} %")
    lengths = found.lengths.replace(0, np.nan).groupby(category.loc[found.lengths.index].to_numpy()).median()
    for field in lengths.columns:
        if lengths[field].notna().any():
            table[f"{field} length"] = _text(lengths[field], codes, "{:.0f}")
    if len(found.languages):
        main = main_languages(found.languages, category)
        table["main language"] = [
            f"{main[code][0]} {100 * main[code][1]:.0f} %" if code in main else "–" for code in codes
        ]
    if len(found.photos):
        bordered = found.photos["bordered"].groupby(category.loc[found.photos.index].to_numpy()).mean()
        table["white border"] = _text(100 * bordered, codes, "{:.0f} %")
    if found.audit is not None:
        judged = category.loc[found.audit.judged.rows].value_counts()
        wrong = found.audit.issues["category"].value_counts().reindex(judged.index, fill_value=0)
        table["looks wrong"] = _text(100 * wrong / judged, codes, "{:.1f} %")
    return table


def _text(values: pd.Series, codes: pd.Index, form: str) -> list[str]:
    return ["–" if pd.isna(value) else form.format(value) for value in values.reindex(codes)]


def _galleries(found: Exploration, codes: Sequence[str], thumbnails: Thumbnails) -> dict[str, list[Card]]:
    """Seeded photos of each category, in turns: should the page be full, all categories have about as many."""
    rows = found.catalogue.rows
    wanted = max(1, min(GALLERY_PHOTOS, thumbnails.left // (PHOTO_BYTES_EACH * max(len(codes), 1))))
    queues: dict[str, Iterator[int]] = {}
    for position, code in enumerate(codes):
        own = found.photos.index[rows.loc[found.photos.index, "category"].eq(code)].to_numpy()
        order = np.random.default_rng([found.seed, position]).permutation(len(own))
        queues[code] = iter(own[order].tolist())
    galleries: dict[str, list[Card]] = {code: [] for code in codes}
    for _ in range(wanted):
        for code in codes:
            row = next(queues[code], None)
            shown = None if row is None else card(rows.loc[row], found.taxonomy, thumbnails)
            if shown is not None and shown.photo:
                galleries[code].append(shown)
    return galleries


def _text_bars(found: Exploration) -> list[Bars]:
    bars = [Bars.of("Title, characters", length_bins(found.lengths["title"].tolist()))]
    if found.lengths["description"].any():
        bars.append(Bars.of("Description, characters", length_bins(found.lengths["description"].tolist())))
    if len(found.languages):
        bars.append(Bars.of("Language", most_frequent(found.languages, 10)))
    kinds = found.catalogue.rows["text_kind"]
    if kinds.ne("").any():
        bars.append(Bars.of("Kind of text", most_frequent(kinds.replace("", "(none)"))))
    sources = found.catalogue.rows["label_source"]
    if sources.ne("").any():
        bars.append(Bars.of("Label source", most_frequent(sources.replace("", "(none)"))))
    return bars


def _photo_bars(found: Exploration) -> list[Bars]:
    photos = found.photos
    if photos.empty:
        return []
    sizes = photos["width"].astype(str) + "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}" + photos["height"].astype(str)
    shape = np.select(
        [photos["width"] > 1.1 * photos["height"], photos["height"] > 1.1 * photos["width"]], ["wide", "tall"], "square"
    )
    return [
        Bars.of("White margin, share of the photo", margin_bins(photos["margin"].tolist())),
        Bars.of("Size, pixels", most_frequent(sizes)),
        Bars.of("Shape", most_frequent(pd.Series(shape))),
        Bars.of("Format", most_frequent(photos["format"])),
    ]


def _pair_view(pair: DuplicatePair, found: Exploration, thumbnails: Thumbnails) -> PairView:
    first, second = (
        card(found.catalogue.rows.loc[row], found.taxonomy, thumbnails) for row in (pair.first, pair.second)
    )
    return PairView(first, second, pair)


def _conflicts(found: Exploration) -> Table:
    return Table(
        ("category", "and", "groups"),
        [
            [named(first, found.taxonomy), named(second, found.taxonomy), f"{count:,}"]
            for first, second, count in found.conflicts
        ],
        words=2,
    )


def _issues(found: Exploration, thumbnails: Thumbnails) -> list[IssueCard]:
    return [] if found.audit is None else issue_cards(found.audit, ISSUES, thumbnails)
