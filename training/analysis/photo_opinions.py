"""A second opinion on listings that look filed wrong: a published version's prediction from the photo alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from models.errors import ListingError, NoVersion, VersionRefused, VersionUnknown
from models.listing import Listing, Modality
from models.predictor import Predictor
from models.preprocessing.prepare import Prepared
from models.versions.store import Store
from training.catalogue.dataset import Catalogue
from training.errors import TrainingError

CURRENT = "current"
BLOCK = 64
"""Photos decoded and predicted together."""


def load_version(store: Store, name: str) -> Predictor:
    """Load the version of that name, `CURRENT` for the promoted one. Raises TrainingError."""
    try:
        version = store.current() if name == CURRENT else name
        predictor = Predictor.load(store.folder(version))
    except (NoVersion, VersionUnknown) as error:
        known = ", ".join(store.versions()) or "none"
        raise TrainingError(f"--version {name}: no such version in {store.root.name} (versions: {known})") from error
    except VersionRefused as error:
        raise TrainingError(f"--version {name}: {error}") from error
    if Modality.IMAGE not in predictor.modalities:
        raise TrainingError(f"--version {name}: the version has no network for photos")
    return predictor


def photo_opinions(predictor: Predictor, catalogue: Catalogue, issues: pd.DataFrame) -> pd.DataFrame:
    """The version's prediction from each issue's photo, indexed as `issues`.

    See `training.analysis.label_audit.Audit` for the columns.
    """
    columns = ("photo_category_score", "photo_score_of_category", "photo_score_of_suggested")
    opinions = pd.DataFrame({"photo_category": "", **dict.fromkeys(columns, np.nan)}, index=issues.index)
    photos = catalogue.rows.loc[issues.index, "image"]
    rows = photos.index[photos.ne("")]
    for start in tqdm(range(0, len(rows), BLOCK), "photo opinions", unit="block"):
        block = [(row, ready) for row in rows[start : start + BLOCK] if (ready := _prepared(predictor, photos[row]))]
        for (row, _), scores in zip(block, predictor.score([ready for _, ready in block]), strict=True):
            of_photo = dict(zip(predictor.taxonomy.codes, map(float, scores.fused), strict=True))
            best = max(of_photo, key=lambda code: of_photo[code])
            category, suggested = issues.loc[row, ["category", "suggested"]]
            opinions.loc[row] = [best, of_photo[best], of_photo.get(category, np.nan), of_photo.get(suggested, np.nan)]
    return opinions


def _prepared(predictor: Predictor, path: str) -> Prepared | None:
    try:
        return predictor.prepare(Listing(image=Path(path).read_bytes()))
    except (OSError, ListingError):
        return None
