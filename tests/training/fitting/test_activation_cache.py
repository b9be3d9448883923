"""Activations that another run has computed are copied, and only where they are the same thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.fitting.image import ACTIVATIONS_FILE, fill_from_cache
from training.workspace import Workspace

PHOTOS = [["a.jpg", 10, 1], ["b.jpg", 20, 2], ["c.jpg", 30, 3]]


def inputs(photos: list[list[Any]], parts: list[str], **other: Any) -> dict[str, Any]:
    return {"photos": photos, "parts": parts, "network": ["lite", "package", "head", 1], "seed": 7} | other


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with activations of three photos, the last one for validation: view v of photo p is 10 v + p."""
    workspace = Workspace(tmp_path, say=lambda line: None)

    def make(folder: Path) -> None:
        np.save(folder / ACTIVATIONS_FILE, np.array([[[0.0], [1.0], [2.0]], [[10.0], [11.0], [0.0]]], np.float16))

    workspace.stage("activations", inputs(PHOTOS, ["train", "train", "validation"]), make)
    return workspace


def copied(workspace: Workspace, photos: list[list[Any]], parts: list[str], **other: Any) -> tuple[Any, Any]:
    stored = np.full((2, len(photos), 1), -1, np.float16)
    folder = workspace.folder("activations-0123456789abcdef")
    known = fill_from_cache(stored, inputs(photos, parts, **other), folder, np.array(parts, object))
    return known.tolist(), stored[:, :, 0].tolist()


def test_photos_that_another_stage_has_are_copied_to_their_new_places(workspace: Workspace) -> None:
    known, stored = copied(workspace, [PHOTOS[1], ["new.jpg", 5, 5], PHOTOS[0]], ["train", "train", "validation"])
    assert known == [True, False, True]
    assert stored == [[1, -1, 0], [11, -1, 10]]


@pytest.mark.parametrize(
    ("photo", "part", "other", "known"),
    [
        (PHOTOS[2], "validation", {}, True),
        (PHOTOS[2], "train", {}, False),  # it has no augmented views
        (PHOTOS[0], "train", {}, True),
        (["a.jpg", 11, 1], "train", {}, False),  # it has changed
        (PHOTOS[0], "train", {"seed": 8}, False),
        (PHOTOS[0], "train", {"network": ["lite", "package", "head", 2]}, False),  # another trunk
    ],
)
def test_only_the_same_activations_are_known(
    workspace: Workspace, photo: list[Any], part: str, other: dict[str, Any], known: bool
) -> None:
    assert copied(workspace, [photo], [part], **other)[0] == [known]


def test_an_unfinished_stage_is_passed_over(workspace: Workspace) -> None:
    for done in workspace.root.glob("activations-*/done.json"):
        done.unlink()
    assert copied(workspace, PHOTOS, ["train"] * 3)[0] == [False] * 3
