"""The trained networks of a version, called on prepared listings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import VersionRefused
from models.listing import Modality
from models.networks.runtime import Network, RuntimeName, load_network
from models.preprocessing.prepare import Prepared
from models.preprocessing.text.features import pad_batch, serving_length
from models.timing import Stage, StageTimer
from models.versions.manifest import Manifest

MAX_BATCH = 32
"""Most listings in one pass of a network: text networks gain until about 32."""
MAX_PHOTOS = 4
"""Most photos in one pass: image networks gain until about 4, and OpenVINO keeps memory for the largest pass it met."""

Logits = Mapping[Modality, NDArray[np.float32]]
"""For each modality that a listing has: float32 [C], before any softmax."""


@dataclass(frozen=True)
class Networks:
    """One network for each modality of the version; thread-safe."""

    by_modality: Mapping[Modality, Network]

    @classmethod
    def load(
        cls,
        folder: Path,
        manifest: Manifest,
        *,
        runtime: RuntimeName = "auto",
        streams: int = 1,
        threads: int = 1,
        precision: str = "",
    ) -> Networks:
        """Load every network of the manifest. `precision` overrides the manifest's. Raises VersionRefused."""
        return cls(
            {
                modality: load_network(
                    folder,
                    modality,
                    runtime=runtime,
                    streams=streams,
                    threads=threads,
                    precision=precision or entry.precision,
                )
                for modality, entry in manifest.networks.items()
            }
        )

    def check_classes(self, classes: int) -> None:
        """Raises VersionRefused when a network answers for another number of classes than the taxonomy has."""
        for modality, network in self.by_modality.items():
            if network.classes != classes:
                raise VersionRefused(f"the {modality} network has {network.classes} classes, the taxonomy {classes}")

    def logits(self, prepared: Sequence[Prepared]) -> list[Logits]:
        """Logits of each listing for the modalities it has, in the order given; at most `MAX_BATCH` texts and
        `MAX_PHOTOS` photos a pass.
        """
        with StageTimer(Stage.NETWORK):
            return self._logits(prepared)

    def _logits(self, prepared: Sequence[Prepared]) -> list[Logits]:
        answers: list[dict[Modality, NDArray[np.float32]]] = [{} for _ in prepared]
        for modality, network in self.by_modality.items():
            rows = [row for row, listing in enumerate(prepared) if modality in listing.modalities]
            for batch in _batches(rows, _most(modality, network)):
                logits = network.logits(_inputs(modality, [prepared[row] for row in batch]))
                for row, values in zip(batch, logits, strict=True):
                    answers[row][modality] = values
        return list(answers)


def _inputs(modality: Modality, prepared: Sequence[Prepared]) -> Mapping[str, NDArray[np.generic]]:
    if modality is Modality.IMAGE:
        pixels = [listing.pixels for listing in prepared if listing.pixels is not None]
        return {"pixels": pixels[0][None] if len(pixels) == 1 else np.stack(pixels)}
    return pad_batch([listing.text for listing in prepared if listing.text is not None], serving_length)


def _most(modality: Modality, network: Network) -> int:
    """Listings for one pass. In float32 OpenVINO takes as long for four photos together as for four alone (16.1 to 16.7
    and 15.8 to 16.6 ms each, EfficientNet-Lite2 at 260), and their activations are 130 MB with two streams.
    """
    if modality is Modality.TEXT:
        return MAX_BATCH
    return 1 if (network.runtime, network.precision) == ("openvino", "f32") else MAX_PHOTOS


def _batches(rows: Sequence[int], most: int) -> Iterable[Sequence[int]]:
    return (rows[start : start + most] for start in range(0, len(rows), most))
