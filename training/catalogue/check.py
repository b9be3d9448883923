"""The data check: counts of the catalogue, repairs on the way in, and the problems that make training impossible."""

from __future__ import annotations

import html
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from models.errors import ImageError
from models.preprocessing.image.decode import WARNING_BLANK, decode_image
from models.preprocessing.image.structure import read_structure
from models.preprocessing.text.clean import MAX_CHARACTERS, plain_text
from models.preprocessing.text.placeholder import MAX_PLACEHOLDER
from models.taxonomy import Taxonomy
from training.catalogue.dataset import Catalogue, named_rows
from training.catalogue.near_duplicates import group_near_duplicates
from training.errors import CatalogueRefused

MOST_LISTED = 10
"""Categories or rows that one kind of finding names before it only counts."""

_TAG = re.compile(r"<[^<>]*>")
_HIDING = re.compile(r"<(?:!--|script|style|template)", re.IGNORECASE)
"""Markup whose content is no text: only the parser can tell what is left."""


@dataclass(frozen=True)
class CheckReport:
    """Findings and counts. Rows are named by their `row`; counts are of rows unless they say otherwise.

    `missing_images` and `undecodable_images` keep their text; rows in `unusable` have neither text nor photo; the texts
    of `overlong` rows are cut to what the service accepts; a run leaves out `unlabelled` rows and those of categories
    with fewer than `minimum`. `problems` make training impossible, `notes` do not. `remarks` are those of the reading.
    `class_counts` and `image_counts` have every category of the taxonomy: its usable rows, and those of them with a
    photo.
    """

    name: str
    rows: int
    left_out: Mapping[str, int]
    with_text: int
    with_image: int
    missing_images: tuple[int, ...]
    undecodable_images: tuple[int, ...]
    empty_texts: int
    overlong: tuple[int, ...]
    unusable: tuple[int, ...]
    class_counts: Mapping[str, int]
    image_counts: Mapping[str, int]
    exact_duplicates: int
    duplicate_groups: int
    near_duplicates: int
    conflicting_groups: int
    problems: tuple[str, ...]
    unlabelled: tuple[int, ...] = ()
    minimum: int = 0
    remarks: tuple[str, ...] = ()
    why_missing: str = ""

    def raise_on_problems(self) -> None:
        """Raises CatalogueRefused with one line per problem, if there is one."""
        if self.problems:
            raise CatalogueRefused([f"{self.name}: {problem}" for problem in self.problems])

    @property
    def notes(self) -> tuple[str, ...]:
        """Findings for people, one line each."""
        photos = self.with_image + len(self.undecodable_images) + len(self.missing_images)
        why = self.why_missing
        rare = [f"{code} ({count})" for code, count in self.class_counts.items() if count < self.minimum]
        notes = [
            *self.remarks,
            _named(self.unlabelled, "rows have no category; a run leaves them out"),
            _named(self.missing_images, f"of {photos} photos do not exist; their rows keep their text", why),
            _named(self.undecodable_images, "photos cannot be decoded, or are blank; their rows keep their text"),
            _named(self.unusable, "rows have neither text nor photo and are dropped"),
            _named(self.overlong, f"texts are longer than {MAX_CHARACTERS:,} characters and are cut there"),
        ]
        if rare:
            which = ", ".join(rare[:MOST_LISTED]) + (", ..." if len(rare) > MOST_LISTED else "")
            notes.append(f"{len(rare)} categories have fewer than {self.minimum} usable rows: {which}")
        if self.conflicting_groups:
            notes.append(f"{self.conflicting_groups} groups of near-duplicates have more than one category")
        without = [code for code, count in self.class_counts.items() if count and not self.image_counts[code]]
        if without and self.with_image:
            notes.append(f"{len(without)} categories have no photo: {', '.join(without[:MOST_LISTED])}")
        return tuple(note for note in notes if note)

    def render(self) -> str:
        """The report as lines of text for people."""
        figures = {
            "rows": self.rows,
            **{f"left out: {reason}": count for reason, count in self.left_out.items()},
            "with text": self.with_text,
            "with a photo": self.with_image,
            "without text": self.empty_texts,
            "photo missing": len(self.missing_images),
            "photo not decodable": len(self.undecodable_images),
            "neither text nor photo": len(self.unusable),
            "text over the limit": len(self.overlong),
            "exact duplicates": self.exact_duplicates,
            "near-duplicates": self.near_duplicates,
        }
        lines = [f"Catalogue {self.name}"]
        lines += [f"  {label:<40}{count:>9,}" for label, count in figures.items()]
        lines += [f"  {'category':<20}{'rows':>9}{'photos':>10}"]
        lines += [f"  {code:<20}{n:>9,}{self.image_counts[code]:>10,}" for code, n in self.class_counts.items()]
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"PROBLEM: {problem}" for problem in self.problems]
        lines += ["The catalogue cannot be trained on." if self.problems else "The catalogue can be trained on."]
        return "\n".join(lines)


