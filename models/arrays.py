"""The array types that the packages pass around; shapes stand in the docstrings of those who take them."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""Logits, log-probabilities, probabilities, weights."""
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
"""Class indices, row numbers, counts."""
Positions = NDArray[np.intp]
Mask = NDArray[np.bool_]
