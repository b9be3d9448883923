"""Fitted ids beside `preprocessing.json`: one strictly ascending array of whole numbers in a `.npy` file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.errors import VersionRefused

Number = TypeVar("Number", bound=np.integer[Any])


def read_sorted_array(folder: Path, name: str, dtype: type[Number], longest: int) -> NDArray[Number]:
    """The array in file `name` of a version folder: 1 to `longest` numbers, each larger than the one before.

    Raises VersionRefused if the file is missing, damaged, longer, of another type or not ascending.
    """
    try:
        # Mapped first: a header that promises more numbers than the file holds is found before they get memory.
        mapped = np.load(folder / name, mmap_mode="r", allow_pickle=False)
        fits = isinstance(mapped, np.memmap) and mapped.ndim == 1 and mapped.dtype == np.dtype(dtype).newbyteorder("<")
        if not fits or not 1 <= len(mapped) <= longest:
            raise VersionRefused(f"{name} is not one array of 1 to {longest} numbers of type {np.dtype(dtype)}")
        array = np.array(mapped, dtype)
    except VersionRefused:
        raise
    except OSError as error:
        raise VersionRefused(f"{name} cannot be read: {error.strerror}") from error
    except Exception as error:  # damaged headers fail as Python literals do, in many ways
        raise VersionRefused(f"{name} is not a plain array: {type(error).__name__}") from error
    if (array[1:] <= array[:-1]).any():
        raise VersionRefused(f"{name} is not in ascending order, or has a number twice")
    return array


def write_sorted_array(folder: Path, name: str, array: NDArray[Number]) -> None:
    """Write file `name`: the same array always gives the same bytes. Raises ValueError if it is not ascending."""
    if array.ndim != 1 or not len(array) or (array[1:] <= array[:-1]).any():
        raise ValueError("only ascending arrays of at least one number are written")
    np.save(folder / name, array.astype(array.dtype.newbyteorder("<")), allow_pickle=False)
