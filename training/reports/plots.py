"""Plots for reports, as the bytes of an SVG file: equal data give equal bytes, and calls share no state.

Colours are those of Okabe and Ito (2008), which people with any kind of colour vision can tell apart; each series also
has a marker or a line style of its own. SVG text stays text, so the viewer's fonts show what Matplotlib's font lacks.
"""

from __future__ import annotations

import base64
import io
import math
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from models.listing import evidence_label
from training.evaluation.intervals import share_estimate

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
GREY, INK = "#5f6670", "#20242a"
SERIES = {
    "both": (BLUE, "o", "-"),
    "text": (ORANGE, "s", "--"),
    "image": (GREEN, "^", "-."),
    "title": (PURPLE, "D", ":"),
}
"""Colour, marker and line of each kind of evidence."""
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#E69F00", "#56B4E9", GREY)
"""Okabe and Ito's without yellow, which a white ground swallows."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":")
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
DOTTED = (0, (2, 3))
SMALLEST_SHARE = 0.002
"""Where the colours of the confusion matrix begin."""
MATRIX_CLASSES = 40
"""A confusion matrix shows at most so many categories; more cannot be read."""
FEW_CLASSES = 15
"""So few have room for names on two lines."""
LABEL_CHARACTERS, TITLE_CHARACTERS = 30, 34


@dataclass(frozen=True)
class Picture:
    """A plot as a data URI, and its alternative text."""

    uri: str
    alt: str

    @classmethod
    def of(cls, svg: bytes, alt: str) -> Picture:
        """The plot as a data URI."""
        return cls("data:image/svg+xml;base64," + base64.b64encode(svg).decode(), alt)


def condensed(confusion: Sequence[Sequence[int]], names: Sequence[str]) -> tuple[list[list[int]], list[str]]:
    """The matrix and its names; beyond `MATRIX_CLASSES` those with the most mistakes, the others added up as one."""
    counts = np.array(confusion, dtype=np.int64)
    if len(names) <= MATRIX_CLASSES:
        return counts.tolist(), list(names)
    mistakes = counts.sum(0) + counts.sum(1) - 2 * counts.diagonal()
    chosen = np.sort(np.argsort(-mistakes, kind="stable")[: MATRIX_CLASSES - 1])
    position = np.full(len(names), len(chosen))
    position[chosen] = np.arange(len(chosen))
    gathered = np.zeros((MATRIX_CLASSES, MATRIX_CLASSES), np.int64)
    np.add.at(gathered, (position[:, None], position[None, :]), counts)
    return gathered.tolist(), [*(names[label] for label in chosen), f"{len(names) - len(chosen)} others"]


def confusion_matrix(confusion: Sequence[Sequence[int]], names: Sequence[str], title: str = "") -> bytes:
    """Counts [C, C] (rows true, columns predicted), row shares as log-scaled colours; `condensed` where C is large."""
    confusion, names = condensed(confusion, names)
    counts = np.asarray(confusion, dtype=np.int64)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    scale = LogNorm(SMALLEST_SHARE, 1, clip=True)
    lines = 2 if len(names) <= FEW_CLASSES else 1
    wrap = textwrap.TextWrapper(LABEL_CHARACTERS, max_lines=lines, placeholder="…")
    labels = [wrap.fill(printable(name)) for name in names]
    side = 3.6 + 0.34 * len(labels)
    with drawing(side + 0.8, side) as (figure, result):
        axes = figure.subplots()
        image = axes.imshow(np.ma.masked_equal(shares, 0), cmap="YlGnBu", norm=scale)
        for row, column in zip(*np.nonzero(counts), strict=True):
            text = str(counts[row, column])
            colour = "white" if scale(shares[row, column]) > 0.6 else INK
            size = 8.5 if len(text) < 4 else 6.5
            count = axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)
            count.set_in_layout(False)  # hundreds of them would make the layout slow
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=9.5)
        axes.set_yticks(range(len(labels)), labels, fontsize=9.5)
        axes.set_xticks(np.arange(len(labels) + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
        axes.grid(visible=False, which="major")
        axes.grid(which="minor", color="#e3e6ea", linewidth=0.5)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="predicted category", ylabel="true category", title=printable(title))
        bar = figure.colorbar(image, ax=axes, shrink=0.5, pad=0.02, ticks=[0.01, 0.1, 1], format=PercentFormatter(1))
        bar.set_label("share of the true category's listings")
        bar.minorticks_off()
        bar.outline.set_visible(False)
    return result.getvalue()


def reliability_diagram(figures: Mapping[str, Any], evidence: str) -> bytes:
    """Accuracy over confidence by equal-mass bins with 95 % intervals, above a histogram of the confidences."""
    name, colour, marker, _ = series(evidence)
    bins, counts = figures["reliability"], figures["confidence_histogram"]
    estimates = [share_estimate(round(part["accuracy"] * part["n"]), part["n"]) for part in bins]
    look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 5, "linewidth": 1.3, "elinewidth": 1}
    with drawing(3.5, 4.4) as (figure, result):
        axes, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (4, 1)})
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        values, errors = with_errors(estimates)
        axes.errorbar([part["confidence"] for part in bins], values, errors, **look)
        axes.set(ylim=(0, 1.02), ylabel="accuracy", title=f"{name} (n = {figures['n']:,})")
        left = np.arange(len(counts)) / len(counts)
        below.bar(left, counts, 1 / len(counts), align="edge", color=colour, alpha=0.4, edgecolor="white")
        below.set(xlim=(0, 1.02), ylabel="listings", xlabel="confidence")
        below.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        below.xaxis.set_major_formatter(PercentFormatter(1))
        figure.align_ylabels()
    return result.getvalue()


def coverage_precision(cases: Mapping[str, Mapping[str, Any]], title: str, *, lowest: float) -> bytes:
    """Precision of the most certain listings over their share, by evidence; markers show the version's thresholds.

    `lowest` is the smallest precision of all plots that are to be compared: their axes begin alike.
    """
    with drawing(*PANEL) as (figure, result):
        axes = figure.subplots()
        coverage_axes(axes, title, lowest)
        for evidence, figures in cases.items():
            name, colour, marker, line = series(evidence)
            points = [(point["coverage"], point["precision"]) for point in figures["sweep"]]
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=line)
            filed = [(row["coverage"], row["achieved"]["value"]) for row in figures["decisions"] if row["achieved"]]
            look: dict[str, Any] = {"color": colour, "marker": marker, "markerfacecolor": "white"}
            axes.plot(*(zip(*filed, strict=True) if filed else ([], [])), linestyle="", markersize=6, **look)
            axes.plot([], [], linestyle=line, label=name, **look)
        axes.legend(loc="lower left")
    return result.getvalue()


def learning_curves(curves: Mapping[str, Mapping[str, Any]], title: str) -> bytes:
    """Loss and validation accuracy after each epoch, one line for each fit; thin lines are the training loss.

    A single fit has a dotted line at its smallest validation loss.
    """
    with drawing(4.6, 5.0 + 0.2 * len(curves)) as (figure, result):
        loss, accuracy = figure.subplots(2, 1, sharex=True)
        for number, (name, curve) in enumerate(curves.items()):
            colour, marker, line = look_of(number)
            look: dict[str, Any] = {"color": colour, "linestyle": line, "marker": marker, "markersize": 4}
            loss.plot(*epochs(curve["train_loss"]), color=colour, linewidth=0.8, alpha=0.55, marker=".")
            loss.plot(*epochs(curve["validation_loss"]), label=printable(name), **look)
            accuracy.plot(*epochs(curve["validation_accuracy"]), **look)
            known = [(value, epoch) for epoch, value in enumerate(curve["validation_loss"], 1) if value is not None]
            if known and len(curves) == 1:
                for axes in (loss, accuracy):
                    axes.axvline(min(known)[1], color=GREY, linewidth=1, linestyle=DOTTED)
        loss.set(ylabel="loss (nats)", title=wrapped(title))
        accuracy.set(ylabel="validation accuracy", xlabel="epoch")
        accuracy.yaxis.set_major_formatter(PercentFormatter(1))
        accuracy.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.align_ylabels()
        figure.legend(loc="outside lower left", ncols=1)
    return result.getvalue()


def class_f1(names: Sequence[str], scores: Mapping[str, Sequence[float | None]]) -> bytes:
    """F1 of each class: a bar for the first evidence of `scores`, markers for the others. None leaves a gap."""
    main, *others = scores
    rows = range(len(names))
    with drawing(10.5, 1.2 + 0.28 * len(names)) as (figure, result):
        axes = figure.subplots()
        name, colour, *_ = series(main)
        axes.barh(rows, [score or 0.0 for score in scores[main]], height=0.66, color=colour, alpha=0.35, label=name)
        for evidence in others:
            name, colour, marker, _ = series(evidence)
            values = [math.nan if score is None else score for score in scores[evidence]]
            axes.plot(values, rows, linestyle="", marker=marker, color=colour, markersize=6, label=name)
        axes.set_yticks(rows, [printable(name) for name in names], fontsize=9.5)
        axes.set(xlim=(0, 1), ylim=(len(names) - 0.4, -0.6), xlabel="F1")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside upper right", ncols=len(scores))
    return result.getvalue()


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, io.BytesIO]]:
    """A figure in inches to draw on, and where its SVG is on leaving."""
    result = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the viewer of an SVG has its own fonts
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, result
        figure.savefig(result, format="svg", metadata={"Date": None})


def coverage_axes(axes: Axes, title: str, lowest: float) -> None:
    """Axes of precision over coverage, precision from just below `lowest`, with lines at 95 and 99 %."""
    for precision in (0.95, 0.99):
        axes.axhline(precision, color=GREY, linewidth=0.9, linestyle=DOTTED)
    axes.set(xlim=(0, 1.01), ylim=(max(lowest - 0.03, 0), 1.01), title=wrapped(title))
    axes.set(xlabel="coverage: share filed without a human", ylabel="precision of what is filed")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def with_errors(estimates: Sequence[Mapping[str, Any]]) -> tuple[list[float], list[list[float]]]:
    """Values of estimates, and the distances to the ends of their intervals as `errorbar` takes them."""
    errors = [[e["value"] - e["low"] for e in estimates], [e["high"] - e["value"] for e in estimates]]
    return [estimate["value"] for estimate in estimates], errors


def epochs(values: Sequence[float | None]) -> tuple[list[int], list[float]]:
    """Epochs counted from 1 and their values; a loss that was not finite leaves a gap."""
    return list(range(1, len(values) + 1)), [math.nan if value is None else value for value in values]


def series(evidence: str) -> tuple[str, str, str, str]:
    """Label, colour, marker and line of a kind of evidence, which may be unknown here."""
    return printable(evidence_label(evidence)), *SERIES.get(evidence, (GREY, "x", "-"))


def look_of(number: int) -> tuple[str, str, str]:
    """Colour, marker and line of one of many series."""
    return COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)], LINES[number % len(LINES)]


def printable(text: str) -> str:
    """The text without what no XML file and no font can show."""
    return "".join(character if character.isprintable() else " " for character in text)


def wrapped(text: str) -> str:
    """A title over several lines."""
    return textwrap.fill(printable(text), TITLE_CHARACTERS)
