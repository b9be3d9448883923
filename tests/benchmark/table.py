"""The results as Markdown: what is asked, what was seen, and whether it is enough."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmark.contenders import KINDS, NAIVE, RIVALS
from tests.benchmark.measures import CLIENTS

BEGIN, END = "<!-- speed:begin -->", "<!-- speed:end -->"
PATHS = {"image": "/predict/image", "both": "/predict", "text": "/predict/text"}
YES, NO = "yes", "**no**"
Rows = Mapping[str, Any]


def markdown(results: Mapping[str, Any]) -> str:
    """Tables of all rows that there are: throughput, then the other figures, then stages; and how they came about."""
    rows = results["rows"]
    parts = [_throughput(rows), _table(["what", "reach", "seen", "reached"], _figures(rows)), _stages(rows)]
    return "\n\n".join(part for part in [*parts, _about(results)] if part)


def write_into(readme: Path, text: str) -> None:
    """Put the text between the marks. Raises ValueError when they are not there."""
    content = readme.read_text(encoding="utf-8")
    if content.count(BEGIN) != 1 or content.count(END) != 1 or content.index(BEGIN) > content.index(END):
        raise ValueError(f"{readme.name} needs one line {BEGIN} and, after it, one line {END}")
    before, rest = content.split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def values(rows: Rows, name: str) -> Any:
    """What a row holds; None when it was not measured."""
    return rows.get(name, {}).get("values")


def _throughput(rows: Rows) -> str:
    """Requests a second of everyone, and how many times theirs the service's are."""
    ours = {kind: values(rows, f"service.{kind}") for kind in KINDS}
    if not any(ours.values()):
        return ""
    heads = [f"`{PATHS[kind]}` at {clients}" for kind in KINDS for clients in CLIENTS]
    lines = [["**this service**", *(_rate(ours[kind], clients) for kind in KINDS for clients in CLIENTS), "", ""]]
    if found := values(rows, "pair"):
        cells = [_rate(found[kind], clients) for kind in KINDS for clients in CLIENTS]
        lines.append(["this service, as two processes of one worker each", *cells, "", ""])
    for name, contender in {**RIVALS, "naive": NAIVE}.items():
        found = values(rows, name)
        if found is None:
            reason = rows.get(name, {}).get("failed")
            if reason:
                lines.append([contender.name, *["not measured"] * len(heads), f"{contender.reach:g}x", ""])
            continue
        best = found["best"]
        ratios = _ratios(ours, best, fixed_clients=8 if name == "naive" else None)
        cells = [_rate(best[kind], clients) for kind in KINDS for clients in CLIENTS]
        seen = f"{min(ratios):.2f}x to {max(ratios):.2f}x" if ratios else "-"
        reached = _mark(min(ratios) >= contender.reach) if ratios else ""
        lines.append([contender.name, *cells, f"{contender.reach:g}x", f"{seen} {reached}".strip()])
    return _table(["requests/s", *heads, "to reach", "seen"], lines)


def _ratios(ours: Mapping[str, Any], best: Mapping[str, Any], fixed_clients: int | None) -> list[float]:
    return [
        ours[kind][str(clients)]["rate"] / best[kind][str(fixed_clients or clients)]["rate"]
        for kind in KINDS
        for clients in CLIENTS
        if ours[kind] and best[kind][str(fixed_clients or clients)]["rate"]
    ]


def _rate(found: Mapping[str, Any] | None, clients: int) -> str:
    return f"{found[str(clients)]['rate']:.0f}" if found else "-"


def _figures(rows: Rows) -> Iterator[list[str]]:
    for kind in KINDS:
        if found := values(rows, f"service.{kind}"):
            share = found["work_share"]
            yield [f"decode + text + networks, of the CPU time of `{PATHS[kind]}` at saturation", "80 %",
                   f"{share:.0%}", _mark(share >= 0.8)]  # fmt: skip
    for kind in PATHS:
        if found := values(rows, f"service.{kind}"):
            half = found["half"]
            yield [f"p99 at half of saturation, of the unloaded p50 ({PATHS[kind]})", "4x",
                   f"{half['ratio']:.1f}x ({half['p99_ms']:.1f} of {found['unloaded']['p50_ms']:.1f} ms)",
                   _mark(half["ratio"] <= 4)]  # fmt: skip
    yield from _text(rows)
    yield from _batch(rows)
    yield from _process(rows)
    yield from _overload(rows)


def _text(rows: Rows) -> Iterator[list[str]]:
    measured = (
        ("the `fast` version", values(rows, "service.fast_text")),
        ("the `fast` version, two processes of one worker each", (values(rows, "pair.fast_text") or {}).get("text")),
        ("the version that serves", values(rows, "service.text")),
        ("the version that serves, two processes", (values(rows, "pair") or {}).get("text")),
    )
    for which, found in measured:
        if found:
            at = found["32"]
            good = at["rate"] >= 1500 and at["p99_ms"] < 60
            seen = f"{at['rate']:.0f}/s, p99 {at['p99_ms']:.0f} ms"
            yield [f"`/predict/text` at 32 clients, {which}", "1,500/s, p99 60 ms", seen, _mark(good)]


