"""The file of API keys: what it may hold, when it is read again, and the command that makes its lines."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.__main__ import main
from service.middleware.keys import MAX_KEYS, ApiKey, ApiKeys, read_keys
from tests.service.conftest import Start
from tests.service.middleware.test_keys import TEXT, add, bearer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.jsonl"


@pytest.mark.parametrize("harm", ["not JSON", "a key for a hash", "gone", "twice"])
def test_a_file_that_cannot_be_read_changes_nothing(file: Path, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    key = add(file)
    keys = ApiKeys(file)
    if harm == "gone":
        file.unlink()
    else:
        line = file.read_text()
        more = {"not JSON": "{", "a key for a hash": line.replace(json.loads(line)["sha256"], key), "twice": line}
        file.write_text(line + more[harm] + "\n")
    for _ in range(2):
        keys.refresh()
    assert keys.find(key.encode()) is not None
    assert [record.message for record in caplog.records] == ["API keys refused"]
    assert key not in caplog.text


def test_a_key_ends_when_it_expires(file: Path) -> None:
    now = datetime.now(UTC)
    ended = add(file, expires=now - timedelta(seconds=1))
    valid = add(file, expires=now + timedelta(hours=1))
    keys = ApiKeys(file)
    assert keys.find(ended.encode()) is None
    assert keys.find(valid.encode()) is not None


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        '{"name": "a", "sha256": "zz"}',
        '{"name": "a b", "sha256": "%s"}' % ("0" * 64),
        '{"name": "a", "sha256": "%s", "scopes": []}' % ("0" * 64),
        '{"name": "a", "sha256": "%s", "scopes": ["admin"]}' % ("0" * 64),
        '{"name": "a", "sha256": "%s", "rate": 0}' % ("0" * 64),
        '{"name": "a", "sha256": "%s", "expires": "2027-01-01T00:00:00"}' % ("0" * 64),
        '{"name": "a", "sha256": "%s", "key": "pk_secret"}' % ("0" * 64),
        "\ud800",
    ],
)
def test_a_line_that_is_no_key_stops_the_start(
    file: Path, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(b"# keys of the shop\n\n" + line.encode("utf-8", "surrogatepass") + b"\n")
    with pytest.raises(ValueError, match="line 3 is no API key"):
        read_keys(file)
    monkeypatch.setenv("PYKUTEN_API_KEYS_FILE", str(file))
    assert main(["--port", "0"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("service: PYKUTEN_API_KEYS_FILE: line 3")
    assert captured.err.count("\n") == 1
    assert "pk_secret" not in captured.err


def test_too_many_keys_and_too_long_files(file: Path) -> None:
    lines = [ApiKey(name="a", sha256=f"{n:064x}").model_dump_json(exclude_none=True) for n in range(MAX_KEYS + 1)]
    file.write_text("\n".join(lines))
    with pytest.raises(ValueError, match="more than"):
        read_keys(file)
    file.write_text("\n" * (1024 * 1024 + 1))
    with pytest.raises(ValueError, match="longer"):
        read_keys(file)


def test_a_key_that_did_not_change_keeps_its_bucket(file: Path) -> None:
    key = add(file, rate=0.001, burst=1)
    keys = ApiKeys(file)
    entry = keys.find(key.encode())
    assert entry is not None
    assert entry[1] is not None
    assert entry[1].take()
    add(file, "another")
    keys.refresh()
    again = keys.find(key.encode())
    assert again is not None
    assert again[1] is entry[1]
    assert not again[1].take()


def test_the_command_makes_a_key_that_works(start: Start, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "backend", "--scopes", "predict", "--rate", "5", "--expires", "2099-01-01T00:00:00Z"]) == 0
    captured = capsys.readouterr()
    file.write_text(captured.out)
    key = captured.err.splitlines()[0].rpartition(" ")[2]
    assert len(key) >= 43
    assert key not in captured.out
    assert json.loads(captured.out)["sha256"] == hashlib.sha256(key.encode()).hexdigest()
    with start(api_keys_file=file) as client:
        assert client.post("/predict/text", json=TEXT, headers=bearer(key)).status_code == 200
        assert client.get("/models", headers=bearer(key)).status_code == 403


@pytest.mark.parametrize(
    "arguments",
    [["a b"], ["x", "--scopes", "admin"], ["x", "--rate", "0"], ["x", "--rate", "nan"], ["x", "--expires", "soon"]],
)
def test_the_command_refuses_what_the_file_could_not_hold(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("service key: ")
    assert captured.err.count("\n") == 1
