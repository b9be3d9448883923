"""Examples of the OpenAPI document. Tests post each request."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from models import errors as model_errors
from models.errors import PykutenError
from service import errors as service_errors
from service.errors import InvalidRequest

_FOLDER = Path(__file__).parent
_VALUES = from_json((_FOLDER / "example_values.json").read_bytes())
SMALL_PHOTO = b64encode((_FOLDER / "example_photo.jpg").read_bytes()).decode()
"""A JPEG of 48 x 48 pixels, in base64."""
LISTING: dict[str, str] = _VALUES["listing"]
"""A listing without photo; the forms' fields are filled in with it."""
TEXT_LISTINGS: dict[str, Any] = _VALUES["text_listings"]
LISTING_FORMS: dict[str, Any] = _VALUES["listing_forms"]
OPTIONS: dict[str, Any] = _VALUES["options"]
"""Values of the options of prediction paths. A form may send the first of each with any of the bodies."""
ROWS: dict[str, Any] = _VALUES["rows"]
PREDICTION: dict[str, Any] = _VALUES["prediction"]
BATCH: dict[str, Any] = _VALUES["batch"]
LABELLED: dict[str, Any] = _VALUES["catalogue"]
SAMPLE: dict[str, Any] = _VALUES["sample"]
EXPLANATION: dict[str, Any] = _VALUES["explanation"]
_NOTEBOOK = TEXT_LISTINGS["german"]["value"]
LISTINGS = (LISTING, {"id": "SKU-3", **_NOTEBOOK})
PHOTO_LISTINGS: dict[str, Any] = {
    "both": {"summary": "Text and photo", "value": {**LISTING, "image": SMALL_PHOTO}},
    "photos": {"summary": "Two photos", "value": {**LISTING, "images": [SMALL_PHOTO, SMALL_PHOTO]}},
    "photo": {"summary": "Photo alone", "value": {"id": "SKU-2", "image": SMALL_PHOTO}},
    "text": {"summary": "Text alone", "value": _NOTEBOOK},
}
BATCHES: dict[str, Any] = {
    "two": {
        "summary": "Two listings",
        "value": {"listings": [{**LISTING, "image": SMALL_PHOTO}, {"id": "SKU-3", **_NOTEBOOK}]},
    },
    "partly bad": {
        "summary": "One listing that cannot be predicted",
        "value": {"listings": [LISTING, {"id": "SKU-4", "designation": "   "}]},
    },
}
FORM_BATCH: dict[str, Any] = {
    "photos": {
        "summary": "Two listings with a photo each, and one without; the files' bytes are shown in base64",
        "value": {
            "listings": [
                {**LISTING, "image": "front"},
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
        "value": _lines({**LISTING, "image": SMALL_PHOTO}, {"id": "SKU-4", "designation": "   "}, _NOTEBOOK),
    },
}


def _results_of_stream() -> str:
    """The batch's results, one a line; pointers are into the line."""
    predicted, failed = BATCH["results"]
    faults = [{**fault, "pointer": ""} for fault in failed["error"]["errors"]]
    return _lines(predicted, {**failed, "error": {**failed["error"], "errors": faults}})


STREAM_RESULTS = _results_of_stream()


def _known_errors() -> dict[str, PykutenError]:
    """One error of each code, for the examples."""
    errors: dict[str, PykutenError] = {
        "invalid_request": InvalidRequest.at("/designation", "This must be a string."),
        "method_not_allowed": service_errors.MethodNotAllowed("POST"),
        "model_unavailable": model_errors.NoVersion(),
        "text_too_long": model_errors.TextTooLong(pointer="/description"),
        "forbidden": service_errors.Forbidden(),  # its code is that of 401
        "image_corrupt": model_errors.ImageCorrupt(pointer="/image"),
        "internal": service_errors.Internal(),
        "text_empty": model_errors.TextEmpty(pointer="/designation"),
        "version_unknown": model_errors.VersionUnknown(pointer="/version"),
    }
    for module in (model_errors, service_errors):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, PykutenError) and kind.code not in errors:
                pointer = "/image" if issubclass(kind, model_errors.ImageError) else None
                errors[kind.code] = kind() if pointer is None else kind(pointer=pointer)
    return errors


ERRORS = _known_errors()
"""By their codes."""
