"""A version out of two: the text network of one, the image network of the other, calibrated and fused anew.

Nothing is trained. The networks must not have learned from the listings that calibrate or evaluate them, so both
versions must have been made on the config's own split of the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from models.errors import VersionRefused, VersionUnknown
from models.listing import Modality
from models.preprocessing.settings import Preprocessing
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy
from models.versions.manifest import Manifest, read_manifest, verify_files
from models.versions.metrics import read_metrics
from models.versions.store import Store
from training.config.run import RunConfig
from training.errors import TrainingError
from training.evaluation.predictions import LearningCurve
from training.fitting.fitted import FittedNetwork
from training.fitting.text_vocabulary import text_vocabulary_files
from training.pipeline import Data, Fitted, check_files, check_parts, prepare_data, run_of
from training.publishing.release import Release
from training.workspace import Workspace


class FuseRefused(TrainingError):
    """The two versions cannot be put together; the message says which of them lacks what."""

    message = "The versions cannot be fused."


@dataclass(frozen=True, eq=False)
class Source:
    """A version that one of its networks is taken from."""

    folder: Path
    manifest: Manifest
    taxonomy: Taxonomy
    preprocessing: Preprocessing
    modality: Modality

    @classmethod
    def read(cls, store: Store, version: str, modality: Modality) -> Source:
        """Look up a version, by name in the store or as a folder of its own, and check its files.

        Raises FuseRefused when it is not there, damaged, or has no such network with its Keras file.
        """
        folder = Path(version)
        try:
            if not folder.is_dir():
                folder = store.folder(version)
            manifest = read_manifest(folder)
            verify_files(folder, manifest)
            source = cls(folder, manifest, Taxonomy.read(folder / TAXONOMY), Preprocessing.read(folder), modality)
        except VersionUnknown as error:
            raise FuseRefused(f"no version {folder.name} in {store.root.name}") from error
        except VersionRefused as error:
            raise FuseRefused(f"version {folder.name}: {error}") from error
        if modality not in manifest.networks:
            raise FuseRefused(f"version {manifest.version} has no {modality} network")
        if f"{modality}.keras" not in manifest.files:
            raise FuseRefused(f"version {manifest.version} has no {modality}.keras, only its compiled form")
        return source

    @property
    def network(self) -> FittedNetwork:
        """The network, with the files that prepare its input."""
        text = self.preprocessing.text if self.modality is Modality.TEXT else None
        files = () if text is None else tuple(self.folder / name for name in text_vocabulary_files(text))
        name = self.manifest.networks[self.modality].name
        return FittedNetwork(self.modality, name, self.folder / f"{self.modality}.keras", files)

    @property
    def curves(self) -> list[LearningCurve]:
        """The network's learning curve, as the version's metrics have it."""
        name = self.manifest.networks[self.modality].name
        curves = read_metrics(self.folder).get("curves", ())
        return [LearningCurve(**curve) for curve in curves if curve["network"] == name]


def fuse(
    config: RunConfig,
    store: Store,
    workspace: Workspace,
    text: str,
    image: str,
    *,
    promote: bool = False,
    force: bool = False,
    command: str = "",
) -> str:
    """Seal a version with the text network of version `text` and the image network of version `image`.

    Catalogue, split, fusion and decision are the config's, whose `[text]` and `[image]` are not read. Returns the new
    version's name. `force` goes on where the versions were made on another split, and seals what the conditions of
    publishing would refuse. Raises FuseRefused, TrainingError, StoreError.
    """
    sources = (Source.read(store, text, Modality.TEXT), Source.read(store, image, Modality.IMAGE))
    _check_taxonomies(*(source.taxonomy for source in sources), names=(text, image))
    check_files(config, store)
    config = _with_networks(config, sources)
    data = prepare_data(config, workspace)
    check_parts(config, data.rows)
    notes = [_note(source) for source in sources]
    notes += _check_data(data, sources, force, workspace.say)
    networks = [source.network for source in sources]
    curves = [curve for source in sources for curve in source.curves]
    preprocessing = Preprocessing(text=sources[0].preprocessing.text, image=sources[1].preprocessing.image)
    fitted = Fitted(networks, preprocessing, curves, {}, {})
    run = replace(run_of(config, data, fitted, command), provenance=_provenance(config, sources), notes=notes)
    release = Release(run, workspace.say, workspace.root / config.name, force)
    return release.publish(store, networks, preprocessing, promote=promote)


def _with_networks(config: RunConfig, sources: tuple[Source, Source]) -> RunConfig:
    """The config, naming the networks that are taken, so that the data check asks for what they need."""
    names = {source.modality.value: source.manifest.networks[source.modality].name for source in sources}
    parts = {key: getattr(config, key).model_copy(update={"network": name}) for key, name in names.items()}
    return config.model_copy(update=parts)


def _provenance(config: RunConfig, sources: tuple[Source, Source]) -> dict[str, object]:
    """The config, with each network described as in the version that it is from."""
    networks = {}
    for source in sources:
        key, name = source.modality.value, source.manifest.networks[source.modality].name
        networks[key] = {"network": name, "weights": "unknown", **source.manifest.run.get(key, {})}
    versions = {source.modality.value: source.manifest.version for source in sources}
    return {**config.provenance(), **networks, "fused_from": versions}


def _note(source: Source) -> str:
    network = source.manifest.networks[source.modality].name
    return (
        f"The {source.modality} network, {network}, is that of version `{source.manifest.version}`, not trained anew."
    )


def _check_taxonomies(text: Taxonomy, image: Taxonomy, *, names: tuple[str, str]) -> None:
    if text.codes == image.codes:
        return
    first, second = (Path(name).name for name in names)
    only = [sorted(set(a.codes) - set(b.codes)) for a, b in ((text, image), (image, text))]
    differences = [f"{codes[0]} only in {name}" for codes, name in zip(only, (first, second), strict=True) if codes]
    difference = ", ".join(differences) or "the same in another order"
    raise FuseRefused(f"versions {first} and {second} have different categories: {difference}")


def _check_data(data: Data, sources: tuple[Source, Source], force: bool, say: Callable[[str], None]) -> list[str]:
    """Raises FuseRefused when the catalogue is not what the versions know; returns what the model card must say."""
    notes = []
    for source in sources:
        version = source.manifest.version
        if source.taxonomy.codes != data.taxonomy.codes:
            raise FuseRefused(f"version {version} has other categories than the catalogue")
        if source.manifest.data.get("split_fingerprint") == data.split_fingerprint:
            continue
        problem = f"version {version} was made on another split: it may have learned from listings that judge it here"
        if not force:
            raise FuseRefused(f"{problem}; --force goes on")
        say(f"[fuse] forced although {problem}")
        notes.append(f"{problem[0].upper()}{problem[1:]}: the figures of the {source.modality} network flatter it.")
    return notes
