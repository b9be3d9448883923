"""Photos for listings that have trustworthy labels but none: borrowed from listings of the same category.

Where true labels come without photos and photos with voted labels, text and photo together can only be calibrated on
votes. Votes of text models lie: text is right where it is easy, and on them looks better than it is. So each listing
with a true label is given the photo of a voted one of its category whose text looks the most alike to the text network,
by the Hellinger distance of the two answers (nearest-neighbour hot deck imputation: Andridge and Little 2010). A wrong
vote lends a photo of another category, which makes fusion look worse, never better.

It has to be the nearest: listings that are hard to tell by text are also hard by photo. On the challenge's voted
listings, whose own photos are known, fusion is right in 82.9 % with their own photos, 83.0 % with the nearest other's
and 84.2 % with any other's of the category. Every calibration measures the first two anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

NONE = -1


def nearest_donors(log_text: Floats, labels: Labels, donor_text: Floats, donor_labels: Labels) -> NDArray[np.int64]:
    """For each of N listings the number of the donor of its category with the most similar text: int64 [N].

    `log_text` [N, C] and `donor_text` [M, C] are log-probabilities; `NONE` where no donor has the category.
    """
    chosen = np.full(len(labels), NONE, np.int64)
    for label in np.unique(labels):
        rows, donors = np.flatnonzero(labels == label), np.flatnonzero(donor_labels == label)
        if len(donors):
            chosen[rows] = donors[_affinity(log_text[rows], donor_text[donors]).argmax(1)]
    return chosen


def nearest_others(log_text: Floats, labels: Labels) -> NDArray[np.int64]:
    """The same among N listings themselves, none being its own donor."""
    chosen = np.full(len(labels), NONE, np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) > 1:
            affinity = _affinity(log_text[rows], log_text[rows])
            np.fill_diagonal(affinity, -np.inf)
            chosen[rows] = rows[affinity.argmax(1)]
    return chosen


def _affinity(first: Floats, second: Floats) -> Floats:
    """Bhattacharyya coefficients [N, M] of log-probabilities: 1 less the squared Hellinger distance."""
    return np.asarray(np.exp(first / 2) @ np.exp(second / 2).T, np.float32)
