"""What every server of the comparison computes for a request: the serving `Predictor`, one stream a process.

Runs in the rivals' own environments, so it needs nothing but what `models` needs. The version's folder and how many
threads a process has come in the environment.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from models.decision.prediction import Prediction
from models.errors import PykutenError
from models.listing import Listing
from models.predictor import Predictor

FOLDER = "BENCHMARK_VERSION"
STREAMS = "BENCHMARK_STREAMS"


@cache
def predictor() -> Predictor:
    """The version, loaded once a process."""
    folder = Path(os.environ[FOLDER])
    return Predictor.load(folder, streams=int(os.environ.get(STREAMS, "1")), verify=False)


def listing_of(fields: dict[str, Any]) -> Listing:
    """A listing of a JSON body with its photo in base64."""
    image = fields.get("image")
    photo = None if image is None else b64decode(image)
    return Listing(fields.get("designation") or "", fields.get("description") or "", photo)


def listing_of_body(body: bytes) -> Listing:
    """A photo as it is, or a JSON body."""
    return listing_of(json.loads(body)) if body[:1] == b"{" else Listing(image=body)


def answers(listings: Sequence[Listing]) -> list[dict[str, Any]]:
    """The answers to listings that are predicted together."""
    return [answer_of(found) for found in predictor().predict_many(listings)]


def answer_of(found: Prediction | PykutenError) -> dict[str, Any]:
    """What the service answers, without labels."""
    if isinstance(found, PykutenError):
        return {"error": found.code}
    return {
        "code": found.code,
        "confidence": found.confidence,
        "predictions": [[one.code, one.confidence] for one in found.predictions],
        "decision": found.decision.action.value,
    }
