"""A small generated catalogue: words in three languages and pictures that tell the categories apart."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tests.training.english import ITEMS

COLUMNS = ("listing_id", "designation", "description", "image", "category", "label_source", "label_share", "text_kind")


@dataclass(frozen=True)
class Kind:
    """One category: what its listings say, and the colour and shape of its photos."""

    code: str
    words: dict[str, tuple[str, ...]]
    colour: tuple[int, int, int]
    shape: str


KINDS = (
    Kind(
        "2583",
        {
            "fr": ("piscine", "bâche", "filtration", "pompe", "bassin", "liner"),
            "en": ("pool", "cover", "filter", "pump", "swimming", "liner"),
            "de": ("Schwimmbad", "Abdeckung", "Filter", "Pumpe", "Becken", "Folie"),
        },
        (30, 120, 210),
        "ellipse",
    ),
    Kind(
        "10",
        {
            "fr": ("livre", "roman", "poche", "auteur", "édition", "récit"),
            "en": ("book", "novel", "paperback", "author", "edition", "story"),
            "de": ("Buch", "Roman", "Taschenbuch", "Autor", "Ausgabe", "Erzählung"),
        },
        (150, 75, 20),
        "rectangle",
    ),
    Kind(
        "1140",
        {
            "fr": ("figurine", "héros", "collector", "vinyle", "peluche", "statuette"),
            "en": ("figure", "hero", "collectible", "vinyl", "plush", "statue"),
            "de": ("Figur", "Held", "Sammler", "Vinyl", "Plüsch", "Statue"),
        },
        (210, 30, 50),
        "triangle",
    ),
    Kind(
        "40",
        {
            "fr": ("jeu", "manette", "import", "console", "cartouche", "joueur"),
            "en": ("game", "controller", "import", "console", "cartridge", "player"),
            "de": ("Spiel", "Controller", "Import", "Konsole", "Modul", "Spieler"),
        },
        (40, 150, 60),
        "diamond",
    ),
    Kind(
        "2522",
        {
            "fr": ("cahier", "stylo", "papier", "classeur", "carnet", "feuilles"),
            "en": ("notebook", "pen", "paper", "binder", "planner", "sheets"),
            "de": ("Heft", "Stift", "Papier", "Ordner", "Notizbuch", "Blätter"),
        },
        (240, 190, 30),
        "bars",
    ),
    Kind(
        "1560",
        {
            "fr": ("fauteuil", "armoire", "étagère", "matelas", "canapé", "tiroir"),
            "en": ("armchair", "wardrobe", "shelf", "mattress", "sofa", "drawer"),
            "de": ("Sessel", "Schrank", "Regal", "Matratze", "Sofa", "Schublade"),
        },
        (120, 40, 150),
        "cross",
    ),
)
FILLERS = {
    "fr": ("neuf", "lot de 2", "livraison rapide", "très bon état", "bleu et blanc", "qualité supérieure"),
    "en": ("new", "pack of 2", "fast delivery", "very good condition", "blue and white", "high quality"),
    "de": ("neu", "2er-Set", "schnelle Lieferung", "sehr guter Zustand", "blau und weiß", "hohe Qualität"),
}
SYLLABLES = ("ba", "ko", "lu", "mi", "ra", "te", "vo", "zen", "dor", "fal", "gri", "nux", "pel", "quo", "sta", "wim")


def make_catalogue(
    folder: Path,
    classes: int = 4,
    rows_per_class: int = 30,
    seed: int = 0,
    *,
    side: int = 96,
    without_image: float = 0.1,
    without_text: float = 0.1,
    without_description: float = 0.3,
    voted: float = 0.25,
) -> Path:
    """Write `listings.csv` and `images/*.jpg` below `folder`, and return the CSV's path.

    Categories are the first `classes` (2..6) of `KINDS`, `rows_per_class` listings each, shuffled. Photos are `side` by
    `side` pixels. The shares are of listings that have no photo, no text (these have a photo) or no description, and of
    those whose label source is "vote" with a share of 0.6 to 1, not "true". The same arguments give the same files.
    """
    if not 2 <= classes <= len(KINDS):
        raise ValueError(f"classes must be 2..{len(KINDS)}")
    chance = random.Random(seed)
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, kind in enumerate([kind for kind in KINDS[:classes] for _ in range(rows_per_class)]):
        listing_id = str(100_000 + number)
        draw = chance.random()
        designation, description = make_text(kind, chance)
        image = "" if draw < without_image else f"image_{listing_id}.jpg"
        if draw > 1 - without_text:
            designation, description = "", ""
        if chance.random() < without_description:
            description = ""
        if image:
            make_photo(kind, chance, side).save(images / image, quality=90)
        source, share = ("vote", f"{chance.uniform(0.6, 1):.2f}") if chance.random() < voted else ("true", "")
        rows.append((listing_id, designation, description, image, kind.code, source, share, "original"))
    chance.shuffle(rows)
    path = folder / "listings.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


def make_text(kind: Kind, chance: random.Random) -> tuple[str, str]:
    """A title and an HTML description in one language, with the words of the category and a made-up brand."""
    language = chance.choice(sorted(kind.words))
    words, fillers = kind.words[language], FILLERS[language]
    brand = "".join(chance.choices(SYLLABLES, k=3)).capitalize()
    model = f"{chance.choice('ABCDEFGH')}{chance.randint(100, 999)}"
    designation = " ".join([*chance.sample(words, 2), brand, model, chance.choice(fillers)]).capitalize()
    body = " ".join(chance.sample([*chance.sample(words, 4), *chance.sample(fillers, 2), brand], 7))
    return designation, f"<p>{body.capitalize()}&nbsp;!</p><br />{chance.choice(words)} {chance.randint(1, 90)} cm"


def make_photo(kind: Kind, chance: random.Random, side: int = 96) -> Image.Image:
    """The category's shape in its colour, somewhere on a mottled ground, so that no two photos are near-duplicates."""
    noise = np.random.default_rng(chance.getrandbits(32))
    ground = noise.integers(130, 256, (5, 5, 3), dtype=np.uint8)
    photo = Image.fromarray(ground).resize((side, side), Image.Resampling.BICUBIC)
    half = side * chance.uniform(0.18, 0.3)
    x, y = (chance.uniform(half, side - half) for _ in range(2))
    colour = tuple(int(np.clip(level + chance.randint(-25, 25), 0, 255)) for level in kind.colour)
    draw = ImageDraw.Draw(photo)
    box = (x - half, y - half, x + half, y + half)
    if kind.shape == "ellipse":
        draw.ellipse(box, fill=colour)
    elif kind.shape == "rectangle":
        draw.rectangle(box, fill=colour)
    elif kind.shape == "triangle":
        draw.polygon([(x, y - half), (x - half, y + half), (x + half, y + half)], fill=colour)
    elif kind.shape == "diamond":
        draw.polygon([(x, y - half), (x - half, y), (x, y + half), (x + half, y)], fill=colour)
    elif kind.shape == "bars":
        for step in range(3):
            top = y - half + step * half * 0.75
            draw.rectangle((x - half, top, x + half, top + half / 3), fill=colour)
    else:
        draw.rectangle((x - half / 3, y - half, x + half / 3, y + half), fill=colour)
        draw.rectangle((x - half, y - half / 3, x + half, y + half / 3), fill=colour)
    return photo


