"""The trained networks of a version, called on prepared listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import VersionRefused
from models.listing import Modality
from models.networks.runtime import Network, RuntimeName, load_network
from models.preprocessing.prepare import Prepared
from models.preprocessing.text.features import pad_batch, serving_length
from models.timing import Stage, timed
from models.versions.manifest import Manifest

MAX_BATCH = 32
"""Most texts in one pass: text networks gain until about 32."""
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
        return timed(Stage.NETWORK, self._logits, prepared)

    def _logits(self, prepared: Sequence[Prepared]) -> list[Logits]:
        answers: list[dict[Modality, NDArray[np.float32]]] = [{} for _ in prepared]
        for modality, network in self.by_modality.items():
            part = _PART[modality]
            rows = [row for row, listing in enumerate(prepared) if part(listing) is not None]
            most = _most(modality, network)
            for batch in (rows[start : start + most] for start in range(0, len(rows), most)):
                logits = network.logits(_inputs(modality, [part(prepared[row]) for row in batch]))
                for row, values in zip(batch, logits, strict=True):
                    answers[row][modality] = values
        return list(answers)


_PART = {Modality.TEXT: attrgetter("text"), Modality.IMAGE: attrgetter("pixels")}
"""What of a prepared listing a network takes; None where the listing has nothing for it."""


def _inputs(modality: Modality, parts: Sequence[Any]) -> Mapping[str, NDArray[np.generic]]:
    if modality is Modality.IMAGE:
        return {"pixels": parts[0][None] if len(parts) == 1 else np.stack(parts)}
    return pad_batch(parts, serving_length)


def _most(modality: Modality, network: Network) -> int:
    """Listings for one pass. Photos in float32 gain nothing from a common pass (docs/decisions/0021)."""
    if modality is Modality.TEXT:
        return MAX_BATCH
    return 1 if (network.runtime, network.precision) == ("openvino", "f32") else MAX_PHOTOS
