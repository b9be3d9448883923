from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tokenize import wordpunct_tokenize

from models.errors import VersionRefused
from models.preprocessing.settings import TokenPreprocessing
from models.preprocessing.text import tokens as module
from models.preprocessing.text.clean import ListingText, plain_text
from models.preprocessing.text.tokens import (
    FIRST_WORD,
    SEPARATOR,
    UNKNOWN,
    VOCABULARY_FILE,
    TokenFeatures,
    build_vocabulary,
    read_vocabulary,
    write_vocabulary,
)

VOCABULARY = ["console", "ps4", "1to", "jeu", "cm²", "°", "größe", "œuvre"]
any_text = st.text(st.characters(exclude_categories=[]))


def words(title: str, description: str = "", config: TokenPreprocessing | None = None) -> list[str]:
    """The words that come out when all are known."""
    text = ListingText(title, description)
    config = config or TokenPreprocessing()
    vocabulary = build_vocabulary([text], config, 1000)
    names = {UNKNOWN: "?", SEPARATOR: "|", **dict(enumerate(vocabulary, FIRST_WORD))}
    return [names[id_] for id_ in TokenFeatures(config, vocabulary).extract(text)["ids"].tolist()]


def test_ids() -> None:
    features = TokenFeatures(TokenPreprocessing(), VOCABULARY)
    ids = features.extract(ListingText("Console PS4 Pro 1To", "Jeu inconnu"))["ids"]
    assert ids.tolist() == [3, 4, UNKNOWN, 5, SEPARATOR, 6, UNKNOWN]
    assert ids.dtype == np.int32
    assert features.extract(ListingText("PS4", "..."))["ids"].tolist() == [4]
    assert features.extract(ListingText("!", "PS4"))["ids"].tolist() == [SEPARATOR, 4]
    assert features.extract(ListingText("", ""))["ids"].tolist() == [UNKNOWN]


def test_words_keep_accents_digits_and_units() -> None:
    assert words("Console PS4 Pro 1To + TV 4K") == ["console", "ps4", "pro", "1to", "tv", "4k"]
    assert words("Größe 38, l'Œuvre: 3 cm² à 30° (-20%, 5€)!") == [
        *["größe", "38", "l", "œuvre", "3", "cm²", "à", "30", "°", "20", "%", "5", "€"]
    ]
    assert words("İstanbul \u0301x") == ["i\u0307stanbul", "x"]
    assert words("___ a_b ...", config=TokenPreprocessing(lowercase=False)) == ["a_b"]
    assert words("PS4 ps4", config=TokenPreprocessing(lowercase=False)) == ["PS4", "ps4"]


def test_stop_words_and_stems() -> None:
    assert words("Le lit LE", "de lit", TokenPreprocessing(stop_words=("LE", "de"))) == ["lit", "|", "lit"]
    assert words("Le lit LE", config=TokenPreprocessing(stop_words=("LE",), lowercase=False)) == ["Le", "lit"]
    assert words("piscines gonflables", config=TokenPreprocessing(stemmer="french")) == ["piscin", "gonflabl"]
    assert words("swimming pools", config=TokenPreprocessing(stemmer="english")) == ["swim", "pool"]
    assert words("Häuser", config=TokenPreprocessing(stemmer="german")) == ["haus"]


def test_a_long_description_does_not_shorten_the_title() -> None:
    features = TokenFeatures(TokenPreprocessing(title_tokens=4, description_tokens=3), VOCABULARY)
    title = "console ps4 1to jeu"
    ids = features.extract(ListingText(f"{title} œuvre", "jeu " * 5000))["ids"]
    assert ids.tolist() == [3, 4, 5, 6, SEPARATOR, 6, 6, 6]


@settings(deadline=None)
@given(st.text("abéßŒ019_ \n!-'+°%€"))
def test_runs_are_those_of_nltk_where_its_releases_agree(text: str) -> None:
    assert module._RUN.findall(text) == wordpunct_tokenize(text)


