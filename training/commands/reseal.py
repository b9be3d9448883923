"""A sealed version once more: the same networks, fusion and thresholds, byte for byte, described anew.

For versions that were sealed where a precision could not be measured, or before the model card said what it says today.
Metrics are those of the predictor that will serve it, so the test part is asked again; nothing is chosen by it.
"""

from __future__ import annotations

import re
from pathlib import Path

from models.comparison.promotion import promote as promote_version
from models.errors import VersionRefused, VersionUnknown
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy
from models.versions.manifest import Manifest, read_manifest, verify_files
from models.versions.metrics import read_metrics
from models.versions.store import Store
from training.config.run import RunConfig
from training.errors import TrainingError
from training.evaluation.predictions import LearningCurve
from training.pipeline import Data, prepare_data
from training.publishing.release import MODEL_CARD, Release, Run
from training.workspace import Workspace

COMMAND = re.compile(r"^`+ ?(python -m training (?:run|fuse) .*?) ?`+$", re.MULTILINE)
SECONDS = re.compile(r"^- took (.*)$", re.MULTILINE)
"""How a model card tells what made the version, and what each stage took."""


class ResealRefused(TrainingError):
    """The version cannot be sealed again on this catalogue."""

    message = "The version cannot be sealed again."


def reseal(
    config: RunConfig,
    store: Store,
    workspace: Workspace,
    version: str,
    *,
    promote: bool = False,
    force: bool = False,
    command: str = "",
) -> str:
    """Seal `version` (a name in the store, or a folder) again into the store; returns the new version's name.

    `config` names the catalogue and says how it is split, what is evaluated and what the card tells; what it says of
    networks is not read. `force` goes on where the version was made on another split. Raises ResealRefused,
    TrainingError, StoreError.
    """
    source, manifest = _read(store, version)
    with store.draft():
        pass  # a store that cannot be written to is found before the long work
    config = config.model_copy(update={"name": manifest.name})
    data = prepare_data(config, workspace)
    _check(data, manifest, Taxonomy.read(source / TAXONOMY), force, workspace)
    curves = [LearningCurve(**curve) for curve in read_metrics(source).get("curves", ())]
    card = (source / MODEL_CARD).read_text(encoding="utf-8") if MODEL_CARD in manifest.files else ""
    made = COMMAND.search(card)
    run = Run(
        config,
        data.catalogue,
        data.taxonomy,
        data.fingerprint,
        data.split_fingerprint,
        curves,
        _seconds(card),
        made[1] if made else command,
        provenance={**manifest.run, "resealed_from": _origin(manifest)},
        notes=[
            f"Networks, fusion and thresholds are those of version `{manifest.version}`, byte for byte: sealed again."
        ],
    )
    name = Release(run, workspace.say, force=force).publish_again(store, source)
    if promote:
        promote_version(store, name, workspace.say, force=force)
    return name


def _read(store: Store, version: str) -> tuple[Path, Manifest]:
    try:
        folder = store.locate(version)
        manifest = read_manifest(folder)
        verify_files(folder, manifest)
    except VersionUnknown as error:
        raise ResealRefused(f"no version {Path(version).name} in {store.root.name}") from error
    except VersionRefused as error:
        raise ResealRefused(f"version {Path(version).name}: {error}") from error
    return folder, manifest


def _check(data: Data, manifest: Manifest, taxonomy: Taxonomy, force: bool, workspace: Workspace) -> None:
    if taxonomy.codes != data.taxonomy.codes:
        raise ResealRefused(f"version {manifest.version} has other categories than the catalogue")
    if manifest.data.get("split_fingerprint") != data.split_fingerprint:
        problem = f"version {manifest.version} was made on another split: it may have learned from what judges it here"
        if not force:
            raise ResealRefused(f"{problem}; --force goes on")
        workspace.say(f"[reseal] forced although {problem}")


def _origin(manifest: Manifest) -> dict[str, object]:
    """The first sealing of these very files; libraries are those that made the networks."""
    first = manifest.run.get("resealed_from")
    if isinstance(first, dict):
        return first
    return {
        "version": manifest.version,
        "created": manifest.created.isoformat(),
        "libraries": manifest.libraries,
    }


def _seconds(card: str) -> dict[str, float]:
    """What the stages took, as the version's model card tells."""
    line = SECONDS.search(card)
    parts = [part.rpartition(" ") for part in line[1].removesuffix(" s").split(" s, ")] if line else []
    return {name.replace("\\", ""): float(number.replace(",", "")) for name, _, number in parts}
