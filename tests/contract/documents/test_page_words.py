"""The page's words: every key that is used exists in three languages, and every error code has its sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from models import errors as kernel
from models.decision.prediction import Action, Reason
from models.errors import PykutenError
from models.preprocessing.image.decode import WARNING_ANIMATED, WARNING_BLANK, WARNING_TINY
from models.preprocessing.prepare import IMAGE_IGNORED, TEXT_EMPTY, TEXT_IGNORED, TEXT_PLACEHOLDER
from service import errors as service

PAGE = Path(service.__file__).parent / "page"
ASSETS = PAGE / "assets"
LANGUAGES = {"fr", "en", "de"}
KEY = re.compile(r'["`]([a-z]+(?:\.[a-z_0-9]+)+)["`]')
"""A key is written out, between quotes, where it is used."""
BUILT = re.compile(r"`([a-z]+\.[a-z_0-9]*)\$\{")
"""Or built from a beginning and a name that the program knows."""
FILE_NAMES = re.compile(r"\.(js|css|svg|webp)$")


def read_words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = {}
    for path in sorted(ASSETS.rglob("words*.js")):
        table = json.loads(
            path.read_text(encoding="utf-8").split("export const WORDS = ")[1].rstrip().removesuffix(";")
        )
        assert not words.keys() & table.keys(), path.name
        words |= table
    return words


WORDS = read_words()
VIEWS = {key.split(".")[0] for key in WORDS}
SOURCES = {
    path.name: path.read_text(encoding="utf-8")
    for path in [PAGE / "index.html", *sorted(ASSETS.rglob("*.js"))]
    if not path.name.startswith("words")
}


def used_keys(text: str) -> set[str]:
    keys = {key for key in KEY.findall(text) if not FILE_NAMES.search(key)}
    return {key for key in keys if key.split(".")[0] in VIEWS}


def built_keys(text: str) -> tuple[str, ...]:
    return tuple(beginning for beginning in BUILT.findall(text) if beginning.split(".")[0] in VIEWS)


@pytest.mark.parametrize("name", SOURCES)
def test_every_key_that_is_used_exists(name: str) -> None:
    assert sorted(used_keys(SOURCES[name]) - WORDS.keys()) == []
    assert [start for start in built_keys(SOURCES[name]) if not any(key.startswith(start) for key in WORDS)] == []


def test_every_key_is_used() -> None:
    text = "".join(SOURCES.values())
    assert sorted(key for key in WORDS.keys() - used_keys(text) if not key.startswith(built_keys(text))) == []


@pytest.mark.parametrize("key", WORDS)
def test_every_key_has_three_languages_with_the_same_values(key: str) -> None:
    assert WORDS[key].keys() == LANGUAGES
    assert all(text.strip() == text != "" for text in WORDS[key].values())
    assert len({tuple(sorted(re.findall(r"\{(\w+)\}", text))) for text in WORDS[key].values()}) == 1


def test_every_error_decision_and_warning_has_words() -> None:
    classes = [value for module in (kernel, service) for value in vars(module).values() if isinstance(value, type)]
    codes = {error.code for error in classes if issubclass(error, PykutenError)} | {"unreachable", "unexpected"}
    warnings = {
        WARNING_ANIMATED,
        WARNING_BLANK,
        WARNING_TINY,
        IMAGE_IGNORED,
        TEXT_EMPTY,
        TEXT_IGNORED,
        TEXT_PLACEHOLDER,
    }
    keys = {f"error.{code}" for code in codes} | {f"warning.{warning}" for warning in warnings}
    keys |= {f"prediction.{member.value}" for member in [*Action, *Reason]}
    assert sorted(keys - WORDS.keys()) == []
    assert [code for code in codes if not all(text.endswith(".") for text in WORDS[f"error.{code}"].values())] == []
