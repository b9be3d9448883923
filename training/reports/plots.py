"""Plots for reports, as the bytes of an SVG or PNG file: the same data give the same bytes, and calls share no state.

Colours are those of Okabe and Ito (2008), which people with any kind of colour vision can tell apart; each series has a
marker or a line style of its own besides. SVG text stays text, so scripts that Matplotlib's font lacks are shown in the
viewer's.
"""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from models.listing import Evidence
from training.evaluation.intervals import share_estimate

Format = Literal["svg", "png"]
CaseFigures = Mapping[str, Any]
"""What `training.evaluation.metrics.evidence_metrics` returns."""

BLUE, ORANGE, GREEN, PURPLE, LIGHT_BLUE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
GREY, INK = "#5f6670", "#20242a"
SERIES = {
    "both": (Evidence.BOTH.label, BLUE, "o", "-"),
    "text": (Evidence.TEXT.label, ORANGE, "s", "--"),
    "image": (Evidence.IMAGE.label, GREEN, "^", "-."),
    "title": (Evidence.TITLE.label, PURPLE, "D", ":"),
}
"""Label, colour, marker and line of each evidence."""
STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "grid.color": "#e3e6ea",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "pykuten",
    "text.parse_math": False,  # a category may have a $ in its name
}
PANEL = (3.9, 3.9)
"""Inches of the plots that stand side by side."""
SMALLEST_SHARE = 0.002
"""Where the colours of the confusion matrix begin."""
LABEL_CHARACTERS, TITLE_CHARACTERS = 30, 34


def confusion_matrix(
    confusion: Sequence[Sequence[int]], names: Sequence[str], title: str = "", *, kind: Format = "svg"
) -> bytes:
    """Counts [C, C] (rows true, columns predicted), row shares as log-scaled colours. Readable up to 45 classes."""
    counts = np.asarray(confusion, dtype=np.int64)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    scale = LogNorm(SMALLEST_SHARE, 1, clip=True)
    labels = [_short(name) for name in names]
    side = 3.6 + 0.34 * len(labels)
    with _drawing((side + 0.8, side), kind) as (figure, result):
        axes = figure.subplots()
        image = axes.imshow(np.ma.masked_equal(shares, 0), cmap="YlGnBu", norm=scale)
        for row, column in zip(*np.nonzero(counts), strict=True):
            text = str(counts[row, column])
            colour = "white" if scale(shares[row, column]) > 0.6 else INK
            size = 8.5 if len(text) < 4 else 6.5
            written = axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)
            written.set_in_layout(False)  # hundreds of them would make the layout slow
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=9.5)
        axes.set_yticks(range(len(labels)), labels, fontsize=9.5)
        axes.set_xticks(np.arange(len(labels) + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
        axes.grid(visible=False, which="major")
        axes.grid(which="minor", color="#e3e6ea", linewidth=0.5)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="predicted category", ylabel="true category", title=_printable(title))
        bar = figure.colorbar(image, ax=axes, shrink=0.5, pad=0.02, ticks=[0.01, 0.1, 1], format=PercentFormatter(1))
        bar.set_label("share of the true category's listings")
        bar.minorticks_off()
        bar.outline.set_visible(False)
    return result.getvalue()


def reliability_diagram(figures: CaseFigures, evidence: str, *, kind: Format = "svg") -> bytes:
    """Accuracy over confidence by equal-mass bins with 95 % intervals, and how many listings have which confidence."""
    name, colour, marker, _ = _series(evidence)
    bins, counts = figures["reliability"], figures["confidence_histogram"]
    estimates = [share_estimate(round(bin_["accuracy"] * bin_["n"]), bin_["n"]) for bin_ in bins]
    errors = [[e["value"] - e["low"] for e in estimates], [e["high"] - e["value"] for e in estimates]]
    with _drawing((3.5, 4.4), kind) as (figure, result):
        axes, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (4, 1)})
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        axes.errorbar(
            [bin_["confidence"] for bin_ in bins],
            [estimate["value"] for estimate in estimates],
            errors,
            color=colour,
            marker=marker,
            markersize=5,
            linewidth=1.3,
            elinewidth=1,
        )
        axes.set(ylim=(0, 1.02), ylabel="accuracy", title=f"{name} (n = {figures['n']:,})")
        left = np.arange(len(counts)) / len(counts)
        below.bar(left, counts, 1 / len(counts), align="edge", color=colour, alpha=0.4, edgecolor="white")
        below.set(xlim=(0, 1.02), ylabel="listings", xlabel="confidence")
        below.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        below.xaxis.set_major_formatter(PercentFormatter(1))
        figure.align_ylabels()
    return result.getvalue()


