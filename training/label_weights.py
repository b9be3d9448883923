"""How much a row counts in a fit beyond what its label source says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def balanced(labels: NDArray[np.int64], train: NDArray[np.bool_], power: float) -> NDArray[np.float32]:
    """Factors float32 [N] of rows with class indices [N]: (mean rows of a class / its own rows) to `power`.

    Counted on the rows where `train` is true, whose factors' mean is 1. A class without any has the factor 1, and so
    have all at power 0.
    """
    counts = np.bincount(labels[train], minlength=int(labels.max(initial=0)) + 1)
    present = counts[counts > 0]
    if not power or not len(present):
        return np.ones(len(labels), np.float32)
    factors = np.where(counts > 0, (present.mean() / np.maximum(counts, 1)) ** power, 1.0)[labels]
    return np.asarray(factors / factors[train].mean(), np.float32)
