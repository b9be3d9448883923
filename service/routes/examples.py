"""Examples of the OpenAPI document. Tests post every one of them: they work."""

from __future__ import annotations

import json
from typing import Any

SMALL_PHOTO = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABcQERQRDhcUEhQaGBcbIjklIh8fIkYyNSk5UkhXVVFIUE5bZoNvW2F8Yk5QcptzfIeLkpSSWG2grJ+OqoOP"
    "ko3/2wBDARgaGiIeIkMlJUONXlBejY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY3/wAARCAAwADADASIAAhEB"
    "AxEB/8QAGgABAQADAQEAAAAAAAAAAAAAAAUBBAYCA//EACgQAAEDAwIFBAMAAAAAAAAAAAEAAgMEBRESQRMhYaHRFTFSkRRRcf/EABgBAAMBAQAAAAAA"
    "AAAAAAAAAAABBAID/8QAHBEAAwACAwEAAAAAAAAAAAAAAAECETEDEhNR/9oADAMBAAIRAxEAPwDp0RExBERABERAHwrJzTUkkrWhxaOQPU4Uuntb6+EV"
    "UlSQ6QknLM74/fRb91BdbpgAScA8v6F5tVTBHbomvnja4ZyHPAPuV1ltRmd5OVJO8Voj19H+FO2Pia8t1Zxjc+Fqqje5Y5axjo3teOGBlpzuVOVUNuU2"
    "TWkqaRkEtcHNJBByCNl0dsqn1VLrkA1NdpJG/XuubV6xgiicSCAZCR15Bc+ZLrk3wt9sFJT5LPTSSOeC9mTnS0jA7KgilVNaKnKeyb6JTfOX7HhPRKb5"
    "y/Y8Kki16V9M+c/CaLLTBwJdKQD7Ejn2VEANaGtAAAwANllEnTrY1KWj/9k="
)
"""A JPEG of 48 x 48 pixels, in base64."""

_POOL = {
    "id": "SKU-1",
    "designation": "Matelas de piscine gonflable",
    "description": "<p>183 x 69 cm, avec oreiller.</p>",
}
LISTING = _POOL
"""A listing without photo; the forms' fields are filled in with it."""
_NOTEBOOK = {"designation": "Notizbuch A5 liniert, 200 Seiten, fester Einband"}
_TRAIN = {
    "id": "SKU-7",
    "designation": "Wooden train set for toddlers, 40 pieces",
    "description": "<ul><li>Ages 3 &amp; up</li><li>Beech, water-based paint</li></ul>",
}
LISTINGS = (_POOL, {"id": "SKU-3", **_NOTEBOOK})

TEXT_LISTINGS: dict[str, Any] = {
    "french": {"summary": "A pool mattress, in French", "value": _POOL},
    "german": {"summary": "A notebook, title only, in German", "value": _NOTEBOOK},
    "english": {"summary": "A toy with markup in its description, in English", "value": _TRAIN},
}
PHOTO_LISTINGS: dict[str, Any] = {
    "both": {"summary": "Text and photo", "value": {**_POOL, "image": SMALL_PHOTO}},
    "photo": {"summary": "Photo alone", "value": {"id": "SKU-2", "image": SMALL_PHOTO}},
    "text": {"summary": "Text alone", "value": _NOTEBOOK},
}
LISTING_FORMS: dict[str, Any] = {
    "text": {"summary": "Text fields; choose a file for `image` to add a photo", "value": _POOL},
}
OPTIONS: dict[str, Any] = {
    "top_k": {
        "three": {"summary": "The three best", "value": 3},
        "one": {"summary": "The best alone", "value": 1},
        "ten": {"summary": "The ten best", "value": 10},
    },
    "precision": {
        "usual": {"summary": "95 of 100 accepted listings right", "value": 0.95},
        "generous": {"summary": "More is accepted, 80 of 100 right", "value": 0.8},
        "strict": {"summary": "Little is accepted, 99 of 100 right", "value": 0.99},
    },
    "count": {"three": {"summary": "Three listings", "value": 3}},
    "seed": {"seven": {"summary": "The same listings each time", "value": 7}},
}
"""Values of the options of prediction paths. A form may send the first of each with any of the bodies."""
ROWS: dict[str, Any] = {"first": {"summary": "The first", "value": 0}}
BATCHES: dict[str, Any] = {
    "two": {
        "summary": "Two listings",
        "value": {"listings": [{**_POOL, "image": SMALL_PHOTO}, {"id": "SKU-3", **_NOTEBOOK}]},
    },
    "partly bad": {
        "summary": "One listing that cannot be predicted",
        "value": {"listings": [_POOL, {"id": "SKU-4", "designation": "   "}]},
    },
}
FORM_BATCH: dict[str, Any] = {
    "photos": {
        "summary": "Two listings with a photo each, and one without; the files' bytes are shown in base64",
        "value": {
            "listings": [
                {**_POOL, "image": "front"},
                {"id": "SKU-2", "image": "photo-2"},
                {"id": "SKU-3", **_NOTEBOOK},
            ],
            "front": SMALL_PHOTO,
            "photo-2": SMALL_PHOTO,
        },
    },
}


