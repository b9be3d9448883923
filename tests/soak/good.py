"""Good clients: every kind of request that is right, with the answer that each version gives to it."""

from __future__ import annotations

import base64
import json
import math
from random import Random
from typing import Any, NamedTuple

from tests.hostile.judge import SHED, fault_of_answer
from tests.models.tiny_version import listing, photo
from tests.soak.report import Watch
from tests.soak.wire import Answer, Broken, Client

TOLERANCE = {"f32": 2e-3, "bf16": 0.1}
"""Of confidences: a pass with other listings in it adds up in another order. Categories must be the same."""
LINES = 40
MANY = ("batch", "lines")
MANY_SECONDS = 60.0
"""These wait in line, and each listing has a deadline of its own."""


class Ask(NamedTuple):
    """A right request."""

    kind: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def _json(kind: str, target: str, value: object) -> Ask:
    return Ask(kind, "POST", target, (("Content-Type", "application/json"),), json.dumps(value).encode())


def _form(kind: str, target: str, fields: dict[str, str], picture: bytes) -> Ask:
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(b'Content-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n' + picture)
    body = b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + b"--B--\r\n"
    return Ask(kind, "POST", target, (("Content-Type", "multipart/form-data; boundary=B"),), body)


def asks() -> list[Ask]:
    """All kinds; those on predictions are answered alike by one version, whenever it is asked."""
    pictures = [listing(photo_of=number).image or photo((200, 30, 30)) for number in range(3)]
    texts = ["Piscine gonflable", "Belle table neuve", "Livre de poche", "Lampe <b>LED</b> &eacute;tanche"]
    encoded = base64.b64encode(pictures[0]).decode()
    many = [{"id": str(n), "designation": texts[n % 4], "image": encoded if n % 3 == 0 else None} for n in range(12)]
    lines = b"".join(json.dumps(many[n % 12]).encode() + b"\n" for n in range(LINES))
    return [
        *[_json("text", "/predict/text", {"designation": text, "description": "neuf"}) for text in texts],
        _json("JSON", "/predict?lang=de", {"id": "a", "designation": texts[1], "image": encoded}),
        *[_form("form", "/predict?top_k=2", {"designation": texts[0]}, picture) for picture in pictures],
        Ask("photo", "POST", "/predict/image", (("Content-Type", "image/jpeg"),), pictures[1]),
        _json("batch", "/predict/batch", {"listings": many}),
        Ask("lines", "POST", "/predict/batch", (("Content-Type", "application/x-ndjson"),), lines),
        Ask("categories", "GET", "/categories?lang=en"),
        Ask("models", "GET", "/models"),
        Ask("metrics", "GET", "/metrics"),
        Ask("page", "GET", "/"),
        Ask("ready", "GET", "/health/ready"),
    ]


Expected = dict[Ask, dict[str, Any]]
"""For each request on predictions, the answer of each version by its name."""


def expected(port: int, versions: list[str]) -> Expected:
    """Ask each version by name. Raises AssertionError when one does not answer."""
    client = Client(port, seconds=60)
    predictions = [ask for ask in asks() if ask.target.startswith("/predict")]
    answers: Expected = {ask: {} for ask in predictions}
    for version in versions:
        for ask in predictions:
            target = ask.target + ("&" if "?" in ask.target else "?") + f"version={version}"
            answer = client.ask(ask.method, target, ask.headers, ask.body)
            if answer.status == 504:  # it was not loaded in time, but it is now
                answer = client.ask(ask.method, target, ask.headers, ask.body)
            assert answer.status == 200, (ask.kind, answer)
            answers[ask][version] = answer.json()
    client.close()
    return answers


def good_client(port: int, wanted: Expected, watch: Watch, seed: int, *, longest: float, precision: str) -> None:
    """Ask and compare until it is time to stop."""
    chance, client = Random(seed), Client(port)
    choices = asks()
    while watch.goes_on:
        ask = chance.choice(choices)
        kind = "good " + ask.kind
        try:
            answer = client.ask(ask.method, ask.target, ask.headers, ask.body)
        except (Broken, OSError) as error:
            if watch.draining.is_set() and isinstance(error, ConnectionRefusedError):
                break  # the port is closed, as it should be
            watch.count(kind, f"no answer: {error}")
            continue
        shed = answer.status in SHED and (ask.kind in MANY or watch.draining.is_set())
        fault = fault_of_answer(answer, longest=MANY_SECONDS if ask.kind in MANY else longest, shed=shed)
        if fault is None and not shed:
            fault = _fault(ask, answer, wanted, TOLERANCE[precision], draining=watch.draining.is_set())
        watch.count(kind, fault, was_shed=shed)
        if watch.draining.is_set() and answer.headers.get("connection") == "close":
            break  # a balancer sends the next request to another process
    client.close()


def _fault(ask: Ask, answer: Answer, wanted: Expected, tolerance: float, *, draining: bool) -> str | None:
    if answer.status != 200:
        return f"status {answer.status}"
    if ask not in wanted:
        return None
    body = answer.json()
    if draining and ask.kind in MANY:
        return None  # its last listings may be told that they were not begun
    version = _version(body)
    if version not in wanted[ask]:
        return f"answered by {version}"
    place = difference(body, wanted[ask][version], tolerance)
    return None if place is None else f"version {version} says something else at {place}"


def _version(body: Any) -> str | None:
    first = body[0] if isinstance(body, list) else body
    if "results" in first:
        first = first["results"][0]
    version: str = first.get("prediction", first)["model"]["version"]
    return version


def difference(left: Any, right: Any, tolerance: float, place: str = "") -> str | None:
    """Where two values differ, numbers by more than the tolerance; None if nowhere. Names of versions count too."""
    if isinstance(left, float) and isinstance(right, float):
        return None if math.isclose(left, right, rel_tol=0, abs_tol=tolerance) else place or "/"
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        pairs = [(left[key], right[key], f"{place}/{key}") for key in left]
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = [(one, other, f"{place}/{number}") for number, (one, other) in enumerate(zip(left, right, strict=True))]
    else:
        return None if left == right else place or "/"
    return next((found for one, other, below in pairs if (found := difference(one, other, tolerance, below))), None)
