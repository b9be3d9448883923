from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.benchmark.table import BEGIN, END, markdown, write_into

RUN = {
    "machine": "a machine",
    "plan": {"seconds": 3.0, "requests": 100, "overload_seconds": 5.0},
    "versions": {"served": "2026.11.25-1f3a9c2"},
    "traffic": "real listings and photos",
}


def rate(value: float) -> dict[str, Any]:
    return {"rate": value, "p50_ms": 20.0, "p99_ms": 40.0, "failed": 0, "cores": 1.9, "cpu_ms": 12.0, "setting": "x"}


def served(value: float) -> dict[str, Any]:
    return {
        "unloaded": {"p50_ms": 10.0, "p99_ms": 12.0},
        "stages_ms": {"decode": 3.0, "network": 7.0},
        "unloaded_cpu_ms": 11.0,
        "8": rate(value),
        "32": rate(value),
        "work_share": 0.83,
        "half": {"rate": value / 2, "p50_ms": 12.0, "p99_ms": 39.0, "failed": 0, "ratio": 3.9},
    }


def row(values: Any) -> dict[str, Any]:
    return {"at": "2026-11-28 12:00", "values": values}


def of(rows: dict[str, Any]) -> str:
    return markdown({"run": RUN, "rows": rows})


def test_ratios_are_to_the_best_setting_at_the_same_number_of_clients() -> None:
    best = {kind: {"8": rate(100), "32": rate(120)} for kind in ("image", "both")}
    text = of({"service.image": row(served(150)), "service.both": row(served(132)), "mosec": row({"best": best})})
    assert "| **this service** | 150 | 150 | 132 | 132 |" in text
    assert "| mosec | 100 | 120 | 100 | 120 | 1x | 1.10x to 1.50x yes |" in text
    assert "2 cores" not in text
    assert "a machine" in text


def test_two_processes_stand_beside_the_one() -> None:
    found = {kind: {"8": rate(160), "32": rate(170)} for kind in ("image", "both", "text")} | {"resident_mb": 700.0}
    fast = {"text": {"8": rate(1500), "32": rate(1600)}, "resident_mb": 500.0}
    text = of({"service.image": row(served(150)), "pair": row(found), "pair.fast_text": row(fast)})
    assert "| this service, as two processes of one worker each | 160 | 170 | 160 | 170 |" in text
    assert "the version that serves, two processes | 1,500/s, p99 60 ms | 170/s, p99 40 ms | **no** |" in text
    assert (
        "the `fast` version, two processes of one worker each | 1,500/s, p99 60 ms | 1600/s, p99 40 ms | yes |" in text
    )
    assert "| memory of two processes of one worker each | - | 700 MB |" in text


def test_the_naive_server_is_compared_with_its_eight_clients() -> None:
    best = {kind: {"8": rate(10), "32": rate(5)} for kind in ("image", "both")}
    text = of({"service.image": row(served(150)), "service.both": row(served(140)), "naive": row({"best": best})})
    assert "28x | 14.00x to 15.00x **no** |" in text


def test_each_figure_says_whether_it_is_enough() -> None:
    over = {
        "peak": 150.0, "goodput": 140.0, "share": 0.93, "seconds": 60.0, "refused_p50_ms": 1.0, "refused_p99_ms": 70.0,
        "refused_without_retry": 0, "lost": 2, "others": {"500": 1}, "recovery_seconds": float("inf"),
    }  # fmt: skip
    memory = {"requests": 50_000, "failed": 0, "highest_mb": 420.0, "growth": 0.03}
    text = of({"overload": row(over), "memory": row(memory), "start": row({"seconds": 1.5, "resident_mb": 390.0})})
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines() if line.startswith("| ")}
    assert lines["4x saturation for 60 s: answered, of the peak"].endswith("| 93% (140 of 150/s) | yes |")
    assert lines["4x saturation for 60 s: refusals, p99 (p50)"].endswith("| 70 ms (1) | **no** |")
    assert lines["4x saturation for 60 s: neither answered nor refused with Retry-After"].endswith("| 3 | **no** |")
    assert lines["recovery after it"].endswith("| none | **no** |")
    assert lines["memory over 50,000 requests"].endswith("| 420 MB | yes |")
    assert lines["growth after the first 2,000 of them"].endswith("| +3.0% | **no** |")
    assert lines["process start to ready"].endswith("| 1.50 s | yes |")


def test_what_could_not_be_measured_is_said() -> None:
    rows = {"service.image": row(served(150)), "ray": {"at": "2026-11-28 12:00", "failed": "pip could not install it"}}
    text = of(rows)
    assert "| Ray Serve | not measured |" in text
    assert "Not measured: ray: pip could not install it." in text


def test_nothing_measured_is_a_line() -> None:
    assert of({}).startswith("Measured never")


def test_the_readme_is_changed_between_the_marks_alone(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(readme, "| new |")
    assert readme.read_text() == f"before\n{BEGIN}\n| new |\n{END}\nafter\n"
    write_into(readme, "| new |")
    assert readme.read_text() == f"before\n{BEGIN}\n| new |\n{END}\nafter\n"


@pytest.mark.parametrize("content", ["", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", f"{BEGIN}\n"])
def test_a_readme_without_its_marks_is_left_alone(tmp_path: Path, content: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(content)
    with pytest.raises(ValueError, match=r"README\.md needs"):
        write_into(readme, "text")
    assert readme.read_text() == content
