"""A whole sealed version made in a moment, without TensorFlow: all its files, around the networks of `tiny_networks`.

Category `i` answers to the word `WORDS[i]` and to the colour `COLOURS[i]`; see `listing`.

    store = Store(tmp_path)
    store.promote(make_version(store.root))
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from models.decision.calibration import PRECISIONS, Calibration, EvidenceCalibration
from models.decision.fusion import Fusion
from models.listing import Evidence, Listing, Modality
from models.predictor import Predictor
from models.preprocessing.settings import ImagePreprocessing, Preprocessing
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Category, Taxonomy
from models.versions.golden import GoldenListing, write_golden
from models.versions.manifest import Manifest, NetworkEntry, read_manifest, write_manifest
from models.versions.store import Store
from tests.models.tiny_networks import COLOURS, NGRAMS, SIDE, WORDS, Weights, write_keras, write_networks

CODES = ("10", "40", "1140", "2583", "60", "1280", "2522", "2705")
"""In numeric order as far as four classes go, which is not their order as strings."""
UNREACHABLE = PRECISIONS[-1]
"""The precision that no threshold of a tiny version promises; the others need `precision - 0.2`."""
OWN_THRESHOLD = 0.999
"""The threshold of the first category at every precision but `UNREACHABLE`, in every case."""


def listing(title: int | None = None, *, description: int | None = None, photo_of: int | None = None) -> Listing:
    """A listing whose title, description and photo each speak for a category, by class index."""
    markup = "<p>Une <b>{}</b> comme neuve, envoi rapide &amp; soigné.</p>"
    return Listing(
        designation="" if title is None else f"Belle {WORDS[title]} neuve",
        description="" if description is None else markup.format(WORDS[description]),
        image=None if photo_of is None else photo(COLOURS[photo_of]),
    )


def photo(colour: tuple[int, int, int], size: tuple[int, int] = (64, 64), kind: str = "JPEG") -> bytes:
    """An encoded picture of one colour."""
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, kind)
    return stream.getvalue()


def taxonomy(classes: int) -> Taxonomy:
    """Categories with labels in every language; the first has no German label and no group."""
    return Taxonomy(
        tuple(
            Category(
                code,
                {"fr": f"{word} (fr)", "en": f"{word} (en)"} | ({"de": f"{word} (de)"} if index else {}),
                {"fr": "Maison", "en": "Home", "de": "Haus"} if index else {},
            )
            for index, (code, word) in enumerate(zip(CODES[:classes], WORDS, strict=False))
        )
    )


def calibration(modalities: Collection[Modality] = tuple(Modality)) -> Calibration:
    """Every case that the modalities can meet, each with another temperature."""
    cases = {Evidence.TITLE: 1.3, Evidence.TEXT: 1.1} if Modality.TEXT in modalities else {}
    cases |= {Evidence.IMAGE: 0.9} if Modality.IMAGE in modalities else {}
    cases |= {Evidence.BOTH: 1.2} if len(modalities) == 2 else {}
    return Calibration(
        PRECISIONS,
        default_precision=0.9,
        coverage=0.95,
        cases={
            evidence: EvidenceCalibration(
                temperature=temperature,
                listings=1000,
                thresholds=[round(precision - 0.2, 3) for precision in PRECISIONS[:-1]] + [None],
                class_thresholds={CODES[0]: [OWN_THRESHOLD] * (len(PRECISIONS) - 1) + [None]},
                set_floor=0.08,
            )
            for evidence, temperature in cases.items()
        },
    )


def make_version(root: Path, **options: Any) -> str:
    """Seal a version into the store at `root`; returns its name. `options` are those of `write_version`."""
    store = Store(root)
    with store.draft() as draft:
        manifest = write_version(draft, **options)
        store.seal(draft, manifest.version)
    return manifest.version


def write_version(
    folder: Path,
    *,
    classes: int = 4,
    modalities: Collection[Modality] = tuple(Modality),
    seed: int = 0,
    keras: bool = False,
    fusion: Literal["mean", "weighted"] = "weighted",
    precision: str = "f32",
    day: int = 25,
) -> Manifest:
    """Write every file of a version into an empty folder: 2 to 8 classes, at least one modality.

    Another `seed` gives other weights, and so other answers. `keras` adds the networks' `.keras` twins, which takes
    TensorFlow and some seconds. Versions of a later `day` (of November 2026) are newer.
    """
    weights = Weights.draw(classes, seed)
    write_networks(folder, weights, modalities)
    if keras:
        write_keras(folder, weights, modalities)
    with_text, with_image = Modality.TEXT in modalities, Modality.IMAGE in modalities
    Preprocessing(
        text=NGRAMS if with_text else None, image=ImagePreprocessing(height=SIDE, width=SIDE) if with_image else None
    ).write(folder)
    taxonomy(classes).write(folder / TAXONOMY)
    (Fusion.mean(classes) if fusion == "mean" else _weighted(classes, seed)).write(folder)
    calibration(modalities).write(folder)
    (folder / "metrics.json").write_text(json.dumps(_metrics(classes, modalities)), encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text("# A tiny version\n", encoding="utf-8")
    (folder / "report.html").write_text("<!doctype html><title>A tiny version</title>\n", encoding="utf-8")
    fields: dict[str, Any] = {
        "name": "tiny",
        "created": datetime(2026, 11, day, 12, tzinfo=UTC),
        "classes": classes,
        "networks": {
            modality: NetworkEntry(name=f"tiny-{modality}", parameters=1024 * classes, precision=precision)
            for modality in sorted(modalities, reverse=True)
        },
        "run": {"seed": seed},
        "data": {"listings": 1000, "catalogue": "générée"},
        "libraries": {"numpy": np.__version__},
    }
    write_manifest(folder, **fields)
    predictor = Predictor.load(folder, verify=False, precision="f32")
    write_golden(folder, ask(predictor, golden_listings(classes, modalities)))
    return write_manifest(folder, **fields)


def reseal(folder: Path, **changes: Any) -> Path:
    """Write the manifest anew over files that a test has changed, rename the folder to match; returns it.

    `changes` replace fields of the manifest, such as `classes`.
    """
    fields = dict(read_manifest(folder))
    for name in ("format_version", "version", "digest", "files"):
        del fields[name]
    manifest = write_manifest(folder, **(fields | changes))
    return folder.rename(folder.with_name(manifest.version))


def golden_listings(classes: int, modalities: Collection[Modality]) -> list[Listing]:
    """Listings of every case that the modalities can meet, for different categories."""
    listings = []
    for index in range(min(classes, 3)):
        if Modality.TEXT in modalities:
            listings += [listing(index), listing(index, description=(index + 1) % classes)]
        if Modality.IMAGE in modalities:
            listings.append(listing(photo_of=index))
        if len(modalities) == 2:
            listings.append(listing(index, photo_of=index))
    return listings


def ask(predictor: Predictor, listings: Sequence[Listing]) -> list[GoldenListing]:
    """Listings with the predictor's answers."""
    scores = predictor.score([predictor.prepare(subject) for subject in listings])
    return [GoldenListing(subject, answer.fused) for subject, answer in zip(listings, scores, strict=True)]


def _weighted(classes: int, seed: int) -> Fusion:
    random = np.random.default_rng([seed, 1])
    text, image = random.uniform(0.7, 1.3, (2, classes)).astype(np.float32)
    return Fusion("weighted", text, image, random.normal(0, 0.1, classes).astype(np.float32))


def _metrics(classes: int, modalities: Collection[Modality]) -> dict[str, Any]:
    figure = {"value": 0.75, "low": 0.701, "high": 0.802}
    figures = {"n": 120, "accuracy": figure, "f1_weighted": figure, "f1_macro": figure, "ece": 0.031, "coverage": {}}
    cohort = {"n": 120, "cases": {evidence.value: figures for evidence in calibration(modalities).cases}}
    return {"cohorts": {"test": cohort}, "classes": [{"code": code} for code in CODES[:classes]]}
