"""The rows of a catalogue that a version can be evaluated on, and why the others are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.listing import Modality
from models.predictor import Predictor
from models.versions.manifest import trained_on
from training.catalogue.check import check_catalogue, usable_catalogue
from training.catalogue.dataset import Catalogue
from training.errors import CatalogueError

UNLABELLED = "no category"
UNKNOWN = "category that the version does not know"


@dataclass(frozen=True, eq=False)
class EvaluableCatalogue:
    """`catalogue` holds the rows to evaluate on, of `rows` in the file; its `left_out` counts the others by reason.

    `unknown` counts the rows of each category that the version does not know, most frequent first; `notes` are
    sentences for people.
    """

    catalogue: Catalogue
    rows: int
    unknown: Mapping[str, int]
    notes: tuple[str, ...]


def evaluable_catalogue(
    predictor: Predictor, catalogue: Catalogue, *, unseen: bool = False, progress: bool = True
) -> EvaluableCatalogue:
    """Leave out the rows that the version cannot be evaluated on, and drop photos that cannot be read.

    `unseen` says that the version was not trained on these rows, even if they are of its own catalogue. Raises
    CatalogueError when nothing is left.
    """
    rows = len(catalogue) + sum(catalogue.left_out.values())
    taxonomy = predictor.taxonomy
    labelled = catalogue.only(catalogue.rows["category"] != "", UNLABELLED)
    unknown = Counter(code for code in labelled.rows["category"] if code not in taxonomy)
    known = labelled.only(labelled.rows["category"].map(lambda code: code in taxonomy).astype(bool), UNKNOWN)
    if not len(known):
        raise CatalogueError(
            f"{catalogue.name}: none of its {rows:,} rows has a category that {predictor.version} knows "
            f"({', '.join(taxonomy.codes[:5])}, ...)"
        )
    report = check_catalogue(
        known,
        taxonomy,
        groups=np.arange(len(known)),  # near-duplicates matter to a split, and there is none
        minimum=0,
        decode=Modality.IMAGE in predictor.modalities,
        progress=progress,
    )
    usable = usable_catalogue(known, report)
    if not len(usable):
        raise CatalogueError(f"{catalogue.name}: no row has text or a photo that can be read")
    notes = [f"{note[0].upper()}{note[1:]}." for note in report.notes]
    if trained_on(predictor.manifest, catalogue.name) and not unseen:
        notes.append(
            "The version was trained on a catalogue of this name. On listings that it learned from it looks better "
            "than it is: judge it on others, or name the run's config and its test part (--part test)."
        )
    return EvaluableCatalogue(usable, rows, dict(unknown.most_common()), tuple(notes))
