"""A listing as pages show it to people: a small photo, its title, the beginning of its description."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

import pandas as pd

from models.taxonomy import Taxonomy
from models.text import MAX_CHARACTERS, plain_text
from training.templates.tables import category_name
from training.thumbnail import Thumbnails

TITLE_CHARACTERS = 140
EXCERPT_CHARACTERS = 160
NO_CATEGORY = "(no category)"


@dataclass(frozen=True)
class Card:
    """What is shown. `photo` is a data URI, empty when there is none; `image` the photo's file name."""

    row: int
    listing_id: str
    title: str
    excerpt: str
    category: str
    photo: str
    image: str


def card(row: pd.Series, taxonomy: Taxonomy, thumbnails: Thumbnails) -> Card:
    """A row of `Catalogue.rows` as a card."""
    return Card(
        row=int(row["row"]),
        listing_id=row["listing_id"],
        title=shortened(row["designation"], TITLE_CHARACTERS),
        excerpt=shortened(row["description"], EXCERPT_CHARACTERS),
        category=named(row["category"], taxonomy),
        photo=thumbnails.uri(row["image"]),
        image=PurePath(row["image"]).name,
    )


def named(code: str, taxonomy: Taxonomy) -> str:
    """Code and name of a category that the taxonomy may not have."""
    return category_name(code, taxonomy) if code else NO_CATEGORY


def shortened(markup: str, characters: int) -> str:
    """The readable beginning of a text; markup that holds nothing readable is shown as it is."""
    text = plain_text(markup[:MAX_CHARACTERS]) or " ".join(markup[: 4 * characters].split())
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"
