"""Groups of listings that offer the same product again: they must not stand on both sides of a split.

Rows are linked when they share
- a listing id;
- a title, compared without case, accents, entities and punctuation, if it has at least `SHORTEST_TITLE` characters
  ("Notebook" and "Lot de 2" are not the same product);
- a title and a description, whatever their length and however many rows share both;
- the beginning of a text: one row's title of at least `SHORTEST_BEGINNING` characters and four words begins the other's
  text, because some sources write the description behind the title;
- a photo, by perceptual hash (`training.catalogue.photo_hash`).
Anything else that more than `MOST_ROWS` rows share (a stock phrase, a "no photo" picture) is generic: no link.
Groups are the connected components of these links.
"""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.preprocessing.text.clean import MAX_CHARACTERS, plain_text
from training.catalogue.dataset import Catalogue
from training.catalogue.photo_hash import PhotoHash, photo_hashes, similar_pairs

SHORTEST_TITLE = 12
SHORTEST_BEGINNING = 24
BEGINNING_WORDS = range(4, 41)
"""Lengths in words of the titles that are looked for at the beginning of other texts."""
MOST_ROWS = 30

Links = list[tuple[int, int]]

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l"})
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


def normalised_title(title: str) -> str:
    """Lower case, no accents, letters and digits only, words apart by one space: "L&#39;Été n°2" is "l ete n 2"."""
    text = html.unescape(html.unescape(title)).casefold().translate(_LIGATURES)
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return _NOT_ALPHANUMERIC.sub(" ", plain).strip()


def group_near_duplicates(
    catalogue: Catalogue, *, phash_distance: int | None, cache: Path | None = None, progress: bool = False
) -> NDArray[np.int64]:
    """The group of each row of `catalogue.rows`, in their order: int64 [N], numbered from 0 by first appearance.

    `phash_distance` is the number of bits by which two photos' hashes may differ; None leaves the photos out. `cache`
    is a folder that keeps the hashes (see `photo_hashes`).
    """
    rows = catalogue.rows
    titles = [normalised_title(title) for title in rows["designation"]]
    links = _same(listing_id or None for listing_id in rows["listing_id"])
    links += _same(title if len(title.replace(" ", "")) >= SHORTEST_TITLE else None for title in titles)
    links += _whole_texts(titles, list(rows["description"]))
    links += _beginnings(titles)
    if phash_distance is not None:
        links += _photos(list(rows["image"]), phash_distance, cache, progress)
    return _components(len(rows), links)


def _same(keys: Iterable[Hashable | None]) -> Links:
    """Links between all rows of the same key, unless they are too many; None links nothing."""
    members: dict[Hashable, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key is not None:
            members[key].append(row)
    return [(rows[0], row) for rows in members.values() if len(rows) <= MOST_ROWS for row in rows[1:]]


def _whole_texts(titles: Sequence[str], descriptions: Sequence[str]) -> Links:
    """Links between all rows whose title and description are both the same, and neither empty."""
    shared = {title for title, count in Counter(titles).items() if title and count > 1}
    # Parsing is slow, and copies are many: each description is parsed once.
    cleaned = functools.cache(lambda description: normalised_title(plain_text(description[:MAX_CHARACTERS])))
    first: dict[tuple[str, str], int] = {}
    links: Links = []
    for row, (title, description) in enumerate(zip(titles, descriptions, strict=True)):
        text = cleaned(description) if title in shared else ""
        if text and (start := first.setdefault((title, text), row)) != row:
            links.append((start, row))
    return links


def _beginnings(titles: Sequence[str]) -> Links:
    """Links from each title to the rows whose text begins with it."""
    words = [title.split() for title in titles]
    by_title: dict[tuple[str, ...], int] = {}
    for row, title in enumerate(titles):
        if len(title) >= SHORTEST_BEGINNING and len(words[row]) in BEGINNING_WORDS:
            by_title.setdefault(tuple(words[row]), row)
    followers: dict[int, list[int]] = defaultdict(list)
    for row, text in enumerate(words):
        for length in BEGINNING_WORDS:
            if length >= len(text):
                break
            row_of_title = by_title.get(tuple(text[:length]))
            if row_of_title is not None:
                followers[row_of_title].append(row)
                break
    return [(title, row) for title, rows in followers.items() if len(rows) < MOST_ROWS for row in rows]


def _photos(paths: Sequence[str], distance: int, cache: Path | None, progress: bool) -> Links:
    hashes = photo_hashes([path for path in paths if path], cache=cache, progress=progress)
    rows_of: dict[PhotoHash, list[int]] = defaultdict(list)
    for row, path in enumerate(paths):
        value = hashes.get(path)
        if value is not None:
            rows_of[value].append(row)
    # The same picture many times over is compared once, and not at all when it is a placeholder.
    distinct = {value: rows for value, rows in rows_of.items() if len(rows) <= MOST_ROWS}
    links = [(rows[0], row) for rows in distinct.values() for row in rows[1:]]
    first, second = similar_pairs(list(distinct), distance)
    representative = np.array([rows[0] for rows in distinct.values()], np.int64)
    return links + list(zip(representative[first].tolist(), representative[second].tolist(), strict=True))


def _components(count: int, links: Links) -> NDArray[np.int64]:
    if not links:
        return np.arange(count, dtype=np.int64)
    first, second = np.array(links, np.int64).T
    graph = coo_array((np.ones(len(links), bool), (first, second)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    _, appearance, inverse = np.unique(labels, return_index=True, return_inverse=True)
    number = np.empty(len(appearance), np.int64)
    number[np.argsort(appearance)] = np.arange(len(appearance))
    return number[inverse]
