"""Loading a version: from its folder to one that can answer at once, and an estimate of its memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.errors import LoadStep, VersionRefused
from models.networks.runtime import RuntimeName
from models.predictor import Predictor
from models.taxonomy import LANGUAGES, Taxonomy
from models.versions.golden import read_golden
from models.versions.manifest import read_manifest

MEMORY_PER_WEIGHT_BYTE = 6
"""Resident bytes for each byte of compiled weights, which hold float16 (measured with two streams). Growth cannot be
measured in a running service, whose requests allocate at the same time; the sizes of files can."""
WEIGHTS = ".bin"

LabelsByLanguage = dict[str, dict[str, tuple[str, str]]]
"""Language to category code to (label, group)."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class LoadedVersion:
    """A version that can answer. `memory_bytes` is an estimate."""

    predictor: Predictor
    labels: LabelsByLanguage
    memory_bytes: int

    @property
    def version(self) -> str:
        """The version's name."""
        return self.predictor.version


def estimated_bytes(folder: Path) -> int:
    """What the version will take up once loaded. Raises VersionRefused when its manifest cannot be read."""
    try:
        files = read_manifest(folder).files
    except VersionRefused as error:
        error.step = LoadStep.MANIFEST
        raise
    return MEMORY_PER_WEIGHT_BYTE * sum(entry.bytes for name, entry in files.items() if name.endswith(WEIGHTS))


def load_warm(folder: Path, *, runtime: RuntimeName = "auto", streams: int = 1, gather: int = 1) -> Predictor:
    """Load and verify a version, ask its golden listings, and warm it up. Raises VersionRefused."""
    predictor = Predictor.load(folder, runtime=runtime, streams=streams)
    _warm(predictor, folder, streams, gather)
    return predictor


def _warm(predictor: Predictor, folder: Path, streams: int, gather: int) -> None:
    """Run the passes that will be common once: networks prepare themselves for a size of batch when they first meet it.
    Streams are taken in turn, so as many calls as there are streams reach each.
    """
    golden = [predictor.prepare(entry.listing) for entry in read_golden(folder)]
    fullest = max(golden, key=lambda prepared: len(prepared.modalities))
    for listings in sorted({1, gather}):
        for _ in range(streams):
            predictor.score([fullest] * listings)


def labels_by_language(taxonomy: Taxonomy) -> LabelsByLanguage:
    """Label and group of every category in every language, looked up once when a version is loaded."""
    return {
        language: {code: (taxonomy.label(code, language), taxonomy.group(code, language)) for code in taxonomy.codes}
        for language in LANGUAGES
    }
