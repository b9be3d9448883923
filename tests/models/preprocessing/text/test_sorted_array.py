"""Arrays of ids beside the preprocessing: read as written, refused when they are anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import VersionRefused
from models.preprocessing.text.sorted_array import read_sorted_array, write_sorted_array

NAME = "ids.npy"


def read(folder: Path, longest: int = 100) -> Any:
    return read_sorted_array(folder, NAME, np.uint64, longest)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, 2**64 - 1), min_size=1, max_size=100))
def test_what_is_written_is_read(tmp_path: Path, numbers: set[int]) -> None:
    array = np.array(sorted(numbers), np.uint64)
    write_sorted_array(tmp_path, NAME, array)
    found = read(tmp_path)
    assert found.dtype == np.uint64
    np.testing.assert_array_equal(found, array)
    assert not isinstance(found, np.memmap)


@pytest.mark.parametrize("wrong", [[2, 1], [1, 1], []], ids=str)
def test_only_ascending_arrays_are_written(tmp_path: Path, wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        write_sorted_array(tmp_path, NAME, np.array(wrong, np.uint64))
    np.save(tmp_path / NAME, np.array(wrong, np.uint64))
    with pytest.raises(VersionRefused, match=NAME):
        read(tmp_path)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(3, dtype=np.int64),
        np.arange(3, dtype=np.float64),
        np.arange(3, dtype=">u8"),
        np.arange(4, dtype=np.uint64).reshape(2, 2),
        np.array(3, np.uint64),
        np.arange(101, dtype=np.uint64),
    ],
    ids=["signed", "floats", "big endian", "matrix", "scalar", "too long"],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / NAME, array)
    with pytest.raises(VersionRefused, match="array of 1 to 100 numbers"):
        read(tmp_path)


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / NAME, np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(VersionRefused, match="not a plain array"):
        read(tmp_path)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VersionRefused, match="cannot be read"):
        read(tmp_path)
    write_sorted_array(tmp_path, NAME, np.arange(50, dtype=np.uint64))
    content = (tmp_path / NAME).read_bytes()
    for damaged in (b"", content[:20], content[:-8], content.replace(b"(50,)", b"(9" + b"9" * 12 + b",)"), b"x" * 300):
        (tmp_path / NAME).write_bytes(damaged)
        with pytest.raises(VersionRefused, match=NAME):
            read(tmp_path)