@settings(deadline=None)
@given(any_text, any_text, st.integers(1, 5), st.sampled_from(["none", "french", "english", "german"]))
def test_total(title: str, description: str, tokens: int, stemmer: str) -> None:
    config = TokenPreprocessing.model_validate(
        {"title_tokens": tokens, "description_tokens": tokens, "stemmer": stemmer}
    )
    for text in (ListingText(title, description), ListingText.clean(title, description)):
        vocabulary = build_vocabulary([text], config, 100)
        ids = TokenFeatures(config, vocabulary).extract(text)["ids"]
        assert 1 <= len(ids) <= 2 * tokens + 1
        assert ids.min() >= 1
        assert ids.max() < FIRST_WORD + len(vocabulary) or ids.max() == SEPARATOR


@settings(deadline=None)
@given(st.text(st.sampled_from("aeiouyéèsntlrßü'’xz1"), max_size=30), st.sampled_from(["french", "english", "german"]))
def test_stemmers_take_any_word(word: str, stemmer: str) -> None:
    stem = module._stemmer(stemmer)
    assert stem is not None
    assert stem(word) or not word


def test_the_vocabulary_is_the_most_frequent_words() -> None:
    texts = [ListingText("b b c c a", "d"), ListingText("b", "z" * 65)]
    assert build_vocabulary(texts, TokenPreprocessing(), 10) == ["b", "c", "a", "d"]
    assert build_vocabulary(texts, TokenPreprocessing(), 2) == ["b", "c"]
    assert build_vocabulary(texts, TokenPreprocessing(title_tokens=1), 10) == ["b", "d"]
    assert build_vocabulary([], TokenPreprocessing(), 10) == []


@given(st.lists(st.text("abé4 ", max_size=12), max_size=8), st.randoms(use_true_random=False))
def test_the_vocabulary_does_not_depend_on_the_order(titles: list[str], order: random.Random) -> None:
    texts = [ListingText(plain_text(title), "") for title in titles]
    vocabulary = build_vocabulary(texts, TokenPreprocessing(), 5)
    order.shuffle(texts)
    assert build_vocabulary(texts, TokenPreprocessing(), 5) == vocabulary


@given(st.lists(any_text, max_size=20))
def test_words_of_any_text_survive_the_file(tmp_path_factory: pytest.TempPathFactory, titles: list[str]) -> None:
    folder = tmp_path_factory.mktemp("version")
    vocabulary = build_vocabulary([ListingText(title, "") for title in titles], TokenPreprocessing(), 100)
    if vocabulary:
        write_vocabulary(folder, vocabulary)
        assert read_vocabulary(folder) == vocabulary


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a\nb",
        b"a\n\nb\n",
        b"\n",
        b"a\na\n",
        b"a b\n",
        b" a\n",
        b"a\r\n",
        b"\xff\n",
        b"a\x85\n",
        b"a" * 65 + b"\n",
    ],
)
def test_a_malformed_vocabulary_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / VOCABULARY_FILE).write_bytes(content)
    with pytest.raises(VersionRefused, match=VOCABULARY_FILE) as caught:
        read_vocabulary(tmp_path)
    assert str(tmp_path) not in caught.value.reason


@pytest.mark.parametrize("vocabulary", [[], ["a", "a"], ["a b"], [""], ["a\n"], ["a" * 65]])
def test_a_malformed_vocabulary_is_not_written(tmp_path: Path, vocabulary: list[str]) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        write_vocabulary(tmp_path, vocabulary)
    assert not list(tmp_path.iterdir())


def test_a_word_twice_has_no_id() -> None:
    with pytest.raises(ValueError, match="twice"):
        TokenFeatures(TokenPreprocessing(), ["a", "a"])


def test_nltk_is_not_imported_for_words_alone() -> None:
    code = (
        "import sys; from models.preprocessing.settings import TokenPreprocessing; "
        "from models.preprocessing.text.clean import ListingText; "
        "from models.preprocessing.text.tokens import TokenFeatures; "
        "TokenFeatures(TokenPreprocessing(), ['a']).extract(ListingText('a', 'b')); "
        "sys.exit('nltk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[4]).returncode == 0