def check_catalogue(
    catalogue: Catalogue,
    taxonomy: Taxonomy,
    *,
    groups: NDArray[np.int64] | None = None,
    minimum: int = 5,
    decode: bool = False,
    progress: bool = False,
) -> CheckReport:
    """Check every row; nothing is changed and nothing raised (see `usable_catalogue`, `raise_on_problems`).

    `groups` are near-duplicate groups, by default those of the titles alone. `minimum` is the number of usable rows
    that a category of the taxonomy needs; rarer ones are a note. Photos are walked for their structure, which finds the
    truncated and the mislabelled; `decode` decodes each as well, which takes about ten times as long.
    """
    rows = catalogue.rows
    if groups is None:
        groups = group_near_duplicates(catalogue, phash_distance=None)
    missing, undecodable = _images(rows["image"], decode, progress)
    photo = (rows["image"] != "") & ~rows.index.isin([*missing, *undecodable])
    text = readable_text(rows)
    usable = photo | text
    counts = rows["category"][usable].value_counts()
    image_counts = rows["category"][photo].value_counts()
    overlong = (rows["designation"].str.len() > MAX_CHARACTERS) | (rows["description"].str.len() > MAX_CHARACTERS)
    sizes = np.bincount(groups) if len(groups) else np.zeros(0, np.int64)
    spread = rows["category"].groupby(groups).nunique()
    content = rows[["designation", "description", "image"]]
    return CheckReport(
        name=catalogue.name,
        rows=len(rows),
        left_out=catalogue.left_out,
        with_text=int(text.sum()),
        with_image=int(photo.sum()),
        missing_images=missing,
        undecodable_images=undecodable,
        empty_texts=int((~text).sum()),
        overlong=_listed(overlong),
        unusable=_listed(~usable),
        class_counts={code: int(counts.get(code, 0)) for code in taxonomy.codes},
        image_counts={code: int(image_counts.get(code, 0)) for code in taxonomy.codes},
        exact_duplicates=int(content[usable].duplicated().sum()),
        duplicate_groups=int((sizes > 1).sum()),
        near_duplicates=int(sizes[sizes > 1].sum()),
        conflicting_groups=int((spread > 1).sum()),
        problems=_problems(rows["category"][usable], taxonomy),
        unlabelled=_listed(rows["category"] == ""),
        minimum=minimum,
        remarks=catalogue.notes,
        why_missing=catalogue.why_missing,
    )


def usable_catalogue(catalogue: Catalogue, report: CheckReport) -> Catalogue:
    """The catalogue to train on: broken photos forgotten, over-long texts cut, rows with nothing left dropped."""
    rows = catalogue.rows.copy()
    rows.loc[[*report.missing_images, *report.undecodable_images], "image"] = ""
    for column in ("designation", "description"):
        rows[column] = rows[column].str.slice(0, MAX_CHARACTERS)
    return replace(catalogue, rows=rows).only(~rows["row"].isin(report.unusable), "neither text nor photo")


def _listed(rows: pd.Series) -> tuple[int, ...]:
    return tuple(int(row) for row in rows.index[rows])


def readable_text(rows: pd.DataFrame) -> pd.Series:
    """Whether a row's text says anything: bool, indexed as `rows`.

    Only doubtful rows are parsed, since parsing 100,000 takes minutes.
    """
    columns = (rows[name].str.slice(0, MAX_CHARACTERS) for name in ("designation", "description"))
    title, description = (column.map(_is_readable).astype(bool) for column in columns)
    return title | description


def _is_readable(text: str) -> bool:
    if len(text) > MAX_PLACEHOLDER:
        decoded = html.unescape(html.unescape(text))
        if not _HIDING.search(decoded) and any(char.isalnum() for char in _TAG.sub(" ", decoded)):
            return True
    return bool(text.strip()) and bool(plain_text(text))


def _images(images: pd.Series, decode: bool, progress: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows whose photo does not exist, and rows whose photo is there but cannot be used."""
    named = images[images != ""]
    paths = list(dict.fromkeys(named))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: _state(Path(path), decode), paths)
        states = tqdm(results, "photos", total=len(paths), disable=not (progress and paths), unit="photo")
        state = dict(zip(paths, states, strict=True))
    states_of_rows = named.map(state)
    return _listed(states_of_rows == "missing"), _listed(states_of_rows == "undecodable")


def _state(path: Path, decode: bool) -> str:
    """How the service would receive a photo: "good", "missing" or "undecodable"."""
    try:
        data = path.read_bytes()
        if decode:
            # The size does not matter here; the smallest is the fastest.
            if WARNING_BLANK in decode_image(data, 32, 32).warnings:
                return "undecodable"
        else:
            read_structure(data)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return "missing"
    except (OSError, ImageError):
        return "undecodable"
    return "good"


def _problems(categories: pd.Series, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Problems that make training impossible, from the categories of the usable rows."""
    if categories.empty:
        return ("no usable row",)
    counts = Counter(categories)
    del counts[""]
    problems = [] if len(taxonomy) > 1 else ["at least two categories are needed"]
    unknown = [f"{code} ({counts[code]} rows)" for code in sorted(counts) if code not in taxonomy]
    if unknown:
        which = ", ".join(unknown[:MOST_LISTED]) + (", ..." if len(unknown) > MOST_LISTED else "")
        problems.append(f"not in the taxonomy: {which}; add them to catalogue.taxonomy or take their rows out")
    return tuple(problems)


def _named(rows: Sequence[int], what: str, why: str = "") -> str:
    """A note on these rows that names the first of them; empty when there are none."""
    return f"{len(rows)} {what} ({named_rows(rows, MOST_LISTED)}){why and '; '}{why}" if rows else ""
