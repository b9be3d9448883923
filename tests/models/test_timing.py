"""Stage times: who is told, and of what."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from models.errors import ImageCorrupt
from models.listing import Listing
from models.predictor import Predictor
from models.timing import Stage, ignore, listen, timed
from tests.models.tiny_version import COLOURS, listing, photo

Stages = list[tuple[Stage, float]]


@pytest.fixture
def stages() -> Iterator[Stages]:
    reported: Stages = []
    listen(lambda stage, seconds: reported.append((stage, seconds)))
    yield reported
    listen(ignore)


def test_a_prediction_goes_through_its_stages(tiny_predictor: Predictor, stages: Stages) -> None:
    tiny_predictor.predict_many([listing(0), listing(photo_of=1), listing(1, photo_of=1)])
    assert Counter(stage for stage, _ in stages) == {Stage.TEXT: 2, Stage.DECODE: 2, Stage.NETWORK: 1, Stage.FUSE: 1}
    assert all(0 <= seconds < 5 for _, seconds in stages)
    assert dict(stages)[Stage.NETWORK] > 0


def test_a_stage_that_fails_is_told_too(tiny_predictor: Predictor, stages: Stages) -> None:
    with pytest.raises(ImageCorrupt):
        tiny_predictor.prepare(Listing(image=b"\xff\xd8\xff\xe0"))
    assert [stage for stage, _ in stages] == [Stage.DECODE]


def test_only_the_thread_that_listens_is_told(tiny_predictor: Predictor, stages: Stages) -> None:
    thread = threading.Thread(target=tiny_predictor.predict, args=(listing(0),))
    thread.start()
    thread.join()
    assert stages == []


def test_nobody_needs_to_listen() -> None:
    assert timed(Stage.PARSE, divmod, 7, 2) == (3, 1)


def test_a_photo_s_facts_come_with_the_prediction(tiny_predictor: Predictor) -> None:
    reported = tiny_predictor.predict(Listing(image=photo(COLOURS[0], (90, 60), "PNG"))).photo
    assert reported is not None
    assert (reported.format, reported.width, reported.height) == ("PNG", 90, 60)
    assert tiny_predictor.predict(listing(0)).photo is None
