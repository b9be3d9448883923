"""A sentence-piece tokenizer that is trained in a moment, and the files of a version that uses it."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from models.preprocessing.text.pieces import TOKENIZER_FILE, read_tokenizer, write_kept_pieces

SENTENCES = (
    "piscine gonflable pour enfants et bâche de piscine",
    "livre de poche, roman policier en bon état",
    "console de jeu avec manette et jeux vidéo",
    "swimming pool cover and pump for the garden",
    "Schwimmbad Abdeckung für den Garten, 3,6 m",
    "PS4 Pro 1To + TV 4K, cm² et °C",
)


@cache
def tokenizer_model(size: int = 120) -> bytes:
    """The file content of a tokenizer of about `size` pieces."""
    stream = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 3),
        model_writer=stream,
        vocab_size=size,
        hard_vocab_limit=False,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        minloglevel=2,
    )
    return stream.getvalue()


def write_pieces(folder: Path, kept: slice = slice(1, None)) -> SentencePieceProcessor:
    """Write `pieces.model` and `pieces.npy`, keeping a range of the tokenizer's ids and both marks."""
    (folder / TOKENIZER_FILE).write_bytes(tokenizer_model())
    tokenizer = read_tokenizer(folder)
    ids = np.arange(tokenizer.vocab_size(), dtype=np.int32)[kept]
    write_kept_pieces(folder, np.union1d(ids, np.array([1, 2], np.int32)))
    return tokenizer
