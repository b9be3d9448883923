"""From fitted networks to a sealed version: written into a draft, calibrated, evaluated as written, proven, sealed."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from itertools import islice
from pathlib import Path
from typing import Any

from models.comparison.parity import Parity, measure_parity
from models.listing import Modality
from models.networks.inference import Networks
from models.predictor import Predictor
from models.preprocessing.prepare import Preparation
from models.preprocessing.settings import Preprocessing
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy
from models.versions.manifest import Manifest, NetworkEntry, write_manifest
from training.catalogue.dataset import Catalogue
from training.errors import PublishRefused
from training.evaluation.predict import readable, try_prepare
from training.fitting.fitted import FittedNetwork

LIBRARIES = ("tensorflow", "keras", "openvino", "numpy", "pillow", "beautifulsoup4", "sentencepiece")
"""Libraries whose version can change what a network learns or answers."""
PARITY_LISTINGS = 1000


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


def seal_manifest(
    draft: Path,
    name: str,
    run: Mapping[str, Any],
    networks: Mapping[Modality, NetworkEntry],
    classes: int,
    data: Mapping[str, Any],
) -> Manifest:
    """Write the manifest over what the draft holds now; done again whenever files were added."""
    return write_manifest(
        draft,
        name=name,
        created=datetime.now(UTC).replace(microsecond=0),
        classes=classes,
        networks=dict(networks),
        run=dict(run),
        data=dict(data),
        libraries={"python": platform.python_version(), **{name: library_version(name) for name in LIBRARIES}},
    )


def draft_networks(draft: Path, manifest: Manifest) -> tuple[Preparation, Networks]:
    """The draft's preprocessing and compiled networks, before there is a calibration."""
    return Preparation.load(draft), Networks.load(draft, manifest, streams=2)


def prove_parity(
    predictor: Predictor, draft: Path, catalogue: Catalogue, rows: Iterable[int], *, force: bool
) -> Parity:
    """Compare the compiled networks with Keras on up to `PARITY_LISTINGS` of the rows.

    Raises PublishRefused if they differ.
    """
    listings = (readable(catalogue, row) for row in rows)
    usable = (listing for listing in listings if try_prepare(predictor.prepare, listing))
    parity = measure_parity(draft, list(islice(usable, PARITY_LISTINGS)))
    if not parity.holds and not force:
        raise PublishRefused(f"the compiled networks differ from Keras: same top-1 on {parity.top1:.2%} of listings")
    return parity
