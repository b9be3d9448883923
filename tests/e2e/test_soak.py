"""A short soak: all kinds of clients at a real server whose versions are swapped. `make soak` runs a long one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

from tests.hostile.corpus import GROUPS, MAKERS, request
from tests.soak.__main__ import main, parser
from tests.soak.report import Limits, Outcome, Sample, Watch


@pytest.mark.e2e
@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_is_unexpected(tmp_path: Path) -> None:
    """The suite may have company, so that /health/live gets the time that the contract allows it under attack."""
    report = tmp_path / "report.json"
    options = ["--minutes", "0.5", "--slow-limits", "0.15", "--bad", "3", "--swap-seconds", "2", "--longest", "20"]
    code = main([*options, "--live-p99", "1", "--live-max", "5", "--report", str(report)])
    figures = json.loads(report.read_text())
    assert figures["faults"] == [], figures["findings"]
    assert code == 0
    assert figures["requests"] > 500
    assert figures["swaps"] >= 3
    assert figures["harmed_versions_refused"] >= 1
    assert set(figures["asked"]) >= {f"hostile {group}" for group in GROUPS}
    assert figures["drain"]["exit_code"] == 0


def test_its_options_have_the_defaults_that_it_says() -> None:
    options = parser().parse_args([])
    assert isinstance(options, argparse.Namespace)
    assert (options.minutes, options.bad, options.live_p99, options.live_max) == (10, 4, 0.25, 2.0)


def test_the_corpus_is_the_same_for_a_seed_and_another_for_another() -> None:
    numbers = range(len(GROUPS))
    first = [request(5, number) for number in numbers]
    assert first == [request(5, number) for number in numbers]
    assert first != [request(6, number) for number in numbers]
    assert {hostile.group for hostile in first} == set(MAKERS)


def samples(*megabytes: float, requests: int = 3000) -> list[Sample]:
    return [Sample(number, number * requests, size, 10, 5) for number, size in enumerate(megabytes)]


def outcome(watch: Watch | None = None, *, taken: list[Sample] | None = None, **changes: object) -> Outcome:
    fields = {"drain_seconds": 3.0, "exit_code": 0} | changes
    return Outcome(watch or Watch(), Limits(0.25, 2.0), taken or samples(*[100.0] * 20), 20, 10, 10, 20, **fields)  # type: ignore[arg-type]


def test_a_quiet_run_is_passed() -> None:
    assert outcome().faults() == []


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda: outcome(taken=samples(*[100.0 + 3 * n for n in range(20)])), "memory grew"),
        (lambda: outcome(taken=samples(*[100.0 + 6 * n for n in range(20)], requests=100)), "memory grew"),
        (lambda: outcome(exit_code=1), "drain took"),
        (lambda: outcome(drain_seconds=16.0), "drain took"),
        (lambda: outcome(drain_seconds=None), "drain took"),
        (lambda: outcome(log_errors=["boom"]), "log: boom"),
        (lambda: outcome(Watch(live=[0.01] * 50 + [0.3] * 50)), "p99"),
        (lambda: outcome(Watch(live=[0.01] * 500 + [2.5])), "took 2.50 s"),
    ],
)
def test_each_fault_fails_a_run(harm: object, words: str) -> None:
    assert words in " ".join(harm().faults())  # type: ignore[operator]


def test_an_unexpected_answer_fails_a_run() -> None:
    watch = Watch()
    watch.count("text", "status 500")
    assert outcome(watch).faults() == ["1 unexpected of text"]