def coverage_precision(
    cases: Mapping[str, CaseFigures], title: str = "", *, lowest: float | None = None, kind: Format = "svg"
) -> bytes:
    """Precision of the most certain listings over their share, by case; rings show what the version's thresholds do.

    `lowest` is where the axis of precision begins, to make plots of several cohorts comparable.
    """
    least = min(point["precision"] for figures in cases.values() for point in figures["sweep"])
    with _drawing(PANEL, kind) as (figure, result):
        axes = figure.subplots()
        for precision in (0.95, 0.99):
            axes.axhline(precision, color=GREY, linewidth=0.9, linestyle=(0, (2, 3)))
        for evidence, figures in cases.items():
            name, colour, marker, line = _series(evidence)
            points = [(point["coverage"], point["precision"]) for point in figures["sweep"]]
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=line)
            chosen = [
                (decision["coverage"], decision["achieved"]["value"])
                for decision in figures["decisions"]
                if decision["achieved"]
            ]
            axes.plot(
                *(zip(*chosen, strict=True) if chosen else ([], [])),
                linestyle="",
                marker=marker,
                markersize=6,
                markerfacecolor="white",
                color=colour,
            )
            axes.plot([], [], color=colour, linestyle=line, marker=marker, markerfacecolor="white", label=name)
        axes.set(xlim=(0, 1.01), ylim=(max((least if lowest is None else lowest) - 0.03, 0), 1.01))
        axes.set(xlabel="coverage: share filed without a human", ylabel="precision of what is filed")
        axes.set_title(_wrapped(title))
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(loc="lower left")
    return result.getvalue()


def learning_curve(curve: Mapping[str, Any], *, kind: Format = "svg") -> bytes:
    """Loss and validation accuracy after each epoch of one fit; the dotted line is at the smallest validation loss."""
    with _drawing((PANEL[0], PANEL[1] + 0.8), kind) as (figure, result):
        loss, accuracy = figure.subplots(2, 1, sharex=True)
        _epochs(loss, curve["train_loss"], "training", LIGHT_BLUE, "o")
        _epochs(loss, curve["validation_loss"], "validation", BLUE, "s")
        _epochs(accuracy, curve["validation_accuracy"], "validation", BLUE, "s")
        known = [(value, epoch) for epoch, value in enumerate(curve["validation_loss"], 1) if value is not None]
        if known:
            for axes in (loss, accuracy):
                axes.axvline(min(known)[1], color=GREY, linewidth=1, linestyle=(0, (2, 3)))
        loss.set(ylabel="loss (nats)", title=_wrapped(curve["network"]))
        loss.legend()
        accuracy.set(ylabel="accuracy", xlabel="epoch")
        accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if _spread(curve) > 0.04 else 1))
        accuracy.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.align_ylabels()
    return result.getvalue()


def class_f1(names: Sequence[str], scores: Mapping[str, Sequence[float | None]], *, kind: Format = "svg") -> bytes:
    """F1 of each class: a bar for the first case of `scores`, markers for the others. None leaves a gap."""
    main, *others = scores
    rows = range(len(names))
    with _drawing((10.5, 1.2 + 0.28 * len(names)), kind) as (figure, result):
        axes = figure.subplots()
        name, colour, *_ = _series(main)
        axes.barh(rows, [score or 0.0 for score in scores[main]], height=0.66, color=colour, alpha=0.35, label=name)
        for evidence in others:
            name, colour, marker, _ = _series(evidence)
            values = [math.nan if score is None else score for score in scores[evidence]]
            axes.plot(values, rows, linestyle="", marker=marker, color=colour, markersize=6, label=name)
        axes.set_yticks(rows, [_printable(name) for name in names], fontsize=9.5)
        axes.set(xlim=(0, 1), ylim=(len(names) - 0.4, -0.6), xlabel="F1")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside upper right", ncols=len(scores))
    return result.getvalue()


@contextmanager
def _drawing(size: tuple[float, float], kind: Format) -> Iterator[tuple[Figure, io.BytesIO]]:
    """A figure of `size` inches to draw on, and where its bytes are on leaving."""
    result = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the viewer of an SVG has its own fonts
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, result
        figure.savefig(result, format=kind, dpi=110, metadata={"Date": None} if kind == "svg" else {"Software": None})


def _epochs(axes: Axes, values: Sequence[float | None], label: str, colour: str, marker: str) -> None:
    """A line over epochs counted from 1; None (a loss that was not finite) leaves a gap."""
    numbers = [math.nan if value is None else value for value in values]
    axes.plot(range(1, len(numbers) + 1), numbers, color=colour, marker=marker, markersize=4, label=label)


def _spread(curve: Mapping[str, Any]) -> float:
    values = [value for value in curve["validation_accuracy"] if value is not None]
    return max(values) - min(values) if values else 0.0


def _series(evidence: str) -> tuple[str, str, str, str]:
    return SERIES.get(evidence, (_printable(evidence), GREY, "x", "-"))


def _short(text: str) -> str:
    text = _printable(text)
    return text if len(text) <= LABEL_CHARACTERS else text[: LABEL_CHARACTERS - 1].rstrip() + "…"


def _wrapped(text: str) -> str:
    return textwrap.fill(_printable(text), TITLE_CHARACTERS)


def _printable(text: str) -> str:
    """Without what no XML file and no font can show."""
    return "".join(character if character.isprintable() else " " for character in text)
