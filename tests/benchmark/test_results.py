from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmark.results import FILE, Results, machine, read

RUN = {"machine": "a", "plan": {"seconds": 3}, "versions": {"served": "v1"}}


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / FILE
    first = Results.open(path, RUN, fresh=False)
    first.keep("start", {"seconds": 1.5})
    first.fail("mosec", "not there")
    again = Results.open(path, RUN, fresh=False)
    assert again.has("start")
    assert not again.has("mosec")
    again.keep("mosec", 5)
    found = read(path)
    assert found is not None
    assert found["run"] == RUN
    assert [found["rows"][name]["values"] for name in ("start", "mosec")] == [{"seconds": 1.5}, 5]


@pytest.mark.parametrize("other", [{"machine": "b"}, {"plan": {"seconds": 4}}, {"versions": {"served": "v2"}}])
def test_other_circumstances_are_another_run_and_put_the_first_aside(tmp_path: Path, other: dict[str, Any]) -> None:
    path = tmp_path / FILE
    Results.open(path, RUN, fresh=False).keep("start", 1)
    another = Results.open(path, {**RUN, **other}, fresh=False)
    assert not another.has("start")
    another.keep("mosec", 2)
    (aside,) = (one for one in tmp_path.iterdir() if one != path)
    found = read(aside)
    assert found is not None
    assert found["rows"]["start"]["values"] == 1


def test_a_fresh_run_forgets(tmp_path: Path) -> None:
    path = tmp_path / FILE
    Results.open(path, RUN, fresh=False).keep("start", 1)
    assert not Results.open(path, RUN, fresh=True).has("start")


def test_one_more_version_is_no_other_run(tmp_path: Path) -> None:
    path = tmp_path / FILE
    Results.open(path, RUN, fresh=False).keep("start", 1)
    versions = {"served": "v1", "fast": "f1"}
    with_fast = Results.open(path, {**RUN, "versions": versions}, fresh=False)
    assert with_fast.has("start")
    with_fast.keep("service.fast_text", 2)
    again = Results.open(path, RUN, fresh=False)
    assert again.has("service.fast_text")
    assert again.run["versions"] == versions
    assert not Results.open(path, {**RUN, "versions": {"served": "v1", "fast": "f2"}}, fresh=False).has("start")


def test_a_damaged_file_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / FILE
    assert read(path) is None
    for content in ("", "[]", "{}", json.dumps({"rows": 5}), json.dumps({"rows": {}})):
        path.write_text(content)
        assert read(path) is None
        assert not Results.open(path, RUN, fresh=False).rows


def test_the_machine_is_described() -> None:
    assert "cores" in machine()
    assert "Python 3" in machine()