def noun(category: int) -> str:
    """The word that tells a category (0..79) of `make_small_catalogue` from the others; its code is "NOUN range"."""
    return ITEMS[category]


def make_small_catalogue(
    folder: Path,
    categories: int,
    rows_per_category: int,
    seed: int = 0,
    *,
    photos: bool = True,
    without_image: float = 0.1,
    missing_photos: int = 0,
    rare: int = 0,
    uncategorised: int = 0,
    encoding: str = "utf-8",
    separator: str = ",",
) -> Path:
    """Write `listings.csv` (title, description, image, shelf) and `photos/*.jpg` as a stranger's spreadsheet has them.

    Of the 2..80 `categories` the last `rare` have two listings only; `uncategorised` listings have no category, and
    `missing_photos` name a photo that is not there. Without `photos` there is no image column. The same arguments give
    the same files.
    """
    chance = random.Random(seed)
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    counts = [2 if category >= categories - rare else rows_per_category for category in range(categories)]
    rows = []
    for number, category in enumerate(category for category, count in enumerate(counts) for _ in range(count)):
        item, kind = ITEMS[category], KINDS[category % len(KINDS)]
        maker = "".join(chance.choices(SYLLABLES, k=3)).capitalize()
        title = f"{maker} {item} {chance.randint(100, 999)} {chance.choice(FILLERS['en'])}"
        description = f"A {item} of {maker}, {chance.choice(FILLERS['fr'])} – {chance.choice(FILLERS['de'])}"
        image = f"{number}.jpg" if photos and chance.random() >= without_image else ""
        if image:
            tinted = replace(kind, colour=tuple((40 + 53 * category * (3 + band)) % 216 for band in range(3)))
            make_photo(tinted, chance, 48).save(folder / "photos" / image, quality=90)
        rows.append([title, description, image, f"{item} range"])
    chance.shuffle(rows)
    for row in rows[:uncategorised]:
        row[3] = ""
    with_photo = [row for row in rows if row[2]]
    for row in with_photo[:missing_photos]:
        (folder / "photos" / row[2]).unlink()
    table = [["title", "description", "image", "shelf"], *rows]
    path = folder / "listings.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerows(row if photos else [*row[:2], row[3]] for row in table)
    return path
