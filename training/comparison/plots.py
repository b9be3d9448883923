"""Plots of several networks together, in the style of `training.reports.plots`: equal data give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, PercentFormatter
from matplotlib.transforms import Bbox

from training.reports.plots import INK, coverage_axes, drawing, look_of, printable, series, with_errors

WIDTH = 9.5
"""Inches of the plots that stand alone."""
SIDES = (
    ((0, 8), "center", "bottom"),
    ((0, -8), "center", "top"),
    ((9, 0), "left", "center"),
    ((-9, 0), "right", "center"),
    ((0, 19), "center", "bottom"),
    ((0, -19), "center", "top"),
)
"""Where a point's name may stand: offset in points, and the alignments; the last where all are taken."""


@dataclass(frozen=True)
class Point:
    """One network: its accuracy as an estimate, and the ms that a listing costs it, None if not known."""

    name: str
    evidence: str
    accuracy: Mapping[str, float]
    ms: float | None


@dataclass(frozen=True)
class Line:
    """Accuracies, as estimates, over numbers of training listings: one network and evidence."""

    name: str
    evidence: str
    points: Sequence[tuple[int, Mapping[str, float]]]


def accuracies(points: Sequence[Point]) -> bytes:
    """Accuracy with its 95 % interval, one line each, from the first down; the best of each evidence is filled."""
    best = {
        point.evidence: max(p.accuracy["value"] for p in points if p.evidence == point.evidence) for point in points
    }
    with drawing(WIDTH, 1.0 + 0.34 * len(points)) as (figure, result):
        axes = figure.subplots()
        for row, point in enumerate(points):
            label, colour, marker = _look_of_evidence(points, row)
            (value,), errors = with_errors([point.accuracy])
            filling = colour if value == best[point.evidence] else "white"
            look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 8, "markerfacecolor": filling}
            axes.errorbar([value], [row], xerr=errors, linewidth=0, elinewidth=2, label=label, **look)
            end = (point.accuracy["high"], row)
            axes.annotate(f"{value:.3f}", end, (6, 0), textcoords="offset points", va="center", fontsize=9)
        axes.set_yticks(range(len(points)), [printable(point.name) for point in points])
        axes.set(ylim=(len(points) - 0.5, -0.5), xlabel="accuracy")
        axes.margins(x=0.12)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside upper right", ncols=3)
    return result.getvalue()


def accuracy_over_cost(points: Sequence[Point]) -> bytes:
    """Accuracy over the ms that a listing costs, on a logarithmic scale."""
    timed = [point for point in points if point.ms]
    with drawing(WIDTH, 4.2) as (figure, result):
        axes = figure.subplots()
        for row, point in enumerate(timed):
            label, colour, marker = _look_of_evidence(timed, row)
            look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 8, "linestyle": ""}
            axes.plot([point.ms or 0.0], [point.accuracy["value"]], label=label, **look)
        _make_logarithmic(axes, "g")
        axes.margins(x=0.22, y=0.14)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set(xlabel="ms of one thread for a listing, preparation included", ylabel="accuracy")
        figure.legend(loc="outside upper right", ncols=3)
        _name_points(figure, axes, timed)
    return result.getvalue()


def _look_of_evidence(points: Sequence[Point], row: int) -> tuple[str | None, str, str]:
    """Label, colour and marker of a point; only the first of its evidence has a label."""
    evidence = points[row].evidence
    name, colour, marker, _ = series(evidence)
    return None if any(point.evidence == evidence for point in points[:row]) else name, colour, marker


def _name_points(figure: Figure, axes: Axes, points: Sequence[Point]) -> None:
    """Write each name beside its point, on the first side where it lies on no other name or point."""
    figure.draw_without_rendering()  # only a laid out figure knows where its texts lie
    centres = axes.transData.transform([(point.ms or 0.0, point.accuracy["value"]) for point in points])
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in centres]
    for point, own in zip(points, list(taken), strict=True):
        for side in SIDES:
            offset, across, upright = side
            centre = (point.ms or 0.0, point.accuracy["value"])
            look: dict[str, Any] = {"ha": across, "va": upright, "fontsize": 9, "color": INK}
            name = axes.annotate(printable(point.name), centre, offset, textcoords="offset points", **look)
            name.set_in_layout(False)
            box = name.get_window_extent()
            if side is SIDES[-1] or not any(box.overlaps(other) for other in taken if other is not own):
                taken.append(box)
                break
            name.remove()


def accuracy_over_listings(lines: Sequence[Line]) -> bytes:
    """Accuracy with its 95 % interval over the listings that were learned from, on a logarithmic scale."""
    several = len({line.name for line in lines}) > 1
    with drawing(WIDTH, 4.6) as (figure, result):
        axes = figure.subplots()
        for number, line in enumerate(lines):
            name, colour, marker, style = series(line.evidence)
            if several:
                name, colour = f"{printable(line.name)}, {name}", look_of(number)[0]
            listings = [n for n, _ in line.points]
            values, errors = with_errors([estimate for _, estimate in line.points])
            axes.errorbar(listings, values, errors, color=colour, marker=marker, linestyle=style, label=name)
            for x, y in zip(listings, values, strict=True):
                axes.annotate(f"{y:.3f}", (x, y), (6, 6), textcoords="offset points", fontsize=9, color=INK)
        _make_logarithmic(axes, ",.0f")
        axes.margins(x=0.08, y=0.1)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set(xlabel="training listings with this evidence (text and photo: all)", ylabel="accuracy")
        figure.legend(loc="outside upper right", ncols=3)
    return result.getvalue()


def coverage_curves(curves: Mapping[str, Sequence[Mapping[str, float]]], title: str, *, lowest: float) -> bytes:
    """Precision of the most certain listings over their share, one line for each network: `precision_sweep`s."""
    with drawing(4.6, 4.2 + 0.2 * len(curves)) as (figure, result):
        axes = figure.subplots()
        coverage_axes(axes, title, lowest)
        for number, (name, sweep) in enumerate(curves.items()):
            colour, _, line = look_of(number)
            x, y = ([point[key] for point in sweep] for key in ("coverage", "precision"))
            axes.plot(x, y, color=colour, linestyle=line, label=printable(name))
        figure.legend(loc="outside lower left", ncols=1)
    return result.getvalue()


def _make_logarithmic(axes: Axes, form: str) -> None:
    """An x axis with ticks at 1, 2, 5, 10, 20..., their labels formatted as `form` says."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format(value, form)))
    axes.minorticks_off()
