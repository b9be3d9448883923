"""The page's words: every key that is used exists, in three languages, and every error code has its sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from models import errors as kernel
from models.decision.prediction import Action, Reason
from models.errors import PykutenError
from models.preprocessing.image.decode import WARNING_ANIMATED, WARNING_TINY
from models.preprocessing.prepare import IMAGE_IGNORED, TEXT_EMPTY, TEXT_IGNORED
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
    for beginning in built_keys(SOURCES[name]):
        assert any(key.startswith(beginning) for key in WORDS), beginning


def test_every_key_is_used() -> None:
    text = "".join(SOURCES.values())
    used = used_keys(text)
    built = built_keys(text)
    assert sorted(key for key in WORDS if key not in used and not key.startswith(built)) == []


@pytest.mark.parametrize("key", WORDS)
def test_every_key_has_three_languages_with_the_same_values(key: str) -> None:
    said = WORDS[key]
    assert said.keys() == LANGUAGES
    assert all(text.strip() == text != "" for text in said.values())
    values = {lang: sorted(re.findall(r"\{(\w+)\}", text)) for lang, text in said.items()}
    assert values["fr"] == values["en"] == values["de"]


def error_codes() -> set[str]:
    found = [one for module in (kernel, service) for one in vars(module).values() if isinstance(one, type)]
    return {one.code for one in found if issubclass(one, PykutenError)}


@pytest.mark.parametrize("code", sorted(error_codes() | {"unreachable", "unexpected"}))
def test_every_error_has_a_sentence(code: str) -> None:
    for text in WORDS[f"error.{code}"].values():
        assert text.endswith(".")


def test_every_decision_reason_and_warning_has_words() -> None:
    wanted = {f"prediction.{one.value}" for one in [*Action, *Reason]}
    wanted |= {f"warning.{one}" for one in (WARNING_ANIMATED, WARNING_TINY, TEXT_EMPTY, TEXT_IGNORED, IMAGE_IGNORED)}
    assert wanted - WORDS.keys() == set()
