"""The C library's heap, told to give back what a released version held.

By default glibc takes larger and larger blocks from the heap once blocks of that size have been freed, and the heap
gets holes: twelve loads of the shipped version, one after the other, left 90 MB more resident than one (measured,
x86-64, glibc 2.36). With a fixed threshold every large block is its own mapping and goes back at once: 5 MB.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

MIB = 1024 * 1024
MMAP_THRESHOLD = 4 * MIB
"""Weights are larger; pixels, bodies and rows are smaller and stay in the heap, where they cost no page faults."""
TRIM_THRESHOLD = 16 * MIB
"""Free memory that the top of the heap keeps. A fixed mapping threshold ends the heap's own adjustment of this, and
its fixed value of 128 kB would give memory back and fetch it again with every photo."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def bound_heap() -> None:
    """Set the thresholds for this process; nothing happens where the C library is not glibc."""
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD)
        libc.mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD)


def trim_heap() -> None:
    """Give free memory back to the system: some milliseconds; nothing happens where the C library is not glibc."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
