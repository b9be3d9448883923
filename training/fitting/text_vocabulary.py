"""The vocabularies that text preprocessing learns from the training rows: words, n-grams or sentence pieces."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.arrays import Integers
from models.preprocessing.settings import (
    CombinedPreprocessing,
    NgramPreprocessing,
    PiecePreprocessing,
    TextSettings,
    TokenPreprocessing,
)
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.ngrams import (
    NGRAMS_FILE,
    build_ngram_vocabulary,
    read_ngram_vocabulary,
    write_ngram_vocabulary,
)
from models.preprocessing.text.tokens import FIRST_WORD, VOCABULARY_FILE, build_vocabulary, write_vocabulary
from training.config.fit import TextConfig
from training.errors import TrainingError

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

SHORT_PIECE = 3
"""A piece of so few characters is kept although unseen, if training listings have its characters: it spells words."""
PIECE_SPACE = "\u2581"
"""SentencePiece's mark of a space before a word."""


class VocabularyEmpty(TrainingError):
    """The training listings share no word, n-gram or piece that an id could be given to."""


def write_text_vocabulary(config: TextConfig, texts: Sequence[ListingText], folder: Path) -> None:
    """Write the files that `config.preprocessing` needs beside it, from the cleaned texts of the training rows.

    Raises VocabularyEmpty, and WeightsUnavailable where the sentence encoder's tokenizer is not to be had.
    """
    for part in _parts(config.preprocessing):
        if isinstance(part, TokenPreprocessing):
            write_vocabulary(folder, build_vocabulary(texts, part, config.vocabulary_size - FIRST_WORD))
        elif isinstance(part, PiecePreprocessing):
            _write_pieces(part, texts, config.min_documents, folder)
        elif part.vocabulary:
            try:
                known = build_ngram_vocabulary(texts, part, config.vocabulary_size, config.min_documents)
            except ValueError as error:
                raise VocabularyEmpty(f"text.preprocessing.vocabulary: {error}") from error
            write_ngram_vocabulary(folder, known)


def text_vocabulary_files(preprocessing: TextSettings) -> list[str]:
    """Names of the files that a version needs beside `preprocessing.json`."""
    names: list[str] = []
    for part in _parts(preprocessing):
        if isinstance(part, TokenPreprocessing):
            names.append(VOCABULARY_FILE)
        elif isinstance(part, PiecePreprocessing):
            from models.preprocessing.text.pieces import KEPT_FILE, TOKENIZER_FILE

            names += [TOKENIZER_FILE, KEPT_FILE]
        elif part.vocabulary:
            names.append(NGRAMS_FILE)
    return names


def ngram_ids(preprocessing: NgramPreprocessing, folder: Path) -> int:
    """Rows of an n-gram network's tables: one more than the largest id that the preprocessing gives."""
    return len(read_ngram_vocabulary(folder)) + 1 if preprocessing.vocabulary else preprocessing.buckets


def select_pieces(tokenizer: SentencePieceProcessor, documents: Integers, min_documents: int) -> NDArray[np.int32]:
    """The pieces that a version keeps: the tokenizer's ids, ascending, int32.

    Kept are pieces that at least `min_documents` training listings have (`documents` counts them for each piece), the
    marks of begin and end, and pieces of up to `SHORT_PIECE` characters that training listings have.
    """
    pieces = [tokenizer.id_to_piece(piece_id) for piece_id in range(tokenizer.vocab_size())]
    characters = {PIECE_SPACE}.union(*(pieces[piece_id] for piece_id in np.flatnonzero(documents)))
    kept = {tokenizer.bos_id(), tokenizer.eos_id()}
    for piece_id, piece in enumerate(pieces):
        if tokenizer.is_control(piece_id) or tokenizer.is_unknown(piece_id):
            continue
        short = len(piece.removeprefix(PIECE_SPACE)) <= SHORT_PIECE and characters.issuperset(piece)
        if short or documents[piece_id] >= min_documents:
            kept.add(piece_id)
    return np.array(sorted(kept), np.int32)


def _write_pieces(config: PiecePreprocessing, texts: Sequence[ListingText], min_documents: int, folder: Path) -> None:
    """Copy the sentence encoder's tokenizer and choose its pieces."""
    from models.preprocessing.text.pieces import TOKENIZER_FILE, encode, read_tokenizer, write_kept_pieces
    from training.networks.use_checkpoint import package_tokenizer

    shutil.copyfile(package_tokenizer(), folder / TOKENIZER_FILE)
    tokenizer = read_tokenizer(folder)
    documents = np.zeros(tokenizer.vocab_size(), np.int64)
    for text in texts:
        title, description = (
            encode(tokenizer, field, lowercase=config.lowercase) for field in (text.designation, text.description)
        )
        documents[sorted({*title, *description})] += 1
    write_kept_pieces(folder, select_pieces(tokenizer, documents, min_documents))


def _parts(preprocessing: TextSettings) -> list[TokenPreprocessing | NgramPreprocessing | PiecePreprocessing]:
    if isinstance(preprocessing, CombinedPreprocessing):
        return [preprocessing.ngrams, preprocessing.pieces]
    return [preprocessing]
