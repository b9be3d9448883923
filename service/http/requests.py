"""Schemas of requests: strict, and without unknown fields, so that a misspelt field never goes unnoticed."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import parse_qsl

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from models.decision.calibration import PRECISION_MAX, PRECISION_MIN
from models.listing import Listing
from models.preprocessing.text.clean import MAX_CHARACTERS
from models.taxonomy import LANGUAGES, MAX_CODE_CHARACTERS
from service.errors import InvalidRequest
from service.http.problems import faults_of

MAX_ID_CHARACTERS = 200
MAX_QUERY_BYTES = 1024
"""All options together take under 150; thousands of unknown options would take seconds to report one by one."""
MAX_PHOTOS = 4
"""Most photos of a listing: what sellers show it from several sides with."""
MAX_KEYS = 16
"""Most keys of an object that is validated; requests have four. 100,000 unknown keys take seconds to report."""
BASE64_STEP = 1024 * 1024
"""Characters that are decoded at once: the interpreter's lock is held meanwhile."""
MAX_SAMPLE = 24
"""Listings of a random sample: as many as a page shows at once."""

Language = Literal["fr", "en", "de"]


def _encodable(text: str) -> str:
    # A lone surrogate (JSON "\ud800") is a Python string that breaks at its first `.encode()`, far from here.
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise PydanticCustomError("string_unicode", "lone surrogate") from None
    return text


