"""Unchecked listings of a request that has many: each is parsed and checked in the thread that predicts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.listing import Listing
from models.timing import Stage, timed
from service.dispatch.job import check_photo
from service.errors import BodyTooLarge, InvalidRequest
from service.http.bodies import parse_json
from service.http.requests import FormListing, PhotoListing, check, id_of
from service.settings import Settings


@dataclass(slots=True, eq=False)
class Item:
    """One listing of a batch: a value of its JSON. `read` sets `id` also when it raises, for the error's result."""

    index: int
    settings: Settings
    value: object = None
    id: str | None = field(default=None, init=False)

    def read(self) -> Listing:
        """The listing. Raises PykutenError."""
        self.id = id_of(self.value)
        listing = self._listing()
        check_photo(listing, self.settings)
        return listing

    def parse(self) -> Listing:
        """What `read` returns, timed as parsing."""
        return timed(Stage.PARSE, self.read)

    @property
    def has_photo(self) -> bool:
        """Whether the value seems to have a photo: enough to estimate its work."""
        return isinstance(self.value, dict) and bool(self.value.get("image"))

    def _listing(self) -> Listing:
        return check(PhotoListing, self.value).listing()


@dataclass(slots=True, eq=False)
class FormItem(Item):
    """One listing of a batch that is a form: `image` names one of its `files`."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    def _listing(self) -> Listing:
        listing = check(FormListing, self.value)
        if listing.image is None:
            return listing.listing()
        if listing.image not in self.files:
            raise InvalidRequest.at("/image", "The form has no file of this name.")
        return listing.listing(self.files[listing.image])


@dataclass(slots=True, eq=False)
class LineItem(Item):
    """One line of a stream, not parsed yet; None is a line over the limit."""

    line: bytes | None = None

    def read(self) -> Listing:
        """The listing. Raises PykutenError."""
        if self.line is None:
            raise BodyTooLarge("The line is over the limit of one listing.")
        self.value, self.line = parse_json(self.line), b""
        try:
            return Item.read(self)
        finally:
            self.value = None  # the answer may wait for those before it; the photo need not

    @property
    def has_photo(self) -> bool:
        """Whether the line seems to have a photo."""
        return self.line is not None and b'"image"' in self.line