def _lines(*values: object) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


STREAM: dict[str, Any] = {
    "three": {
        "summary": "Three listings, one of which cannot be predicted",
        "value": _lines({**_POOL, "image": SMALL_PHOTO}, {"id": "SKU-4", "designation": "   "}, _NOTEBOOK),
    },
}

_CATEGORY = {"code": "2583", "label": "Piscine et spa", "group": "Maison et jardin"}
PREDICTION: dict[str, Any] = {
    "id": "SKU-1",
    "category": _CATEGORY,
    "confidence": 0.981,
    "decision": {"action": "accept", "precision": 0.99, "threshold": 0.912, "reason": None},
    "predictions": [{**_CATEGORY, "confidence": 0.981}],
    "prediction_set": {"codes": ["2583"], "coverage": 0.95},
    "modalities": ["text", "image"],
    "by_modality": {"text": [{**_CATEGORY, "confidence": 0.97}], "image": [{**_CATEGORY, "confidence": 0.64}]},
    "disagreement": False,
    "warnings": [],
    "model": {"version": "2026.11.25-1f3a9c2"},
}
_FAILED: dict[str, Any] = {
    "index": 1,
    "id": "SKU-4",
    "status": 422,
    "error": {
        "type": "about:blank",
        "title": "Invalid request",
        "status": 422,
        "code": "invalid_request",
        "detail": "Give a designation, a description or an image.",
        "request_id": "5f0c1a7e9b3d2c48",
        "errors": [{"pointer": "/listings/1", "message": "Give a designation, a description or an image."}],
    },
}
_PREDICTED: dict[str, Any] = {"index": 0, "id": "SKU-1", "status": 200, "prediction": PREDICTION}
BATCH: dict[str, Any] = {
    "results": [_PREDICTED, _FAILED],
    "summary": {"total": 2, "predicted": 1, "failed": 1, "accepted": 1},
}
_FAULT = {**_FAILED["error"]["errors"][0], "pointer": ""}
STREAM_RESULTS = _lines(_PREDICTED, {**_FAILED, "error": {**_FAILED["error"], "errors": [_FAULT]}})
"""As BATCH, a result a line; pointers are into the line."""

LABELLED: dict[str, Any] = {
    "name": "samples",
    "listings": 54,
    "photos": True,
    "categories": [{**_CATEGORY, "listings": 2}],
}
DRAW: dict[str, Any] = {
    "listings": [
        {
            "row": 12,
            "id": "SKU-1",
            "designation": _POOL["designation"],
            "description": _POOL["description"],
            "image": "/catalogue/images/12",
            "category": _CATEGORY,
            "prediction": PREDICTION,
            "correct": {"fused": True, "text": True, "image": True},
        }
    ],
    "tried": 1,
}
EXPLANATION: dict[str, Any] = {
    "id": "SKU-1",
    "category": _CATEGORY,
    "confidence": 0.981,
    "text": {
        "designation": [
            {"text": "Matelas", "effect": 0.012},
            {"text": " ", "effect": None},
            {"text": "de", "effect": 0.0},
            {"text": " ", "effect": None},
            {"text": "piscine", "effect": 0.413},
            {"text": " ", "effect": None},
            {"text": "gonflable", "effect": 0.064},
        ],
        "description": [
            {"text": "183", "effect": 0.003},
            {"text": " ", "effect": None},
            {"text": "x", "effect": -0.001},
            {"text": " ", "effect": None},
            {"text": "69", "effect": 0.002},
            {"text": " cm, avec oreiller.", "effect": None},
        ],
    },
    "photo": {"rows": 2, "columns": 2, "effects": [[0.0, 0.012], [-0.003, 0.094]]},
    "what_if": [
        {
            "without": "image",
            "category": _CATEGORY,
            "confidence": 0.97,
            "decision": {"action": "accept", "precision": 0.99, "threshold": 0.921, "reason": None},
        },
        {
            "without": "description",
            "category": _CATEGORY,
            "confidence": 0.905,
            "decision": {"action": "review", "precision": 0.99, "threshold": 0.912, "reason": "low_confidence"},
        },
        {
            "without": "text",
            "category": _CATEGORY,
            "confidence": 0.64,
            "decision": {"action": "review", "precision": 0.99, "threshold": None, "reason": "precision_unreachable"},
        },
    ],
    "model": {"version": "2026.11.25-1f3a9c2"},
}