def _from_base64(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("base64", "not a string")
    starts = range(0, len(value), BASE64_STEP)
    try:
        data = b"".join(binascii.a2b_base64(value[at : at + BASE64_STEP], strict_mode=True) for at in starts)
    except ValueError:  # binascii.Error, and non-ASCII characters
        raise PydanticCustomError("base64", "not base64") from None
    if len(data) != len(value) // 4 * 3 - value[-2:].count("="):  # padding at the end of a step
        raise PydanticCustomError("base64", "not base64")
    return data


Text = Annotated[str, AfterValidator(_encodable)]
Field20k = Annotated[Text | None, Field(json_schema_extra={"maxLength": MAX_CHARACTERS})]
CodeOption = Annotated[Text | None, Field(max_length=MAX_CODE_CHARACTERS)]
Base64Photo = Annotated[
    bytes, BeforeValidator(_from_base64), WithJsonSchema({"type": "string", "contentEncoding": "base64"})
]


def _alone(images: list[Any] | None, info: ValidationInfo) -> list[Any] | None:
    if images is not None and info.data.get("image") is not None:
        raise PydanticCustomError("image_twice", "image and images")
    return images


class TextListing(BaseModel):
    """A listing without photo. One of `designation` and `description` must be non-blank."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    id: Annotated[Text | None, Field(max_length=MAX_ID_CHARACTERS, description="Yours; comes back in the answer.")] = (
        None
    )
    designation: Annotated[Field20k, Field(description="The title, in French, German or English; may hold HTML.")] = (
        None
    )
    description: Annotated[Field20k, Field(description="The description; may hold HTML.")] = None

    def listing(self, photos: Sequence[bytes] = ()) -> Listing:
        """The kernel's listing, with photos; nulls are empty text."""
        image, images = (None, tuple(photos)) if len(photos) > 1 else (next(iter(photos), None), ())
        return Listing(self.designation or "", self.description or "", image, self.id, images)


class PhotoListing(TextListing):
    """A listing with text, photo or both."""

    image: Annotated[
        Base64Photo | None,
        Field(description="JPEG, PNG, WebP or GIF in base64 (RFC 4648, one line, no `data:` prefix)."),
    ] = None

    images: Annotated[
        list[Base64Photo] | None,
        Field(min_length=1, max_length=MAX_PHOTOS, description="Several photos, instead of `image`."),
        AfterValidator(_alone),
    ] = None

    def listing(self, photos: Sequence[bytes] = ()) -> Listing:
        """The kernel's listing, with the photos' bytes."""
        return Listing(self.designation or "", self.description or "", self.image, self.id, tuple(self.images or ()))


class FormListing(TextListing):
    """A listing of a batch that is a form."""

    image: Annotated[Text | None, Field(description="Name of the part of the form that is its photo.")] = None
    images: Annotated[
        list[Text] | None,
        Field(min_length=1, max_length=MAX_PHOTOS, description="Names of several such parts, instead of `image`."),
        AfterValidator(_alone),
    ] = None


class Batch(BaseModel):
    """Listings to predict, each on its own: a bad one gets its error in its place."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    listings: Annotated[list[PhotoListing], Field(min_length=1)]


class Choices(BaseModel):
    """Query parameters of everything that predicts. Unknown ones are refused: a misspelt `precision` files listings."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    version: Annotated[str | None, Field(description="A version of `GET /models`; default: the current one.")] = None
    precision: Annotated[
        float | None,
        Field(
            ge=PRECISION_MIN,
            le=PRECISION_MAX,
            description="Share of accepted listings that must be right, for `decision`; default: the version's own.",
        ),
    ] = None
    lang: Annotated[
        Language | None, Field(description="Language of labels and groups; default: `Accept-Language`, then French.")
    ] = None

    @classmethod
    def read(cls, query: bytes) -> Self:
        """Options of a raw query string. Raises InvalidRequest.

        Parsed here rather than by the framework, whose parameter handling is slow.
        """
        if len(query) > MAX_QUERY_BYTES:
            raise InvalidRequest.at("", "The query string is too long.")
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        values = dict(pairs)
        if len(values) < len(pairs):
            raise InvalidRequest.at("", "An option is given twice.")
        return check(cls, values)

    def options(self, top_k: int) -> Options:
        """Options of predictions with `top_k` categories, or with all where there are fewer."""
        values = {name: getattr(self, name) for name in Choices.model_fields}
        return Options.model_construct(set(values), top_k=top_k, **values)  # `top_k` counts as a default


class Options(Choices):
    """Query parameters of the prediction paths."""

    top_k: Annotated[int, Field(ge=1, description="How many categories to return, at most all of them.")] = 3


class SampleQuery(Choices):
    """Query parameters of a random sample of the labelled catalogue."""

    category: Annotated[CodeOption, Field(description="Only listings of this category.")] = None
    predicted: Annotated[CodeOption, Field(description="Only listings that are predicted to be of this category.")] = (
        None
    )
    only: Annotated[
        Literal["mistakes", "disagreements"] | None,
        Field(description="Only listings that are predicted wrong, or whose text and photo disagree."),
    ] = None
    count: Annotated[int, Field(ge=1, le=MAX_SAMPLE, description="How many listings, at most.")] = 6
    seed: Annotated[
        int | None, Field(ge=0, lt=2**32, description="The same number draws the same listings; default: any.")
    ] = None


AnyModel = TypeVar("AnyModel", bound=BaseModel)


def check(model: type[AnyModel], value: Any) -> AnyModel:
    """Validate parsed JSON (or strings) against a schema. Raises InvalidRequest with the faults' pointers."""
    if not isinstance(value, dict):
        raise InvalidRequest.at("", "This must be an object.")
    if len(value) > MAX_KEYS:
        raise InvalidRequest.at("", "The object has too many keys.")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidRequest(
            faults_of(error.errors(include_url=False, include_context=False, include_input=False))
        ) from None


def id_of(value: object) -> str | None:
    """The id of an unchecked listing, if it is a valid one, so that a bad listing's result can carry it."""
    listing_id = value.get("id") if isinstance(value, dict) else None
    if not isinstance(listing_id, str) or len(listing_id) > MAX_ID_CHARACTERS:
        return None
    try:
        return _encodable(listing_id)
    except PydanticCustomError:
        return None


_RANGE = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
_MAX_HEADER_CHARACTERS = 200


@lru_cache(maxsize=256)
def language(option: str | None, accept_language: str) -> str:
    """The `lang` option, else the best language of an Accept-Language header (RFC 9110, 12.5.4), else French."""
    if option is not None:
        return option
    best, best_quality = LANGUAGES[0], 0.0
    for item in accept_language[:_MAX_HEADER_CHARACTERS].split(","):
        if match := _RANGE.fullmatch(item):
            name, quality = match[1].lower(), float(match[2] or 1)
            if name in LANGUAGES and quality > best_quality:
                best, best_quality = name, quality
    return best
