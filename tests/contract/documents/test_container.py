"""The image and the compose file ask for no more than the service needs (RELIABILITY 3.3)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import Settings

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def service() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return dict(found["services"]["pykuten"])


def test_the_image_is_pinned_and_without_root() -> None:
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm(@sha256:[0-9a-f]{64})?", bases.pop())
    installs = re.findall(r"pip install [^&]*", DOCKERFILE)
    assert installs
    assert all("--require-hashes" in install for install in installs)
    serving = DOCKERFILE[DOCKERFILE.index(" AS serving") :]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", serving, re.MULTILINE)
    assert "HEALTHCHECK" in serving
    assert "curl" not in re.sub(r"#.*", "", serving)


def test_every_package_has_a_hash() -> None:
    lock = (ROOT / "requirements" / "serving.txt").read_text(encoding="utf-8")
    packages = re.findall(r"^[A-Za-z0-9][^\n]*==[^\n]*\\\n(    --hash=sha256:[0-9a-f]{64}[^\n]*\n)", lock, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^[A-Za-z0-9][^\n]*==", lock, re.MULTILINE)) > 20


def test_the_container_gets_no_more_than_it_needs(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert [volume["read_only"] for volume in service["volumes"]] == [True]
    assert "privileged" not in service
    (tmpfs,) = service["tmpfs"]
    assert "size=" in tmpfs
    grace = int(service["stop_grace_period"].removesuffix("s"))
    settings = Settings()
    assert settings.drain_seconds + settings.shutdown_seconds < grace
