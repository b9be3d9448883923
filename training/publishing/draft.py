"""The draft of a version: its files, its manifest, and the proof that its compiled networks are those of Keras."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from itertools import islice
from pathlib import Path
from typing import Any

from models.comparison.parity import Parity, parity_of
from models.listing import Modality
from models.predictor import Predictor
from models.preprocessing.settings import Preprocessing
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy
from models.versions.manifest import FORMAT_VERSION, Manifest, NetworkEntry, write_manifest
from training.catalogue.dataset import Catalogue
from training.errors import PublishRefused
from training.evaluation.predict import readable, try_prepare
from training.fitting.fitted import FittedNetwork

LIBRARIES = ("tensorflow", "keras", "openvino", "numpy", "pillow", "beautifulsoup4", "sentencepiece")
"""Libraries whose version can change what a network learns or answers."""
PARITY_LISTINGS = 1000
MADE_BY_SEALING = ("format_version", "version", "digest", "files")
"""Fields of a manifest that follow from the draft's files."""


def write_networks(
    draft: Path, networks: list[FittedNetwork], preprocessing: Preprocessing, taxonomy: Taxonomy
) -> dict[Modality, NetworkEntry]:
    """Write the networks in both forms, and all that prepares their inputs, into the draft."""
    import keras

    from training.fitting.export import export_openvino

    entries = {}
    for network in networks:
        shutil.copyfile(network.path, draft / f"{network.modality}.keras")
        for path in network.files:
            shutil.copyfile(path, draft / path.name)
        model = keras.saving.load_model(network.path, compile=False, safe_mode=True)
        export_openvino(model, draft, network.modality)
        # bfloat16 is measured against float32 before a version may ask for it (`training.publishing.precision`).
        entries[network.modality] = NetworkEntry(name=network.name, parameters=model.count_params(), precision="f32")
    preprocessing.write(draft)
    taxonomy.write(draft / TAXONOMY)
    return entries


def draft_manifest(
    name: str,
    run: Mapping[str, Any],
    networks: Mapping[Modality, NetworkEntry],
    classes: int,
    data: Mapping[str, Any],
) -> Manifest:
    """The manifest of a version that has no name and no files yet: enough to load its draft with."""
    return Manifest(
        format_version=FORMAT_VERSION,
        version="",
        digest="",
        name=name,
        created=datetime.now(UTC).replace(microsecond=0),
        classes=classes,
        networks=dict(networks),
        run=dict(run),
        data=dict(data),
        libraries={"python": platform.python_version(), **{name: library_version(name) for name in LIBRARIES}},
        files={},
    )


def seal_manifest(draft: Path, manifest: Manifest) -> Manifest:
    """Hash every file of the draft and write its manifest.json; returns it with the version's name."""
    return write_manifest(draft, **{key: value for key, value in manifest if key not in MADE_BY_SEALING})


def parity_on(reference: Predictor, compiled: Predictor, catalogue: Catalogue, rows: Iterable[int]) -> Parity:
    """Compare the compiled networks with Keras on up to `PARITY_LISTINGS` of the rows."""
    listings = (readable(catalogue, row) for row in rows)
    usable = (listing for listing in listings if try_prepare(compiled.prepare, listing))
    return parity_of(reference, compiled, list(islice(usable, PARITY_LISTINGS)))


def require_parity(parity: Parity) -> None:
    """Raises PublishRefused if the compiled networks differ from Keras."""
    if not parity.holds:
        raise PublishRefused(f"the compiled networks differ from Keras: same top-1 on {parity.top1:.2%} of listings")
