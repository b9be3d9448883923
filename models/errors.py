"""The one error tree of the project. Every failure that a caller can meet is one of these.

Each class carries `code` (the machine-readable word of the HTTP contract) and `status` (the HTTP status it maps to).
`message` is a fixed sentence that may be shown to anybody: it never quotes the caller's input.

    PykutenError                      500 internal
    |-- ListingError                  422 invalid_request      the listing cannot be predicted from
    |   |-- NothingToPredict          422 invalid_request      neither text nor image
    |   |-- TextTooLong               422 text_too_long
    |   |-- TextEmpty                 422 text_empty           nothing left after cleaning, and no image
    |   `-- ImageError                422 image_corrupt
    |       |-- ImageEmpty            422 image_empty
    |       |-- ImageUnsupported      415 image_unsupported    not JPEG, PNG, WebP or GIF by content
    |       |-- ImageBlank            422 image_blank          one colour all over, and no text
    |       |-- ImageTooLarge         422 image_too_large      bytes, pixels or a side over the limit
    |       `-- ImageCorrupt          422 image_corrupt
    |-- OptionError                   422 invalid_request      top_k, precision or language out of range
    |-- VersionUnknown                404 version_unknown
    |-- VersionRefused                503 model_unavailable    damaged, foreign or failing its golden listings
    |-- NoVersion                     503 model_unavailable    nothing promoted, or nothing loadable
    |-- StoreError                    500 internal             the store folder cannot be written
    |-- ListingsUnreadable            (commands only)          a file of labelled listings cannot be read
    |-- PromotionRefused              (commands only)          the version is worse than the one it would replace
    |-- service.errors.ServiceError   (see service/errors.py: body, queue, deadline)
    `-- training.errors.TrainingError (see training/errors.py: config, catalogue; exit code 2)
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Self


class PykutenError(Exception):
    """Root of the tree. `pointer` is an RFC 6901 JSON pointer to the offending part of the input, if there is one."""

    code = "internal"
    status = 500
    message = "Something went wrong on our side."

    def __init__(self, message: str | None = None, *, pointer: str | None = None) -> None:
        self.message = message or type(self).message
        self.pointer = pointer
        super().__init__(self.message)

    def bare(self) -> Self:
        """This error without the frames that it came through and without its causes, for errors that are kept.

        The frames hold the data at work, such as 100 MB of pixels, and often the error itself: only the garbage
        collector frees such a cycle.
        """
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self


class ListingError(PykutenError):
    """The listing cannot be predicted from."""

    code = "invalid_request"
    status = 422
    message = "The listing cannot be predicted from."


class NothingToPredict(ListingError):
    """Neither text nor image was given."""

    message = "Give a designation, a description or an image."


class TextTooLong(ListingError):
    """A text field is longer than `models.preprocessing.text.clean.MAX_CHARACTERS`."""

    code = "text_too_long"
    message = "The text is longer than 20,000 characters."


class TextEmpty(ListingError):
    """Text was given, but cleaning (tags, control characters, white space) left nothing, and there is no image."""

    code = "text_empty"
    message = "Nothing readable is left of the text."


class ImageError(ListingError):
    """The image cannot be used."""

    code = "image_corrupt"
    message = "The image cannot be used."


class ImageEmpty(ImageError):
    """The image has zero bytes."""

    code = "image_empty"
    message = "The image has no bytes."


class ImageUnsupported(ImageError):
    """The content is not JPEG, PNG, WebP or GIF, whatever its name or declared type."""

    code = "image_unsupported"
    status = 415
    message = "The content is not a JPEG, PNG, WebP or GIF image."


class ImageTooLarge(ImageError):
    """More bytes, pixels or pixels on a side than the limits allow; found before any pixel is decoded."""

    code = "image_too_large"
    message = "The image is over the limit of bytes, pixels or side length."


class ImageBlank(ImageError):
    """The image is of one colour all over, and there is no text."""

    code = "image_blank"
    message = "The image shows nothing: it is of one colour all over."


class ImageCorrupt(ImageError):
    """The image is truncated or its data is damaged."""

    message = "The image is truncated or damaged."


class OptionError(PykutenError):
    """`top_k`, `precision` or `lang` is out of range."""

    code = "invalid_request"
    status = 422
    message = "An option is out of range."


class VersionUnknown(PykutenError):
    """No version of that name is in the store."""

    code = "version_unknown"
    status = 404
    message = "No such model version."


class LoadStep(StrEnum):
    """The part of loading that refused a version; unlike the reason, it names no file."""

    MANIFEST = "manifest"
    FILES = "files"
    PARTS = "parts"
    NETWORKS = "networks"
    GOLDEN = "golden"


class VersionRefused(PykutenError):
    """The version folder is damaged, of an unknown format, or its golden listings give other answers.

    `reason` says what is wrong, for operators (logs, `models verify`); it is never sent to HTTP callers. `step` is
    known when the version was refused by `Predictor.load`.
    """

    code = "model_unavailable"
    status = 503
    message = "The model version was refused."
    step: LoadStep | None = None

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__()

    def __str__(self) -> str:
        return f"version refused: {self.reason}"


class NoVersion(PykutenError):
    """No version is promoted, or none can be loaded."""

    code = "model_unavailable"
    status = 503
    message = "No model version is available."


class StoreError(PykutenError):
    """The store folder cannot be written or is not a store. `reason` is for operators."""

    message = "The model store cannot be written."

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__()

    def __str__(self) -> str:
        return f"store: {self.reason}"


class ListingsUnreadable(PykutenError):
    """A file of labelled listings cannot be read; the message names the file and the row or column at fault."""

    message = "The file of listings cannot be read."


class PromotionRefused(PykutenError):
    """The version is worse than the one that it would replace. `reasons` says how, one line each."""

    message = "The version is worse than the current one."

    def __init__(self, version: str, current: str, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(
            f"{version} is not promoted, {current} stays: {'; '.join(reasons)} (`python -m models promote {version} "
            "--force` promotes it all the same)"
        )
