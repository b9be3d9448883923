"""Checkpoints of PyTorch are read without it, and never run."""

from __future__ import annotations

import dataclasses
import os
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.networks.torch_checkpoint import CheckpointRefused, read_state_dict


def _rebuild_tensor_v2() -> None: ...


class FloatStorage: ...


_rebuild_tensor_v2.__module__, FloatStorage.__module__ = "torch._utils", "torch"


class Tensor:
    """Is pickled as PyTorch pickles a tensor: as a view of a storage that lies elsewhere in the archive."""

    def __init__(
        self, array: np.ndarray, *, offset: int = 0, shape: tuple[int, ...] = (), stride: tuple[int, ...] = ()
    ) -> None:
        self.storage = array if array.base is None else array.base
        self.offset = offset
        self.shape = shape or array.shape
        self.stride = stride or tuple(step // array.itemsize for step in array.strides)

    def __reduce__(self) -> tuple[Any, ...]:
        storage = Storage(self.storage.tobytes())
        return _rebuild_tensor_v2, (storage, self.offset, self.shape, self.stride, False, OrderedDict())


@dataclasses.dataclass
class Storage:
    content: bytes


class Pickler(pickle.Pickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file, protocol=2)
        self.storages: list[bytes] = []

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        self.storages.append(obj.content)
        return ("storage", FloatStorage, str(len(self.storages) - 1), "cpu", len(obj.content) // 4)


@pytest.fixture
def write_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Writes a zip checkpoint as PyTorch would."""
    for module, item in (("torch", FloatStorage), ("torch._utils", _rebuild_tensor_v2)):
        stand_in = types.ModuleType(module)
        setattr(stand_in, item.__name__, item)
        monkeypatch.setitem(sys.modules, module, stand_in)

    def write(content: object) -> Path:
        path = tmp_path / "checkpoint.pth"
        with zipfile.ZipFile(path, "w") as archive:
            with archive.open("net/data.pkl", "w") as file:
                pickler = Pickler(file)
                pickler.dump(content)
            for index, storage in enumerate(pickler.storages):
                archive.writestr(f"net/data/{index}", storage)
        return path

    return write


def test_a_state_dict_is_read_without_pytorch(write_checkpoint: Any) -> None:
    plain = np.arange(6, dtype=np.float32).reshape(2, 3)
    turned = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)
    scalar = np.float32(7).reshape(())
    path = write_checkpoint(OrderedDict(plain=Tensor(plain), turned=Tensor(turned), scalar=Tensor(scalar)))
    state = read_state_dict(path)
    assert list(state) == ["plain", "turned", "scalar"]
    for name, expected in (("plain", plain), ("turned", turned), ("scalar", scalar)):
        np.testing.assert_array_equal(state[name], expected)


class Command:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("false",)


@pytest.mark.parametrize("content", [Command(), OrderedDict(weight=Command()), OrderedDict(weight=print)])
def test_a_checkpoint_that_names_a_function_is_refused(write_checkpoint: Any, content: object) -> None:
    with pytest.raises(CheckpointRefused, match="no state dict needs"):
        read_state_dict(write_checkpoint(content))


@pytest.mark.parametrize(
    "view",
    [
        {"offset": 1},
        {"offset": -1},
        {"shape": (5,)},
        {"shape": (-1,)},
        {"stride": (2,)},
        {"stride": (-1,), "offset": 3},
        {"shape": (10**9,), "stride": (0,)},
        {"shape": (2, 2)},
    ],
)
def test_a_tensor_cannot_reach_beyond_its_storage(write_checkpoint: Any, view: dict[str, Any]) -> None:
    four = np.ones(4, np.float32)
    assert read_state_dict(write_checkpoint({"weight": Tensor(four)}))["weight"].sum() == 4
    with pytest.raises(CheckpointRefused):
        read_state_dict(write_checkpoint({"weight": Tensor(four, **view)}))


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"\x80\x02}q\x00.", b"\x80\x02" + b"(" * 1000])
def test_damaged_checkpoints_are_refused(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "checkpoint.pth"
    path.write_bytes(damage)
    with pytest.raises(CheckpointRefused):
        read_state_dict(path)
