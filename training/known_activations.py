"""Activations that another run of the workspace has computed already, photo by photo.

Runs on a part of a catalogue's photos, or with other labels for them, need not ask the trunk again. The augmented views
of a photo are then those that were drawn for it there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.workspace import DONE

FILE_NAME = "activations.npy"
TRAIN = "train"


def copy_known(
    stored: NDArray[np.float16], inputs: Mapping[str, Any], folder: Path, parts: NDArray[np.object_]
) -> NDArray[np.bool_]:
    """Fill `stored` [1 + views, N, ...] from finished stages beside `folder`; which of the N photos are known then.

    `inputs` are the stage's own, with the N photos' fingerprints under "photos" and, as `parts` [N], their parts of the
    split; stages that differ in anything else are passed over. A training photo needs all its views.
    """
    known = np.zeros(stored.shape[1], bool)
    for source, told in _like(inputs, folder):
        places = {json.dumps(photo): place for place, photo in enumerate(told["photos"])}
        found = np.array([places.get(json.dumps(photo), -1) for photo in inputs["photos"]], np.int64)
        taught = np.array([part == TRAIN for part in told["parts"]], bool)
        usable = (found >= 0) & ~known & ((parts != TRAIN) | taught[np.maximum(found, 0)])
        if not usable.any():
            continue
        activations = np.load(source, mmap_mode="r", allow_pickle=False)
        rows = np.flatnonzero(usable)
        for view in range(len(stored)):
            stored[view, rows] = activations[view, found[rows]]
        known |= usable
    return known


def _like(inputs: Mapping[str, Any], folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Finished stages of the same trunk, pixels and augmentation: their file, and what they were made of."""
    stage = folder.name.rpartition("-")[0]
    for done in sorted(folder.parent.glob(f"{stage}-*/{DONE}")):
        told = json.loads(done.read_text())["inputs"]
        same = all(told.get(key) == value for key, value in inputs.items() if key not in ("photos", "parts"))
        if done.parent != folder and same:
            yield done.parent / FILE_NAME, told
