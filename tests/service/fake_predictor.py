"""A predictor without trained networks: everything but the networks is the real thing, and those answer by hashing."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.decision.calibration import PRECISIONS, Calibration, EvidenceCalibration
from models.decision.fusion import Fusion
from models.decision.prediction import Scores
from models.listing import Evidence, Modality
from models.networks.inference import Networks
from models.predictor import Predictor
from models.preprocessing.prepare import Preparation, Prepared
from models.preprocessing.settings import ImagePreprocessing, Preprocessing
from models.preprocessing.text.clean import ListingText
from models.taxonomy import Category, Taxonomy
from models.versions.manifest import Manifest, NetworkEntry, write_manifest
from models.versions.store import Store

# fmt: off
CODES = [
    "10", "40", "50", "60", "1140", "1160", "1180", "1280", "1281", "1300", "1301", "1302", "1320", "1560",
    "1920", "1940", "2060", "2220", "2280", "2403", "2462", "2522", "2582", "2583", "2585", "2705", "2905",
]
# fmt: on
TAXONOMY = Taxonomy(
    tuple(
        Category(
            code,
            {"fr": f"Catégorie {code}", "en": f"Category {code}", "de": f"Kategorie {code}"},
            {"fr": "Maison", "en": "Home", "de": "Haus"},
        )
        for code in CODES
    )
)
POISON = "poison"
"""A text that makes the whole pass of the networks fail, as a bug would."""
BUG = "bug"
"""A text that makes its preparation fail, as a bug would."""


class FakeNetwork:
    """Logits from a hash of each row, without its padding."""

    input_names = ("ids", "pixels")
    classes = len(CODES)
    precision = "f32"
    runtime: Literal["openvino", "keras"] = "openvino"

    def logits(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        (rows,) = inputs.values()
        return np.stack([self._logits(row) for row in rows])

    def _logits(self, row: np.ndarray) -> np.ndarray:
        content = np.trim_zeros(row.ravel(), "b").astype(np.int32).tobytes()
        if content == _ids(POISON).tobytes():
            raise RuntimeError("the text was " + POISON)
        digest = hashlib.shake_256(content).digest(self.classes)
        return np.frombuffer(digest, np.uint8).astype(np.float32) / 16


def _ids(text: str) -> np.ndarray:
    return np.array([ord(c) for c in text] or [1], np.int32)


class FakeFeatures:
    """The code points of a text."""

    def extract(self, text: ListingText) -> dict[str, np.ndarray]:
        if text.designation == BUG:
            raise RuntimeError("the text was " + BUG)
        return {"ids": _ids(text.designation if not text.description else f"{text.designation}|{text.description}")}


def _calibration() -> Calibration:
    evidence = EvidenceCalibration(
        temperature=1.0,
        listings=1000,
        thresholds=[precision - 0.3 for precision in PRECISIONS[:-1]] + [None],
        class_thresholds={},
        set_floor=0.05,
    )
    return Calibration(PRECISIONS, 0.9, 0.95, dict.fromkeys(Evidence, evidence))


def manifest_fields(created: datetime) -> dict[str, Any]:
    """What a manifest of a fake version says of it, made at that time."""
    return {
        "name": "fake",
        "created": created,
        "classes": len(CODES),
        "networks": {m: NetworkEntry(name=f"fake-{m}", parameters=1, precision="f32") for m in Modality},
        "run": {"seed": 1},
        "data": {"listings": 1000},
        "libraries": {"numpy": np.__version__},
    }


class FakePredictor(Predictor):
    """`gate`: cleared, scoring waits until it is set. `scored`: sizes of the passes so far."""

    def __init__(self, version: str = "2026.11.25-1f3a9c2") -> None:
        manifest = Manifest(
            format_version=1,
            version=version,
            digest="0" * 64,
            files={},
            **manifest_fields(datetime(2026, 11, 25, tzinfo=UTC)),
        )
        config = Preprocessing(image=ImagePreprocessing(height=16, width=16))
        network = FakeNetwork()
        super().__init__(
            manifest,
            TAXONOMY,
            Preparation(config, FakeFeatures()),
            Networks({Modality.TEXT: network, Modality.IMAGE: network}),
            Fusion.mean(len(CODES)),
            _calibration(),
        )
        self.gate = threading.Event()
        self.gate.set()
        self.scored: list[int] = []
        self.threads: set[str] = set()

    def score(self, prepared: Sequence[Prepared]) -> list[Scores]:
        self.threads.add(threading.current_thread().name)
        self.scored.append(len(prepared))
        self.gate.wait(10)
        return super().score(prepared)


def seal_version(store: Store, day: int) -> str:
    """Seal a version folder that `read_manifest` takes (its networks are not there); returns its name."""
    with store.draft() as draft:
        TAXONOMY.write(draft / "taxonomy.json")
        _calibration().write(draft)
        (draft / "metrics.json").write_text('{"cohorts": {"test": {"n": 5, "cases": {}}}, "classes": []}')
        manifest = write_manifest(draft, **manifest_fields(datetime(2026, 11, day, tzinfo=UTC)))
        store.seal(draft, manifest.version)
    return manifest.version


def load_fake(folder: Path) -> Predictor:
    """What a registry is given instead of `Predictor.load`."""
    return FakePredictor(folder.name)
