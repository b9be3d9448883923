"""Token buckets."""

from __future__ import annotations

import pytest

from service.middleware.keys import TokenBucket


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_at_once_then_the_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(2.0, 5, clock)
    assert [bucket.take() for _ in range(7)] == [True] * 5 + [False] * 2
    clock.now += 0.49
    assert not bucket.take()
    assert bucket.retry_seconds == 1
    clock.now += 0.02
    assert bucket.take()
    assert not bucket.take()
    clock.now += 1000  # never more than the burst
    assert [bucket.take() for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize("rate", [0.1, 1.0, 7.3, 250.0])
def test_over_a_long_time_the_rate_holds(rate: float) -> None:
    clock = Clock()
    bucket = TokenBucket(rate, 3, clock)
    taken, seconds = 0, 200
    for _ in range(seconds * 500):
        clock.now += 1 / 500
        taken += bucket.take()
    assert taken == pytest.approx(rate * seconds, abs=4)


def test_after_the_time_to_wait_there_is_a_token() -> None:
    clock = Clock()
    bucket = TokenBucket(0.3, 1, clock)
    assert bucket.take()
    assert not bucket.take()
    clock.now += bucket.retry_seconds
    assert bucket.take()


def test_headers() -> None:
    clock = Clock()
    bucket = TokenBucket(10.0, 20, clock)
    bucket.take()
    assert bucket.headers() == {"RateLimit-Policy": '"key";q=20;w=2', "RateLimit": '"key";r=19;t=1'}
