"""The pages on a catalogue, made of fixed inputs: no training, no clock, no photo but a drawn one.

`word` stands in everything that comes from the catalogue, so that it can be hostile; `classes` is the number of
categories.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from models.taxonomy import LANGUAGES, Category, Taxonomy
from training.analysis.audit_report import render_audit
from training.analysis.explore import Exploration
from training.analysis.explore_duplicates import DuplicatePair
from training.analysis.explore_page import render_exploration
from training.analysis.explore_photos import PhotoTraits
from training.analysis.explore_text import Term
from training.analysis.label_audit import Audit
from training.analysis.out_of_fold import OutOfFold
from training.catalogue.check import check_catalogue
from training.catalogue.dataset import COLUMNS, Catalogue


def codes_of(classes: int) -> list[str]:
    return [f"{10 * (number + 1)}" for number in range(classes)]


def taxonomy_of(classes: int, word: str = "") -> Taxonomy:
    """Categories 10, 20, 30... in one group."""
    labels = [dict.fromkeys(LANGUAGES, f"name {code}{word}") for code in codes_of(classes)]
    group = dict.fromkeys(LANGUAGES, f"group{word}")
    return Taxonomy(tuple(Category(code, label, group) for code, label in zip(codes_of(classes), labels, strict=True)))


def storable(word: str) -> str:
    """`word` without the lone surrogates that no table can hold."""
    return word.encode("utf-8", "replace").decode()


def audited(folder: Path, word: str = "", classes: int = 3) -> Audit:
    """Five listings a category, of which the first of the first three look filed wrong."""
    codes, rows, word = codes_of(classes), 5 * classes, storable(word)
    Image.new("RGB", (64, 48), "navy").save(folder / "photo.png")
    table = pd.DataFrame(dict.fromkeys(COLUMNS, ""), index=range(rows))
    table["row"] = table.index
    table["listing_id"] = [f"id{number}{word}" for number in table.index]
    table["designation"] = [f"title {number}{word}" for number in table.index]
    table["description"] = [f"<p>words {number}</p>{word}" if number % 2 else "" for number in table.index]
    table["category"] = np.repeat(codes, 5)
    table["label_source"] = np.where(table.index % 3, f"true{word}", f"vote{word}")
    table["text_kind"] = f"original{word}"
    table["image"] = [str(folder / "photo.png") if number % 5 < 3 else "" for number in table.index]
    wrong = pd.Index([0, 5, 10])
    issues = pd.DataFrame(
        {
            "category": codes[:3],
            "suggested": [codes[1], codes[2], codes[1]],
            "category_score": [0.01, 0.1, 0.2],
            "suggested_score": [0.95, 0.8, 0.6],
            "near_duplicates_in": [f"{codes[1]}; {codes[2]}", "", ""],
            "photo_category": [codes[1], codes[1], ""],
            "photo_category_score": [0.9, 0.7, np.nan],
            "photo_score_of_category": [0.05, np.nan, np.nan],
            "photo_score_of_suggested": [0.9, 0.2, np.nan],
        },
        index=wrong,
    )
    labels = np.repeat(np.arange(classes, dtype=np.int64), 5)
    probabilities = np.eye(classes, dtype=np.float32)[np.where(np.isin(table.index, wrong), 0, labels)]
    judged = OutOfFold(
        table.index.to_numpy(), tuple(codes), labels, probabilities, table.index.to_numpy(), {f"no text{word}": 2}, 5
    )
    return Audit(
        Catalogue(f"listings.csv{word}", table), taxonomy_of(classes, word), issues, judged, f"2026.11.25-1f3a9c2{word}"
    )


def audit(folder: Path, word: str = "", classes: int = 3) -> dict[str, str]:
    return {"audit.html": render_audit(audited(folder, word, classes), {"command": f"python -m training audit{word}"})}


def explored(folder: Path, word: str = "", classes: int = 3) -> Exploration:
    audit, word = audited(folder, word, classes), storable(word)
    catalogue = replace(audit.catalogue, left_out={f"no label{word}": 3})
    rows, taxonomy = catalogue.rows, audit.taxonomy
    rows.loc[[2, 6], "designation"] = f"the same title{word}"
    rows.loc[[3, 4], ["designation", "description"]] = f"twice{word}"
    groups = rows.groupby("designation").ngroup().to_numpy(np.int64)
    with_photo = rows.index[rows["image"].ne("")]
    photos = pd.DataFrame(
        [PhotoTraits("PNG", 64, 48, 900, 0.1 * (number % 5), number % 2 == 0) for number in with_photo], with_photo
    )
    lengths = pd.DataFrame(
        {"title": rows["designation"].str.len(), "description": rows["description"].str.len()}, rows.index
    )
    return Exploration(
        catalogue=catalogue,
        taxonomy=taxonomy,
        check=check_catalogue(catalogue, taxonomy, groups=groups),
        lengths=lengths if not word else lengths.clip(upper=50),
        languages=pd.Series([("fr", "en", "uncertain")[number % 3] for number in rows.index], rows.index),
        terms={code: [Term(f"pool{word}", 5.0, 0.8, 0.01), Term(f"pump{word}", 3.0, 0.4, 0.02)] for code in ("10",)},
        photos=photos,
        pairs=[DuplicatePair(2, 6, "same title", 2), DuplicatePair(3, 4, "same title", 3)],
        conflicts=[("10", "20", 1)],
        sampled={"languages": (15, 20)},
        audit=audit,
        no_audit="",
        seed=5,
        context={"command": f"python -m training explore{word}", "notes": [f"a note{word}"]},
    )


def explore(folder: Path, word: str = "", classes: int = 3) -> dict[str, str]:
    return {"explore.html": render_exploration(explored(folder, word, classes))}


def bare_exploration(folder: Path, word: str = "", classes: int = 3) -> dict[str, str]:
    """A catalogue of titles alone, whose labels could not be judged."""
    full = explored(folder, word, classes)
    rows = full.catalogue.rows.assign(description="", image="", label_source="", text_kind="")
    catalogue = Catalogue(full.catalogue.name, rows)
    bare = replace(
        full,
        catalogue=catalogue,
        check=check_catalogue(catalogue, full.taxonomy, groups=np.arange(len(rows))),
        lengths=full.lengths.assign(description=0),
        languages=full.languages[:0],
        terms={},
        photos=full.photos[:0],
        pairs=[],
        conflicts=[],
        sampled={},
        audit=None,
        no_audit=f"too few listings{word}",
        context={},
    )
    return {"explore.html": render_exploration(bare)}
