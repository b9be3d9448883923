"""The settings of a version's preprocessing: `preprocessing.json`.

All that shapes a network's input is a field here or in a file beside it (`vocabulary.txt`, `ngrams.npy`,
`pieces.model`, `pieces.npy`), never a constant of the caller: training and serving read the same files and compute the
same arrays.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from models.errors import VersionRefused

PREPROCESSING_FILE = "preprocessing.json"
MAX_FILE_BYTES = 4_000_000
"""A longer `preprocessing.json` is refused unparsed. The longest valid one, 10,000 long stop words, has 2.7 MB."""

Tokens = Annotated[int, Field(ge=1, le=1024)]
Pieces = Annotated[int, Field(ge=3, le=1024)]
Characters = Annotated[int, Field(ge=1, le=20_000)]
Pixels = Annotated[int, Field(ge=8, le=1024)]
CharSize = Annotated[int, Field(ge=1, le=8)]
WordSize = Annotated[int, Field(ge=1, le=3)]
StopWord = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\S+$")]


class _Part(BaseModel):
    """Frozen; an unknown field is an error, and so is a number given as a string."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TokenPreprocessing(_Part):
    """Words as indices into `vocabulary.txt`: the network input `ids`, int32 `[T]` (see
    `models.preprocessing.text.tokens`).

    `title_tokens` and `description_tokens` are the words kept of each field; they do not compete. `stop_words` are left
    out, compared after lower-casing if `lowercase`. `stemmer` is the language of the Snowball stemmer.
    """

    kind: Literal["tokens"] = "tokens"
    title_tokens: Tokens = 40
    description_tokens: Tokens = 160
    lowercase: bool = True
    stop_words: Annotated[tuple[StopWord, ...], Field(max_length=10_000, strict=False)] = ()
    stemmer: Literal["none", "french", "english", "german"] = "none"


class NgramPreprocessing(_Part):
    """Character and word n-grams of each field: `ids`, `weights` and `description_*` (see
    `models.preprocessing.text.ngrams`).

    With `vocabulary`, ids are 1..V for the V n-grams in `ngrams.npy`, and others are left out; without, n-grams are
    hashed into ids 1..buckets-1, `buckets` being a power of two, 2**10..2**22. 0 is padding. `char_sizes` and
    `word_sizes` are ascending n-gram lengths, one of them may be empty. `title_characters` and `description_characters`
    of each cleaned field are read; they do not compete. `strip_accents` is about Latin letters.
    """

    kind: Literal["ngrams"] = "ngrams"
    vocabulary: bool = False
    buckets: Annotated[int, Field(ge=2**10, le=2**22)] = 2**17
    char_sizes: Annotated[tuple[CharSize, ...], Field(strict=False)] = (3, 4, 5)
    word_sizes: Annotated[tuple[WordSize, ...], Field(strict=False)] = (1, 2)
    lowercase: bool = True
    strip_accents: bool = False
    title_characters: Characters = 400
    description_characters: Characters = 2000

    @field_validator("buckets")
    @classmethod
    def _power_of_two(cls, buckets: int) -> int:
        if buckets.bit_count() != 1:
            raise ValueError("buckets must be a power of two")
        return buckets

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        for sizes in (self.char_sizes, self.word_sizes):
            if any(first >= second for first, second in pairwise(sizes)):
                raise ValueError("n-gram sizes must ascend")
        if not self.char_sizes and not self.word_sizes:
            raise ValueError("char_sizes and word_sizes must not both be empty")
        return self


class PiecePreprocessing(_Part):
    """Sentence pieces of each field: `pieces` and `description_pieces` (see `models.preprocessing.text.pieces`).

    `title_pieces` and `description_pieces` are the pieces kept of each field, the marks of its begin and end among
    them; they do not compete. The tokenizer is `pieces.model`, and `pieces.npy` says which of its pieces have an id.
    """

    kind: Literal["pieces"] = "pieces"
    title_pieces: Pieces = 64
    description_pieces: Pieces = 128
    lowercase: bool = False


class CombinedPreprocessing(_Part):
    """N-grams and sentence pieces of the same text: the inputs of both, under their own names."""

    kind: Literal["combined"] = "combined"
    ngrams: NgramPreprocessing = NgramPreprocessing()
    pieces: PiecePreprocessing = PiecePreprocessing()


class ImagePreprocessing(_Part):
    """A photo as the network input `pixels`, uint8 `[height, width, 3]` (see
    `models.preprocessing.image.decode`).

    With a `margin_canvas` the photo is first fitted into a square of so many pixels a side, then the white around the
    product is cut away (see `models.preprocessing.image.margin`); None leaves the photo whole. The canvas makes photos
    of all sizes equally sharp before they are cut: best is the longest side of the photos that the network was trained
    on.
    """

    height: Pixels
    width: Pixels
    margin_canvas: Pixels | None = None


TextSettings = TokenPreprocessing | NgramPreprocessing | PiecePreprocessing | CombinedPreprocessing
TextPreprocessing = Annotated[TextSettings, Field(discriminator="kind")]


class Preprocessing(_Part):
    """The content of `preprocessing.json`; a modality that the version has no network for is None."""

    text: TextPreprocessing | None = None
    image: ImagePreprocessing | None = None

    @classmethod
    def read(cls, folder: Path) -> Preprocessing:
        """Read `preprocessing.json` of a version folder. Raises VersionRefused if it is missing or not valid."""
        try:
            with (folder / PREPROCESSING_FILE).open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise VersionRefused(f"{PREPROCESSING_FILE} cannot be read: {error.strerror}") from error
        if len(content) > MAX_FILE_BYTES:
            raise VersionRefused(f"{PREPROCESSING_FILE} is longer than {MAX_FILE_BYTES} bytes")
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = "/".join(map(str, first["loc"]))
            raise VersionRefused(f"{PREPROCESSING_FILE} at /{where}: {first['msg']}") from error

    def write(self, folder: Path) -> None:
        """Write `preprocessing.json` into a version folder: the same settings always give the same bytes."""
        content = json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False)
        (folder / PREPROCESSING_FILE).write_text(content + "\n", encoding="utf-8", newline="\n")
