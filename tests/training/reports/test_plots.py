from __future__ import annotations

import matplotlib as mpl
import numpy as np

from tests.training.reports.pages import metrics_of
from training.reports import plots


def test_plots_leave_matplotlib_as_it_was_and_are_the_same_again() -> None:
    before = dict(mpl.rcParams)
    (curve,) = metrics_of()["curves"]
    assert plots.learning_curves({"gru": curve}, "") == plots.learning_curves({"gru": curve}, "")
    assert dict(mpl.rcParams) == before
    plots.confusion_matrix(np.zeros((2, 2), int).tolist(), ["日本", "$x_1$"])  # no listings, no such glyphs, no formula
