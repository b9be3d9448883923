"""The engine alone: order, grouping, bounds, deadlines, cancelling, draining, and bugs in the networks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from models.decision.prediction import Answers, Prediction
from models.errors import NothingToPredict
from models.listing import Listing
from service.engine.engine import Engine
from service.engine.waiting import answer_of
from service.errors import ClientGone, DeadlineExceeded, Draining, Internal, Overloaded
from tests.service.fake_predictor import BUG, POISON, FakePredictor


@contextmanager
def running(workers: int = 1, capacity: int = 100, gather: int = 4) -> Iterator[Engine]:
    engine = Engine(workers=workers, capacity=capacity, gather=gather)
    engine.start()
    try:
        yield engine
    finally:
        assert engine.close(5)


def submit(
    engine: Engine, predictor: FakePredictor, *texts: str, seconds: float = 5, admitted: bool = False
) -> asyncio.Future[Answers]:
    listings = [Listing(text) for text in texts]
    deadline = time.monotonic() + seconds
    return engine.submit(predictor, listings, top_k=3, precision=None, deadline=deadline, admitted=admitted)


async def begun(predictor: FakePredictor, passes: int = 1) -> None:
    """Wait until the networks were called that often."""
    end = time.monotonic() + 5
    while len(predictor.scored) < passes:
        assert time.monotonic() < end
        await asyncio.sleep(0.001)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 20))  # type: ignore[arg-type]


def test_answers_are_those_of_the_predictor_in_order() -> None:
    predictor = FakePredictor()
    texts = [f"text {n}" for n in range(50)]

    async def test() -> None:
        with running(workers=3) as engine:
            futures = [submit(engine, predictor, text) for text in texts]
            answers = [(await future)[0] for future in futures]
        assert answers == [predictor.predict(Listing(text)) for text in texts]

    run(test)


def test_a_bad_listing_gets_its_error_and_the_others_their_answers() -> None:
    predictor = FakePredictor()

    async def test() -> None:
        with running() as engine:
            good, blank, bug, also_good = await submit(engine, predictor, "a", " ", BUG, "b")
        assert isinstance(good, Prediction)
        assert isinstance(blank, NothingToPredict)
        assert isinstance(bug, Internal)
        assert isinstance(also_good, Prediction)

    run(test)


def test_a_listing_that_breaks_the_networks_fails_alone() -> None:
    predictor = FakePredictor()

    async def test() -> None:
        with running() as engine:
            predictor.gate.clear()
            first = submit(engine, predictor, "first")
            await begun(predictor)
            others = [submit(engine, predictor, text) for text in ("a", POISON, "b")]
            predictor.gate.set()
            await first
            answers = [(await future)[0] for future in others]
        assert [type(answer) for answer in answers] == [Prediction, Internal, Prediction]

    run(test)


def test_waiting_listings_are_taken_together_but_not_more_than_gather() -> None:
    predictor = FakePredictor()

    async def test() -> None:
        with running(gather=4) as engine:
            predictor.gate.clear()
            futures = [submit(engine, predictor, "first")]
            await begun(predictor)
            futures += [submit(engine, predictor, str(n)) for n in range(1, 7)]
            predictor.gate.set()
            await asyncio.gather(*futures)
        assert predictor.scored == [1, 4, 2]

    run(test)


def test_different_versions_are_never_mixed() -> None:
    first_version, second_version = FakePredictor("v-one"), FakePredictor("v-two")

    async def test() -> None:
        with running() as engine:
            first_version.gate.clear()
            first = submit(engine, first_version, "first")
            await begun(first_version)
            predictors = (first_version, second_version, first_version)
            futures = [submit(engine, predictor, "a") for predictor in predictors]
            first_version.gate.set()
            await first
            versions = [(await future)[0].version for future in futures]  # type: ignore[union-attr]
        assert versions == ["v-one", "v-two", "v-one"]
        assert second_version.scored == [1]

    run(test)


def test_a_full_queue_refuses_at_once() -> None:
    predictor = FakePredictor()

    async def test() -> None:
        with running(capacity=3) as engine:
            predictor.gate.clear()
            futures = [submit(engine, predictor, "first")]
            await begun(predictor)
            futures += [submit(engine, predictor, str(n)) for n in range(1, 4)]
            assert engine.is_full
            start = time.perf_counter()
            with pytest.raises(Overloaded):
                submit(engine, predictor, "one too many")
            assert time.perf_counter() - start < 0.05
            futures.append(submit(engine, predictor, "of a request that was begun", admitted=True))
            predictor.gate.set()
            await asyncio.gather(*futures)
            assert engine.waiting == 0
            await submit(engine, predictor, "there is room again")

    run(test)


def test_work_whose_deadline_has_passed_is_not_begun() -> None:
    predictor = FakePredictor()

    async def test() -> None:
        with running() as engine:
            predictor.gate.clear()
            first = submit(engine, predictor, "first")
            await begun(predictor)
            late = submit(engine, predictor, "late", seconds=0.01)
            await asyncio.sleep(0.05)
            predictor.gate.set()
            assert isinstance((await late)[0], DeadlineExceeded)
            await first
        assert predictor.scored == [1]

    run(test)


def test_cancelled_work_is_not_begun() -> None:
    predictor = FakePredictor()

    async def test() -> None:
        with running(gather=1) as engine:
            predictor.gate.clear()
            first = submit(engine, predictor, "first")
            await begun(predictor)
            dropped, kept = submit(engine, predictor, "dropped"), submit(engine, predictor, "kept")
            dropped.cancel()
            predictor.gate.set()
            await asyncio.gather(first, kept)
            assert engine.waiting == 0
        assert predictor.scored == [1, 1]

    run(test)


def test_closing_finishes_what_is_queued_and_takes_nothing_new() -> None:
    predictor = FakePredictor()

    async def test() -> None:
        engine = Engine(workers=2, capacity=100, gather=4)
        engine.start()
        predictor.gate.clear()
        futures = [submit(engine, predictor, str(n)) for n in range(1, 20)]
        closing = asyncio.create_task(asyncio.to_thread(engine.close, 5))
        await asyncio.sleep(0.05)
        with pytest.raises(Draining):
            submit(engine, predictor, "too late")
        predictor.gate.set()
        assert await closing
        answers = [(await future)[0] for future in futures]
        assert {type(answer) for answer in answers} == {Prediction}

    run(test)


async def connected() -> dict[str, str]:
    await asyncio.Event().wait()
    raise AssertionError


async def disconnected() -> dict[str, str]:
    return {"type": "http.disconnect"}


def test_waiting_ends_at_the_deadline() -> None:
    predictor = FakePredictor()

    async def test() -> None:
        with running() as engine:
            predictor.gate.clear()
            work = submit(engine, predictor, "a")
            start = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                await answer_of(work, start + 0.1, connected)
            assert 0.05 < time.monotonic() - start < 1
            assert work.cancelled()
            predictor.gate.set()

    run(test)


def test_waiting_ends_when_the_client_is_gone() -> None:
    predictor = FakePredictor()

    async def test() -> None:
        with running() as engine:
            predictor.gate.clear()
            work = submit(engine, predictor, "a")
            with pytest.raises(ClientGone):
                await answer_of(work, time.monotonic() + 5, disconnected)
            assert work.cancelled()
            predictor.gate.set()

    run(test)


# Calls


def call(engine: Engine, function: Callable[[], object], seconds: float = 5) -> asyncio.Future[object]:
    return engine.call(function, deadline=time.monotonic() + seconds)


def test_a_call_gives_its_result_or_its_error() -> None:
    def refuse() -> None:
        raise NothingToPredict

    async def test() -> None:
        with running() as engine:
            assert await call(engine, lambda: 7) == 7
            assert await call(engine, lambda: None) is None
            with pytest.raises(NothingToPredict):
                await call(engine, refuse)
            with pytest.raises(Internal):
                await call(engine, lambda: 1 / 0)
            assert await call(engine, lambda: 8) == 8

    run(test)


def test_calls_wait_their_turn_and_run_alone() -> None:
    predictor = FakePredictor()
    order: list[str] = []

    async def test() -> None:
        with running() as engine:
            predictor.gate.clear()
            first = submit(engine, predictor, "first")
            await begun(predictor)
            before = submit(engine, predictor, "a")
            between = call(engine, lambda: order.append("call"))
            between.add_done_callback(lambda _: order.append("called"))
            after = [submit(engine, predictor, text) for text in ("b", "c")]
            predictor.gate.set()
            await asyncio.gather(first, before, between, *after)
        assert order == ["call", "called"]
        assert predictor.scored == [1, 1, 2]  # nothing was put together across the call

    run(test)


def test_a_call_is_not_begun_once_it_is_late_or_given_up() -> None:
    predictor = FakePredictor()
    done: list[str] = []

    async def test() -> None:
        with running() as engine:
            predictor.gate.clear()
            first = submit(engine, predictor, "first")
            await begun(predictor)
            late = call(engine, lambda: done.append("late"), seconds=0.01)
            given_up = call(engine, lambda: done.append("given up"))
            assert engine.waiting == 2
            given_up.cancel()
            await asyncio.sleep(0.05)
            assert engine.waiting == 1
            predictor.gate.set()
            await first
            with pytest.raises(DeadlineExceeded):
                await late
        assert done == []

    run(test)


def test_calls_are_bounded_as_listings_are() -> None:
    predictor = FakePredictor()

    async def test() -> None:
        with running(capacity=1) as engine:
            predictor.gate.clear()
            first = submit(engine, predictor, "first")
            await begun(predictor)
            waiting = call(engine, lambda: 1)
            with pytest.raises(Overloaded):
                call(engine, lambda: 2)
            admitted = engine.call(lambda: 3, deadline=time.monotonic() + 5, admitted=True)
            predictor.gate.set()
            assert [await waiting, await admitted] == [1, 3]
            await first
        with pytest.raises(Draining):
            call(engine, lambda: 4)

    run(test)
