"""The tables of what networks cost: time, size, and what making them took."""

from __future__ import annotations

from training.comparison.candidates import Comparison, Entry
from training.comparison.cost import Way
from training.reports.tables import Cell, Table

NONE = "–"


def cost_table(comparison: Comparison) -> Table:
    """Time, size and parameters of each network, and what its fit took."""
    rows: list[list[Cell]] = []
    for entry in comparison.entries:
        cost, sizes = entry.cost, [each.keras_megabytes for each in entry.networks if each.keras_megabytes is not None]
        times = [NONE] * 3 if cost is None else [milliseconds(t) for t in (cost.ms, cost.ms_p95, cost.cpu_ms)]
        fit = sum(seconds for stage, seconds in entry.contender.seconds.items() if _fits(stage, entry))
        rows.append(
            [
                entry.name,
                entry.evidence.label,
                " + ".join(dict.fromkeys(each.precision for each in entry.networks)),
                f"{entry.parameters:,}",
                NONE if entry.megabytes is None else f"{entry.megabytes:.1f}",
                f"{sum(sizes):.1f}" if sizes else NONE,
                *times,
                f"{fit:,.0f}",
            ]
        )
    columns = ("network", "evidence", "served in", "parameters", "compiled", "Keras")
    times_ = ("median", "95th percentile", "CPU time")
    groups = [("", 4), ("MB", 2), ("ms per listing", 3), ("", 1)]
    return Table([*columns, *times_, "seconds to make"], rows, words=3, groups=groups)


def ways_table(comparison: Comparison) -> Table | None:
    """The median time of a listing in every precision and number of threads; None where there is one way only."""
    ways = list(dict.fromkeys(way for entry in comparison.entries for way in entry.contender.other_costs))
    if not ways:
        return None
    rows: list[list[Cell]] = []
    for entry in comparison.entries:
        others = [entry.contender.other_costs.get(way, {}).get(entry.evidence) for way in ways]
        if entry.cost is not None and any(others):
            times = [NONE if cost is None else milliseconds(cost.ms) for cost in (entry.cost, *others)]
            rows.append([entry.name, entry.evidence.label, *times])
    plain = Way("f32", 1)
    return Table(("network", "evidence", *map(str, (plain, *ways))), rows, words=2) if rows else None


def _fits(stage: str, entry: Entry) -> bool:
    """Whether a stage makes one of the entry's networks."""
    stages = {"text": ("text", "baseline"), "image": ("image", "activations")}
    return any(stage.split("-")[0] in stages[network.modality.value] for network in entry.networks)


def milliseconds(value: float) -> str:
    """As many digits as a stopwatch is good for."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
