"""Settings: typed, listed, and no others."""

from __future__ import annotations

import re

import pytest

from service.__main__ import main
from service.errors import SettingsError
from service.settings import Settings, settings_table


def test_every_setting_is_in_the_table_with_unit_default_and_reason() -> None:
    rows = [line.strip("|").split("|") for line in settings_table().splitlines()[2:]]
    assert [row[0].strip(" `") for row in rows] == [f"PYKUTEN_{name.upper()}" for name in Settings.model_fields]
    for name, unit, default, reason in rows:
        assert unit.strip(), name
        assert re.fullmatch(r" `.+` ", default), name
        assert len(reason.strip()) > 20, name
        assert reason.strip().endswith("."), name


def test_the_table_names_no_path_of_this_machine() -> None:
    assert "`models/store`" in settings_table()
    assert str(Settings().store) not in settings_table()


def test_defaults_are_valid_and_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYKUTEN_PORT", "8080")
    monkeypatch.setenv("PYKUTEN_QUEUE", "")  # set but empty: as if absent
    settings = Settings.read(host="::1")
    assert (settings.port, settings.host, settings.queue) == (8080, "::1", Settings.model_fields["queue"].default)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PYKUTEN_PROT", "8000"), ("PYKUTEN_", "1"), ("pykuten_nope", "1"), ("PYKUTEN_PORT", "x"), ("PYKUTEN_QUEUE", "0")],
)
def test_unknown_and_bad_variables_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.read()
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"service: {name}")
    assert captured.err.count("\n") == 1


def test_a_bad_port_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "70000"]) == 2
    assert "PORT" in capsys.readouterr().err


@pytest.mark.parametrize(
    "limits",
    [
        {"bodies_bytes": 60_000},
        {"batch_body_bytes": 1 << 30},
        {"bodies_bytes": 34_000_000, "text_body_bytes": 30_000_000},
    ],
)
def test_a_body_that_could_never_be_held_stops_the_start(limits: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match=r"^PYKUTEN_BODIES_BYTES: .*it must be at least PYKUTEN_"):
        Settings.read(**limits)
