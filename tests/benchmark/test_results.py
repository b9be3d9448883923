from __future__ import annotations

import json
from pathlib import Path

from tests.benchmark.results import FILE, Results, machine, read

RUN = {"machine": "a", "plan": {"seconds": 3}}


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


def test_other_circumstances_are_another_run(tmp_path: Path) -> None:
    path = tmp_path / FILE
    Results.open(path, RUN, fresh=False).keep("start", 1)
    assert not Results.open(path, {**RUN, "machine": "b"}, fresh=False).has("start")
    assert not Results.open(path, RUN, fresh=True).has("start")
    assert Results.open(path, RUN, fresh=False).has("start")


def test_a_damaged_file_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / FILE
    assert read(path) is None
    for content in ("", "[]", "{}", json.dumps({"rows": 5})):
        path.write_text(content)
        assert read(path) is None
        assert not Results.open(path, RUN, fresh=False).rows


def test_the_machine_is_described() -> None:
    assert "cores" in machine()
    assert "Python 3" in machine()