def _batch(rows: Rows) -> Iterator[list[str]]:
    if found := values(rows, "batch"):
        seen = f"{found['ratio']:.0%} ({found['batch']:.0f} of {found['singles']:.0f} listings/s)"
        yield ["batch of 100 with photos, of 32 single requests", "95 %", seen, _mark(found["ratio"] >= 0.95)]
        first = found["first_line_ms"]
        yield ["first line of an NDJSON stream of 100", "200 ms", f"{first:.0f} ms", _mark(first <= 200)]


def _process(rows: Rows) -> Iterator[list[str]]:
    if found := values(rows, "pair"):
        yield ["memory of two processes of one worker each", "-", f"{found['resident_mb']:.0f} MB", ""]
    if found := values(rows, "start"):
        yield ["process start to ready", "2.5 s", f"{found['seconds']:.2f} s", _mark(found["seconds"] < 2.5)]
        yield ["memory when ready", "500 MB", f"{found['resident_mb']:.0f} MB", _mark(found["resident_mb"] < 500)]
    if found := values(rows, "memory"):
        yield [f"memory over {found['requests']:,} requests", "500 MB", f"{found['highest_mb']:.0f} MB",
               _mark(found["highest_mb"] < 500)]  # fmt: skip
        yield ["growth after the first 2,000 of them", "2 %", f"{found['growth']:+.1%}",
               _mark(found["growth"] < 0.02 and not found["failed"])]  # fmt: skip


def _overload(rows: Rows) -> Iterator[list[str]]:
    if not (found := values(rows, "overload")):
        return
    what = f"4x saturation for {found['seconds']:.0f} s"
    seen = f"{found['share']:.0%} ({found['goodput']:.0f} of {found['peak']:.0f}/s)"
    yield [f"{what}: answered, of the peak", "90 %", seen, _mark(found["share"] >= 0.9)]
    yield [f"{what}: refusals, p99 (p50)", "50 ms", f"{found['refused_p99_ms']:.0f} ms ({found['refused_p50_ms']:.0f})",
           _mark(found["refused_p99_ms"] <= 50)]  # fmt: skip
    odd = found["refused_without_retry"] + found["lost"] + sum(found["others"].values())
    yield [f"{what}: neither answered nor refused with Retry-After", "0", str(odd), _mark(odd == 0)]
    recovery = found["recovery_seconds"]
    yield ["recovery after it", "2 s", f"{recovery:.2f} s" if math.isfinite(recovery) else "none", _mark(recovery <= 2)]


def _stages(rows: Rows) -> str:
    """Where an unloaded request's time goes, and CPU time for a request unloaded and at saturation."""
    found = {kind: values(rows, f"service.{kind}") for kind in PATHS}
    measured = {kind: one for kind, one in found.items() if one}
    if not measured:
        return ""
    names = ("parse", "queue", "decode", "text", "network", "fuse")
    lines = []
    for kind, one in measured.items():
        stages = [f"{one['stages_ms'].get(name, 0.0):.2f}" for name in names]
        cpu = [f"{one['unloaded_cpu_ms']:.2f}", *(f"{one[str(clients)]['cpu_ms']:.2f}" for clients in CLIENTS)]
        cores = [f"{one[str(clients)]['cores']:.2f}" for clients in CLIENTS]
        lines.append([f"`{PATHS[kind]}`", *stages, f"{one['unloaded']['p50_ms']:.2f}", *cpu, *cores])
    heads = ["ms a request", *names, "p50 over HTTP", "CPU unloaded", *(f"CPU at {n}" for n in CLIENTS)]
    return _table([*heads, *(f"cores at {n}" for n in CLIENTS)], lines)


def _about(results: Mapping[str, Any]) -> str:
    run = results["run"]
    times = sorted(row["at"] for row in results["rows"].values() if "values" in row)
    span = f"{times[0]} to {times[-1][-5:]}" if times else "never"
    commits = ", ".join(sorted({row.get("commit", "unknown") for row in results["rows"].values() if "values" in row}))
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    lines = [
        f"Measured {span} on {run['machine']}; {run['traffic']}, {run['plan']['seconds']:g} s a figure, commit "
        f"{commits or 'none'}, version {versions}. The load generator shares the cores.",
    ]
    settings = [
        f"{RIVALS[name].name}: {found['best']['image']['32']['setting']}"
        for name in RIVALS
        if (found := values(results["rows"], name))
    ]
    if settings:
        lines.append(f"Rivals serve the same OpenVINO networks; the best of their settings ({'; '.join(settings)}).")
    failed = [f"{name}: {row['failed']}" for name, row in results["rows"].items() if "failed" in row]
    if failed:
        lines.append(f"Not measured: {'; '.join(failed)}.")
    return "\n".join(lines)


def _mark(good: bool) -> str:
    return YES if good else NO


def _table(heads: list[str], lines: Any) -> str:
    found = list(lines)
    if not found:
        return ""
    rows = [heads, ["---"] * len(heads), *found]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
