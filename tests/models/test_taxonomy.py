from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import VersionRefused
from models.taxonomy import LANGUAGES, Category, Taxonomy

names = st.dictionaries(st.sampled_from(LANGUAGES), st.text(st.characters(codec="utf-8"), max_size=20))
categories = st.builds(Category, st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), names, names)
taxonomies = st.lists(categories, min_size=2, max_size=8, unique_by=lambda category: category.code).map(
    lambda found: Taxonomy(tuple(found))
)
POOL = Category("2583", {"fr": "Piscine", "en": "Pool"}, {"fr": "Maison", "en": "Home"})
BOOK = Category("10", {"fr": "Livre"}, {})
BARE = Category("40", {}, {})
TAXONOMY = Taxonomy((POOL, BOOK, BARE))


@given(taxonomies)
def test_what_is_written_is_read(taxonomy: Taxonomy) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "taxonomy.json")
        taxonomy.write(path)
        read = Taxonomy.read(path)
    assert read == taxonomy
    assert [read.index(code) for code in taxonomy.codes] == list(range(len(taxonomy)))


def test_the_position_is_the_class_index_whatever_the_codes_look_like() -> None:
    assert TAXONOMY.codes == ("2583", "10", "40")
    assert [TAXONOMY.index(code) for code in ("2583", "10", "40")] == [0, 1, 2]
    assert "10" in TAXONOMY
    assert "11" not in TAXONOMY
    with pytest.raises(KeyError):
        TAXONOMY.index("11")


def test_labels_and_groups_fall_back_to_french_then_to_the_code() -> None:
    assert [TAXONOMY.label("2583", lang) for lang in LANGUAGES] == ["Piscine", "Pool", "Piscine"]
    assert [TAXONOMY.group("2583", lang) for lang in LANGUAGES] == ["Maison", "Home", "Maison"]
    assert (TAXONOMY.label("40", "en"), TAXONOMY.group("40", "en")) == ("40", "")


def test_codes_are_unique() -> None:
    with pytest.raises(ValueError, match="unique"):
        Taxonomy((POOL, POOL))


def category(**changes: Any) -> dict[str, Any]:
    return {"code": "1", "labels": {}, "groups": {}} | changes


@pytest.mark.parametrize(
    "content",
    [
        None,  # no file
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b"[" * 100_000,
        json.dumps({"categories": []}).encode(),
        json.dumps({"categories": [category()]}).encode(),
        json.dumps({"categories": [category(), category()]}).encode(),
        json.dumps({"categories": [category(), category(code="")]}).encode(),
        json.dumps({"categories": [category(), category(code=2)]}).encode(),
        json.dumps({"categories": [category(), category(code="x" * 257)]}).encode(),
        json.dumps({"categories": [category(), category(code="2", colour="red")]}).encode(),
        json.dumps({"categories": [category(), {"code": "2"}]}).encode(),
        json.dumps({"categories": [category(), category(code="2", labels={"fr": None})]}).encode(),
        json.dumps({"categories": [category(), category(code="2")], "more": 1}).encode(),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "taxonomy.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VersionRefused):
        Taxonomy.read(path)
