"""Sentence pieces of each field: what the sentence encoder takes.

The tokenizer is SentencePiece's (Kudo and Richardson 2018), with the model file that the encoder was trained with. Of
its pieces a version knows those that are worth a row in the encoder's table, listed in `pieces.npy`; any other is
UNKNOWN.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from models.errors import VersionRefused
from models.preprocessing.settings import PiecePreprocessing
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.sorted_array import read_sorted_array, write_sorted_array

TOKENIZER_FILE = "pieces.model"
KEPT_FILE = "pieces.npy"
PADDING, UNKNOWN = 0, 1
FIRST_PIECE = 2
"""Id of the first piece that is kept; an encoder needs a table of FIRST_PIECE + len(kept) rows."""

MAX_TOKENIZER_BYTES = 16_000_000
"""The largest tokenizers in use, of 256,000 pieces, have 5 MB."""
MAX_PIECES = 1_000_000
CHARACTERS_PER_PIECE = 16
"""The longest piece of SentencePiece's default: of a longer text, more than enough is read to fill the limit."""


class PieceFeatures:
    """`pieces`, int32 `[T]`, of the title and `description_pieces`, `[U]`, of the description. Thread-safe.

    A field is its begin mark, its pieces and its end mark; of a longer field than the limit allows, pieces at its end
    are left out and the end mark stays. A field without text is one entry of PADDING. `kept` are the tokenizer's own
    ids, ascending: id FIRST_PIECE + i stands for the i-th of them.
    """

    def __init__(self, config: PiecePreprocessing, tokenizer: SentencePieceProcessor, kept: NDArray[np.int32]) -> None:
        self.config = config
        self._tokenizer = tokenizer
        self._ids = np.full(tokenizer.vocab_size(), UNKNOWN, np.int32)
        self._ids[kept] = FIRST_PIECE + np.arange(len(kept), dtype=np.int32)

    def extract(self, text: ListingText) -> dict[str, np.ndarray]:
        return {
            "pieces": self._field(text.designation, self.config.title_pieces),
            "description_pieces": self._field(text.description, self.config.description_pieces),
        }

    def _field(self, text: str, limit: int) -> NDArray[np.int32]:
        pieces = encode(self._tokenizer, text[: limit * CHARACTERS_PER_PIECE], lowercase=self.config.lowercase)
        if not pieces:
            return np.full(1, PADDING, np.int32)
        marks = self._tokenizer.bos_id(), self._tokenizer.eos_id()
        return self._ids[[marks[0], *pieces[: limit - 2], marks[1]]]


def encode(tokenizer: SentencePieceProcessor, text: str, *, lowercase: bool = False) -> list[int]:
    """The tokenizer's own ids of a text, without marks; empty for a text that holds nothing but white space."""
    # A lone surrogate, which cleaned text has not, is the one thing that the tokenizer would raise on.
    safe = (text.lower() if lowercase else text).encode("utf-8", "replace").decode("utf-8")
    ids: list[int] = tokenizer.encode(safe)
    return ids


def read_tokenizer(folder: Path) -> SentencePieceProcessor:
    """Read `pieces.model` of a version folder. Raises VersionRefused if it is missing or not a tokenizer's model.

    The file is a protocol buffer, data that is parsed and not run; versions are checked against their manifest first.
    """
    try:
        with (folder / TOKENIZER_FILE).open("rb") as file:
            content = file.read(MAX_TOKENIZER_BYTES + 1)
    except OSError as error:
        raise VersionRefused(f"{TOKENIZER_FILE} cannot be read: {error.strerror}") from error
    if not 0 < len(content) <= MAX_TOKENIZER_BYTES:
        raise VersionRefused(f"{TOKENIZER_FILE} is empty, or longer than {MAX_TOKENIZER_BYTES} bytes")
    try:
        tokenizer = SentencePieceProcessor(model_proto=content)
    except Exception as error:  # SentencePiece promises no particular error for a damaged model
        raise VersionRefused(f"{TOKENIZER_FILE} is not a tokenizer's model: {type(error).__name__}") from error
    if min(tokenizer.unk_id(), tokenizer.bos_id(), tokenizer.eos_id()) < 0 or tokenizer.vocab_size() > MAX_PIECES:
        raise VersionRefused(f"{TOKENIZER_FILE} has no marks for begin, end and unknown, or too many pieces")
    return tokenizer


def read_kept_pieces(folder: Path, tokenizer: SentencePieceProcessor) -> NDArray[np.int32]:
    """Read `pieces.npy` of a version folder. Raises VersionRefused if it is missing or does not fit the tokenizer."""
    kept = read_sorted_array(folder, KEPT_FILE, np.int32, MAX_PIECES)
    if kept[0] < 0 or kept[-1] >= tokenizer.vocab_size():
        raise VersionRefused(f"{KEPT_FILE} names pieces that {TOKENIZER_FILE} has not")
    if tokenizer.unk_id() in kept or not {tokenizer.bos_id(), tokenizer.eos_id()} <= set(kept.tolist()):
        raise VersionRefused(f"{KEPT_FILE} must hold the marks of begin and end, and not that of the unknown")
    return kept


def write_kept_pieces(folder: Path, kept: NDArray[np.int32]) -> None:
    """Write `pieces.npy`: the tokenizer's ids of the pieces that are kept, ascending. Raises ValueError if not."""
    write_sorted_array(folder, KEPT_FILE, kept.astype(np.int32))
