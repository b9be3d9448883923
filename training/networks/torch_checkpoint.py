"""Reads a PyTorch state dict (`.pth`) into numpy arrays without PyTorch and without running anything the file names.

A checkpoint is a pickle, and a pickle may name any function to be called. Here the names that a state dict needs
resolve to the harmless stand-ins below, and every other name is refused. Both layouts are read: the zip archive of
PyTorch 1.6 and later, and the older plain stream (magic number, protocol, system, state dict, storage keys, then each
storage's bytes).
"""

from __future__ import annotations

import collections
import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

STORAGE_DTYPES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


class CheckpointRefused(Exception):
    """The file is not a state dict of plain tensors, or names something that no state dict needs."""


@dataclass(frozen=True, slots=True)
class _Storage:
    """A flat run of numbers that tensors are views of."""

    key: str
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _tensor(storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object) -> _Tensor:
    """Stands for `torch._utils._rebuild_tensor_v2`; arguments after the stride (gradients, hooks) are ignored."""
    return _Tensor(storage, offset, tuple(shape), tuple(stride))


class _StateDictUnpickler(pickle.Unpickler):
    """Resolves only the names that a state dict is made of."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in STORAGE_DTYPES:
            return STORAGE_DTYPES[name]
        raise CheckpointRefused(f"the checkpoint names {module}.{name}, which no state dict needs")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key = pid[:3]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise CheckpointRefused("the checkpoint holds something other than tensor storages")
        return _Storage(str(key), dtype)


def read_state_dict(path: Path) -> dict[str, np.ndarray]:
    """The named tensors of a checkpoint, in its order. Raises CheckpointRefused or OSError."""
    data = path.read_bytes()
    try:
        tensors, read_storage = _open_zip(data) if data[:2] == b"PK" else _open_stream(data)
        return {str(name): _array(tensor, read_storage) for name, tensor in tensors.items()}
    except CheckpointRefused:
        raise
    except Exception as error:  # a damaged pickle fails in any way at all
        raise CheckpointRefused(f"the checkpoint cannot be read: {type(error).__name__}") from error


def _open_zip(data: bytes) -> tuple[Mapping[str, _Tensor], Callable[[_Storage], np.ndarray]]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    root = next(name for name in archive.namelist() if name.endswith("data.pkl")).removesuffix("data.pkl")
    tensors = _StateDictUnpickler(io.BytesIO(archive.read(f"{root}data.pkl"))).load()
    return tensors, lambda storage: np.frombuffer(archive.read(f"{root}data/{storage.key}"), storage.dtype)


def _open_stream(data: bytes) -> tuple[Mapping[str, _Tensor], Callable[[_Storage], np.ndarray]]:
    file = io.BytesIO(data)
    if _StateDictUnpickler(file).load() != LEGACY_MAGIC:
        raise CheckpointRefused("the file is not a PyTorch checkpoint")
    for _ in ("protocol", "system"):
        _StateDictUnpickler(file).load()
    tensors: Mapping[str, _Tensor] = _StateDictUnpickler(file).load()
    keys = _StateDictUnpickler(file).load()
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
    storages = {}
    for key in keys:
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        storages[str(key)] = np.frombuffer(file.read(count * dtypes[str(key)].itemsize), dtypes[str(key)])
    return tensors, lambda storage: storages[storage.key]


def _array(tensor: _Tensor, read_storage: Callable[[_Storage], np.ndarray]) -> np.ndarray:
    """The tensor's numbers, copied. Its offset and strides come from the file: they must stay inside the storage."""
    storage = read_storage(tensor.storage)
    if len(tensor.stride) != len(tensor.shape) or min((tensor.offset, *tensor.shape, *tensor.stride)) < 0:
        raise CheckpointRefused("the checkpoint holds a tensor without a proper shape")
    size = prod(tensor.shape)
    last = tensor.offset + sum((length - 1) * step for length, step in zip(tensor.shape, tensor.stride, strict=True))
    if size > len(storage) or (size and last >= len(storage)):
        raise CheckpointRefused("the checkpoint holds a tensor that reaches beyond its storage")
    strides = [step * storage.itemsize for step in tensor.stride]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides).copy()
