"""Stage times: who is told, and of what."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from models.errors import ImageCorrupt
from models.listing import Listing
from models.predictor import Predictor
from models.timing import Stage, StageTimer, listen, tell
from tests.models.tiny_version import listing

Told = list[tuple[Stage, float]]


@pytest.fixture
def told() -> Iterator[Told]:
    found: Told = []
    listen(lambda stage, seconds: found.append((stage, seconds)))
    yield found
    listen(None)


def test_a_prediction_goes_through_its_stages(tiny_predictor: Predictor, told: Told) -> None:
    tiny_predictor.predict_many([listing(0), listing(photo_of=1), listing(1, photo_of=1)])
    assert Counter(stage for stage, _ in told) == {Stage.TEXT: 2, Stage.DECODE: 2, Stage.NETWORK: 1, Stage.FUSE: 1}
    assert all(0 <= seconds < 5 for _, seconds in told)
    assert dict(told)[Stage.NETWORK] > 0


def test_a_stage_that_fails_is_told_too(tiny_predictor: Predictor, told: Told) -> None:
    with pytest.raises(ImageCorrupt):
        tiny_predictor.prepare(Listing(image=b"\xff\xd8\xff\xe0"))
    assert [stage for stage, _ in told] == [Stage.DECODE]


def test_only_the_thread_that_listens_is_told(tiny_predictor: Predictor, told: Told) -> None:
    thread = threading.Thread(target=tiny_predictor.predict, args=(listing(0),))
    thread.start()
    thread.join()
    assert told == []


def test_nobody_needs_to_listen() -> None:
    listen(None)
    tell(Stage.QUEUE, 1.0)
    with StageTimer(Stage.PARSE):
        pass


def test_a_listener_can_be_named(told: Told) -> None:
    mine: Told = []
    with StageTimer(Stage.PARSE, lambda stage, seconds: mine.append((stage, seconds))):
        pass
    tell(Stage.QUEUE, 0.25)
    assert [stage for stage, _ in mine] == [Stage.PARSE]
    assert told == [(Stage.QUEUE, 0.25)]


def test_a_photo_s_facts_come_with_the_prediction(tiny_predictor: Predictor) -> None:
    from tests.models.tiny_version import COLOURS, photo

    found = tiny_predictor.predict(Listing(image=photo(COLOURS[0], (90, 60), "PNG"))).photo
    assert found is not None
    assert (found.format, found.width, found.height) == ("PNG", 90, 60)
    assert tiny_predictor.predict(listing(0)).photo is None
