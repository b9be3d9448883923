"""What real catalogues send in place of evidence, asked of the shipped version."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.models.pictures import VALID, encode

PHOTO = VALID["jpeg"]
WHITE = encode(Image.new("RGB", (500, 500), "white"), "JPEG")
STRAY = PHOTO[:20] + b"\0" + PHOTO[20:]
CHAIR = "Chaise de salle à manger en bois massif"


def ask(server: str, designation: str, description: str = "", image: bytes | None = None) -> dict[str, Any]:
    listing = {"designation": designation, "description": description}
    if image is not None:
        listing["image"] = base64.b64encode(image).decode()
    answer: dict[str, Any] = httpx.post(f"{server}/predict", json=listing).json()
    return answer


@pytest.mark.parametrize(
    ("listing", "same_as", "warnings"),
    [
        (("\\N", CHAIR), ("", CHAIR), ["text_placeholder"]),
        ((CHAIR, "<p>non renseigné</p>"), (CHAIR, ""), ["text_placeholder"]),
        (("#N/A", "", PHOTO), ("", "", PHOTO), ["text_placeholder", "text_empty"]),
        (("Bouée", "", WHITE), ("Bouée", ""), ["image_blank"]),
        (("P i s c i n e  g o n f l a b l e",), ("Piscine gonflable",), []),
        (("Chaise N°14",), ("Chaise 14",), []),
        (("", "<!-- debut --!><p>Lampe de table</p>"), ("", "Lampe de table"), []),
        (
            ("Lampe", '<p>Lampe de table</p><img src="data:image/png;base64,iVBORw0KGgo='),
            ("Lampe", "Lampe de table"),
            [],
        ),
        (("", "", STRAY), ("", "", PHOTO), []),
    ],
    ids=["null", "not given", "error", "white", "letters", "number", "comment", "cut tag", "stray byte"],
)
def test_it_is_as_if_it_were_not_there(
    server: str, listing: tuple[Any, ...], same_as: tuple[Any, ...], warnings: list[str]
) -> None:
    answer, plain = ask(server, *listing), ask(server, *same_as)
    assert answer["warnings"] == warnings
    assert answer["modalities"] == plain["modalities"]
    assert answer["category"] == plain["category"]
    assert answer["confidence"] == pytest.approx(plain["confidence"], abs=1e-4)


@pytest.mark.parametrize(
    ("listing", "code"),
    [(("N/A",), "text_empty"), (("n/a", "--"), "text_empty"), (("", "", WHITE), "image_blank")],
)
def test_alone_it_is_refused(server: str, listing: tuple[Any, ...], code: str) -> None:
    answer = ask(server, *listing)
    assert (answer["status"], answer["code"]) == (422, code)


@pytest.mark.parametrize("title", ["Chaise N°14", "Hameçon n°12", "Pinceau n°10", "Lampe N°8"])
def test_the_number_of_a_model_or_size_is_no_issue(server: str, title: str) -> None:
    assert ask(server, title)["category"]["code"] != "2280"


@pytest.mark.parametrize("title", ["Paris Match N°1234", "Spirou n°14", "Science et Vie n°602"])
def test_magazines_have_issues(server: str, title: str) -> None:
    assert ask(server, title)["category"]["code"] == "2280"
