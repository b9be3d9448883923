from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmark.__main__ import ROWS, main
from tests.benchmark.contenders import KINDS, NAIVE, RIVALS
from tests.benchmark.results import FILE
from tests.benchmark.traffic import ROOT, Traffic, read_traffic


def test_an_unknown_row_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "nope", "--cache", str(tmp_path)]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.splitlines() == [f"bench: there is no row nope; rows are {', '.join(ROWS)}"]


def test_a_store_without_versions_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", str(tmp_path), "--cache", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_earlier_figures_are_printed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--report", "--cache", str(tmp_path)]) == 2
    assert "nothing was measured yet" in capsys.readouterr().err
    run = {"machine": "m", "plan": {"seconds": 1}, "versions": {}, "traffic": "t"}
    rows = {"start": {"at": "2026-11-28 10:00", "values": {"seconds": 1.25, "resident_mb": 300}}}
    (tmp_path / FILE).write_text(json.dumps({"run": run, "rows": rows}))
    assert main(["--report", "--cache", str(tmp_path)]) == 0
    assert "| process start to ready | 2.5 s | 1.25 s | yes |" in capsys.readouterr().out


def test_the_readme_has_its_marks_and_make_its_target() -> None:
    readme = (ROOT / "docs" / "speed.md").read_text()
    assert 0 < readme.index("<!-- speed:begin -->") < readme.index("<!-- speed:end -->")
    assert "bench:" in (ROOT / "Makefile").read_text()


def test_traffic_without_a_catalogue_is_the_project_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.benchmark.traffic.BESIDE", tmp_path / "nothing")
    traffic = read_traffic(None, None)
    assert traffic.source == "written listings and drawn photos"
    assert len(traffic.texts) > 10
    assert 15_000 < sum(map(len, traffic.photos)) / len(traffic.photos) < 60_000
    assert all(photo.startswith(b"\xff\xd8") for photo in traffic.photos)


def test_everyone_is_asked_the_same_photos() -> None:
    traffic = Traffic([("title", "description"), ("other", "")], [b"\xff\xd8one", b"\xff\xd8two"], "a test")
    for contender in (*RIVALS.values(), NAIVE):
        for kind in KINDS:
            requests = contender.asks(traffic, kind)
            assert len(requests) == 2
            assert all(request.startswith(b"POST /") for request in requests)
            assert len(set(requests)) == 2
    head, _, body = traffic.image()[0].partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"\xff\xd8one" in body
    assert len(json.loads(traffic.batch(2).partition(b"\r\n\r\n")[2])["listings"]) == 2
    assert len(traffic.stream(2).partition(b"\r\n\r\n")[2].splitlines()) == 2
