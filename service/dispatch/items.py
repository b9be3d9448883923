"""Unchecked listings of a request that has many: each is parsed and checked in the thread that predicts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.errors import PykutenError
from models.listing import Listing
from models.timing import Stage, timed
from service.dispatch.job import check_photo
from service.errors import BodyTooLarge, InvalidRequest
from service.http.json import parse_json
from service.http.requests import MAX_PHOTOS, FormListing, PhotoListing, check, id_of
from service.settings import Settings


@dataclass(slots=True, eq=False)
class Item:
    """One listing of a batch: a value of its JSON, or the error that stands in its place. `read` sets `id` also when it
    raises, for the error's result.
    """

    index: int
    settings: Settings
    value: object = None
    id: str | None = field(default=None, init=False)

    def read(self) -> Listing:
        """The listing. Raises PykutenError."""
        if isinstance(self.value, PykutenError):
            raise self.value
        self.id = id_of(self.value)
        listing = self._listing()
        check_photo(listing, self.settings)
        return listing

    def parse(self) -> Listing:
        """What `read` returns, timed as parsing."""
        return timed(Stage.PARSE, self.read)

    @property
    def photos(self) -> int:
        """How many photos the value seems to have: enough to estimate its work."""
        if not isinstance(self.value, dict):
            return 0
        images = self.value.get("images")
        return len(images) if isinstance(images, list) else int(bool(self.value.get("image")))

    def _listing(self) -> Listing:
        return check(PhotoListing, self.value).listing()


@dataclass(slots=True, eq=False)
class FormItem(Item):
    """One listing of a batch that is a form: `image` names one of its `files`."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    def _listing(self) -> Listing:
        listing = check(FormListing, self.value)
        names = listing.images or ([] if listing.image is None else [listing.image])
        for number, name in enumerate(names):
            if name not in self.files:
                place = f"/images/{number}" if listing.images else "/image"
                raise InvalidRequest.at(place, "The form has no file of this name.")
        return listing.listing([self.files[name] for name in names])


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
    def photos(self) -> int:
        """How many photos the line seems to have."""
        line = self.line or b""
        return MAX_PHOTOS if b'"images"' in line else int(b'"image"' in line)
