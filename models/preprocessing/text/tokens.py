"""Words as vocabulary indices: what the recurrent text networks take."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

import numpy as np

from models.errors import VersionRefused
from models.preprocessing.settings import TokenPreprocessing
from models.preprocessing.text.clean import ListingText

VOCABULARY_FILE = "vocabulary.txt"
PADDING, UNKNOWN, SEPARATOR = 0, 1, 2
FIRST_WORD = 3
"""Id of the vocabulary's first word; a network needs an embedding table of FIRST_WORD + len(vocabulary) rows."""

MAX_WORDS = 1_000_000
MAX_WORD_CHARACTERS = 64
"""Longer runs of letters are never words: they are not stemmed and not in a vocabulary."""

_RUN = re.compile("\\w[\\w\u0300-\u036f]*|[^\\w\\s]+")
r"""The pattern of `nltk.tokenize.wordpunct_tokenize`, with combining marks kept on their letter. NLTK's own is not
called: its `\w` depends on the release (3.10 splits "cm²", 3.9 does not), and importing it takes seconds.
"""

_UNITS = frozenset("°%€$£")
"""Signs that are kept when a run of symbols begins with one: "30°", "20%", "5€"."""

_STEMS_KEPT = 100_000


class TokenFeatures:
    """`{"ids": int32 [T]}` of a text, 1 <= T <= title_tokens + 1 + description_tokens; no padding. Thread-safe.

    Title words, then, if there are description words, SEPARATOR and these. Words that are not in the vocabulary are
    UNKNOWN, and so is a text without any word. Raises ValueError if a word is in the vocabulary twice.
    """

    def __init__(self, config: TokenPreprocessing, vocabulary: Sequence[str]) -> None:
        self.config = config
        self.vocabulary = tuple(vocabulary)
        self._words = _Words(config)
        self._ids = {word: FIRST_WORD + index for index, word in enumerate(self.vocabulary)}
        if len(self._ids) != len(self.vocabulary):
            raise ValueError("a word is in the vocabulary twice")

    def extract(self, text: ListingText) -> dict[str, np.ndarray]:
        ids = [self._ids.get(word, UNKNOWN) for word in self._words.of_title(text)]
        description = [self._ids.get(word, UNKNOWN) for word in self._words.of_description(text)]
        if description:
            ids += [SEPARATOR, *description]
        return {"ids": np.array(ids or [UNKNOWN], np.int32)}


class _Words:
    """The words that a configuration takes from each field."""

    def __init__(self, config: TokenPreprocessing) -> None:
        self._config = config
        self._stop_words = frozenset(map(str.lower, config.stop_words) if config.lowercase else config.stop_words)
        self._stem = _stemmer(config.stemmer)

    def of_title(self, text: ListingText) -> list[str]:
        return list(islice(self._all(text.designation), self._config.title_tokens))

    def of_description(self, text: ListingText) -> list[str]:
        return list(islice(self._all(text.description), self._config.description_tokens))

    def _all(self, field: str) -> Iterator[str]:
        for match in _RUN.finditer(field.lower() if self._config.lowercase else field):
            run = match[0]
            if run[0].isalnum() or run.strip("_")[:1].isalnum():
                if run not in self._stop_words:
                    yield run if self._stem is None or len(run) > MAX_WORD_CHARACTERS else self._stem(run)
            elif run[0] in _UNITS:
                yield run[0]


def _stemmer(language: str) -> Callable[[str], str] | None:
    if language == "none":
        return None
    from nltk.stem.snowball import SnowballStemmer  # here because importing NLTK takes seconds

    stem: Callable[[str], str] = SnowballStemmer(language).stem
    return lru_cache(_STEMS_KEPT)(lambda word: stem(word) or word)


def build_vocabulary(texts: Iterable[ListingText], config: TokenPreprocessing, size: int) -> list[str]:
    """The `size` most frequent words of the parts of `texts` that the network gets to see; ties in code point order."""
    words = _Words(config)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(chain(words.of_title(text), words.of_description(text)))
    known = (word for word in counts if len(word) <= MAX_WORD_CHARACTERS)
    return sorted(known, key=lambda word: (-counts[word], word))[:size]


def read_vocabulary(folder: Path) -> list[str]:
    """Read `vocabulary.txt` of a version folder. Raises VersionRefused if it is missing or malformed."""
    try:
        with (folder / VOCABULARY_FILE).open(encoding="utf-8", newline="") as file:
            content = file.read()
    except OSError as error:
        raise VersionRefused(f"{VOCABULARY_FILE} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise VersionRefused(f"{VOCABULARY_FILE} is not UTF-8 at byte {error.start}") from error
    if not content.endswith("\n"):
        raise VersionRefused(f"{VOCABULARY_FILE} has no line end after its last word")
    words = content[:-1].split("\n")
    fault = _fault(words)
    if fault:
        raise VersionRefused(f"{VOCABULARY_FILE} {fault}")
    return words


def write_vocabulary(folder: Path, vocabulary: Sequence[str]) -> None:
    """Write `vocabulary.txt`, one word a line, UTF-8. Raises ValueError on what `read_vocabulary` would refuse."""
    fault = _fault(vocabulary)
    if fault:
        raise ValueError(f"the vocabulary {fault}")
    (folder / VOCABULARY_FILE).write_text("".join(f"{word}\n" for word in vocabulary), encoding="utf-8", newline="\n")


def _fault(words: Sequence[str]) -> str | None:
    if not 1 <= len(words) <= MAX_WORDS:
        return f"has {len(words)} words, not 1 to {MAX_WORDS}"
    if len(set(words)) != len(words):
        return "has a word twice"
    for line, word in enumerate(words, 1):
        if len(word) > MAX_WORD_CHARACTERS or word.split() != [word]:
            return f"line {line} is not a word of 1 to {MAX_WORD_CHARACTERS} characters"
    return None
