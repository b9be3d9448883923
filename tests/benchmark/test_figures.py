from __future__ import annotations

import math

import pytest

from tests.benchmark.figures import growth, milliseconds, overload, percentile, span, stage_seconds, throughput
from tests.benchmark.load import LOST, Reply


def test_percentiles_are_values_that_were_seen() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0.0, 0.2, 0.21, 0.5, 0.99, 1.0)] == [1, 1, 2, 3, 5, 5]
    assert math.isnan(percentile([], 0.5))


def test_throughput_counts_good_answers_over_the_time_of_all() -> None:
    replies = [Reply(200, 10.0 + n, 0.5) for n in range(4)] + [Reply(503, 14.0, 1.0)]
    found = throughput(replies, cpu_seconds=7.5)
    assert span(replies) == 5.0
    assert found.rate == pytest.approx(4 / 5)
    assert found.failed == 1
    assert found.cores == pytest.approx(1.5)
    assert found.cpu_ms == pytest.approx(7500 / 4)
    assert found.p50_ms == found.p99_ms == 500
    nothing = throughput([], 0.0)
    assert nothing.rate == 0
    assert math.isnan(nothing.cpu_ms)


def test_times_are_those_of_one_status() -> None:
    replies = [Reply(200, 0, 0.1), Reply(503, 0, 0.001), Reply(200, 0, 0.3)]
    assert milliseconds(replies, 0.5) == pytest.approx(100)
    assert milliseconds(replies, 0.99, 503) == pytest.approx(1)


def test_goodput_counts_what_came_within_the_time() -> None:
    replies = [
        Reply(200, 100.0, 0.5),
        Reply(200, 101.0, 0.9),
        Reply(200, 101.9, 0.5),  # came after the two seconds
        Reply(503, 100.1, 0.002, retry_after=True),
        Reply(503, 100.2, 0.004),
        Reply(LOST, 100.3, 30.0),
        Reply(500, 100.4, 0.1),
    ]
    found = overload(replies, seconds=2.0)
    assert found.goodput == 1.0
    assert (found.refused, found.refused_without_retry, found.lost) == (2, 1, 1)
    assert found.others == {"500": 1}
    assert found.refused_p99_ms == pytest.approx(4)


def test_growth_is_a_share() -> None:
    assert growth(200, 203) == pytest.approx(0.015)
    assert growth(200, 190) == pytest.approx(-0.05)
    assert math.isnan(growth(0, 5))


def test_stages_are_read_from_the_exposition() -> None:
    exposition = """# HELP pykuten_stage_duration_seconds Seconds in a stage
# TYPE pykuten_stage_duration_seconds histogram
pykuten_stage_duration_seconds_bucket{le="0.1",stage="decode"} 3.0
pykuten_stage_duration_seconds_count{stage="decode"} 3.0
pykuten_stage_duration_seconds_sum{stage="decode"} 0.0125
pykuten_stage_duration_seconds_count{stage="network"} 2.0
pykuten_stage_duration_seconds_sum{stage="network"} 2.5e-02
pykuten_http_request_duration_seconds_sum{route="/predict",status="200"} 9.0
"""
    assert stage_seconds(exposition) == {"decode": (0.0125, 3.0), "network": (0.025, 2.0)}
