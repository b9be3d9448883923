"""The labelled catalogue over HTTP: its categories, random samples of it, and its photos."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ConfigDict, TypeAdapter, with_config

from service.routes.catalogue import DrawBody, LabelledBody
from service.routes.examples import LABELLED, SAMPLE
from tests.hostile.images import UNSUPPORTED
from tests.service.conftest import Start, photo, predictor_of
from tests.service.fake_predictor import BUG, CODES
from tests.service.http.test_bad_input import problem_of

PREDICTED = {"designation": "Titre"}


def write(folder: Path, rows: list[dict[str, str]], name: str = "mine.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["listing_id", "designation", "description", "image", "category"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def row(number: int, category: str = CODES[0], **fields: str) -> dict[str, str]:
    return {"listing_id": f"L{number}", "designation": f"Titre {number}", "category": category, **fields}


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Forty listings of two categories and of one that the version does not know; every second listing with a photo."""
    (tmp_path / "images").mkdir()
    rows = []
    for number in range(40):
        name = f"{number}.jpg" if number % 2 else ""
        if name:
            (tmp_path / "images" / name).write_bytes(photo((number * 6, 90, 200), kind="PNG"))  # type: ignore[arg-type]
        rows.append(row(number, (CODES[0], CODES[1], CODES[1], "strange")[number % 4], image=name))
    return write(tmp_path, rows)


def draw(client: TestClient, query: str = "") -> dict[str, Any]:
    response = client.get(f"/catalogue/listings?{query}")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def numbers(body: dict[str, Any]) -> list[int]:
    return [listing["row"] for listing in body["listings"]]


def test_the_categories_of_the_catalogue(start: Start, catalogue: Path) -> None:
    with start(catalogue=catalogue) as client:
        body = client.get("/catalogue?lang=de").json()
    TypeAdapter(with_config(ConfigDict(extra="forbid", strict=True))(LabelledBody)).validate_python(body)
    assert (body["name"], body["listings"], body["photos"]) == ("mine", 40, True)
    assert body["categories"] == [
        {"code": CODES[0], "label": f"Kategorie {CODES[0]}", "group": "Haus", "listings": 10},
        {"code": CODES[1], "label": f"Kategorie {CODES[1]}", "group": "Haus", "listings": 20},
        {"code": "strange", "label": "strange", "group": "", "listings": 10},
    ]


def test_without_a_setting_the_samples_are_there(client: TestClient) -> None:
    body = client.get("/catalogue").json()
    assert (body["origin"], body["listings"], body["photos"]) == ("samples", 54, True)
    assert {category["listings"] for category in body["categories"]} == {2}
    body = draw(client, "count=24")
    assert len(body["listings"]) == 24
    for listing in body["listings"]:
        response = client.get(listing["image"])
        assert response.headers["content-type"] == "image/jpeg"


def test_a_config_names_the_columns_and_photos(start: Start, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(photo((200, 0, 0)))
    (tmp_path / "listings.csv").write_text("title;shelf;image\nUn livre;10.0;a.JPG\n", encoding="cp1252")
    columns = '[catalogue.columns]\ndesignation = "title"\ncategory = "shelf"\n'
    config = tmp_path / "mine.toml"
    config.write_text(f'name = "mine"\n[catalogue]\npath = "listings.csv"\nimages = "photos"\n{columns}', "utf-8")
    with start(catalogue=config) as client:
        assert [(entry["code"], entry["listings"]) for entry in client.get("/catalogue").json()["categories"]] == [
            ("10", 1)
        ]
        assert client.get("/catalogue/images/0").headers["content-type"] == "image/jpeg"


def test_the_answers_have_exactly_the_documented_shape(start: Start, catalogue: Path) -> None:
    strict = with_config(ConfigDict(extra="forbid", strict=True))
    TypeAdapter(strict(LabelledBody)).validate_python(LABELLED)
    TypeAdapter(strict(DrawBody)).validate_python(SAMPLE)
    with start(catalogue=catalogue) as client:
        TypeAdapter(strict(DrawBody)).validate_python(draw(client, "count=8"))


def test_a_sample_is_random_without_repeats_and_the_same_for_a_seed(start: Start, catalogue: Path) -> None:
    with start(catalogue=catalogue) as client:
        first = draw(client, "count=24&seed=7")
        assert len(set(numbers(first))) == 24
        assert first["tried"] == 24
        assert numbers(draw(client, "count=24&seed=7")) == numbers(first)
        assert numbers(draw(client, "count=24&seed=8")) != numbers(first)
        assert numbers(draw(client, "count=24")) != numbers(draw(client, "count=24"))
        assert len(draw(client)["listings"]) == 6


def test_a_sampled_listing_is_predicted_as_everywhere(start: Start, catalogue: Path) -> None:
    with start(catalogue=catalogue) as client:
        for listing in draw(client, "count=24&precision=0.9&lang=en")["listings"]:
            files = {"image": ("x", client.get(listing["image"]).content)} if listing["image"] else None
            data = {"id": listing["id"], "designation": listing["designation"]}
            body = {"data": data, "files": files} if files else {"json": data}
            expected = client.post("/predict?top_k=5&precision=0.9&lang=en", **body).json()  # type: ignore[arg-type]
            assert listing["prediction"] == expected
            assert (listing["image"] is None) == (listing["row"] % 2 == 0)
            code = listing["category"]["code"]
            correct = {name: scores[0]["code"] == code for name, scores in expected["by_modality"].items()}
            assert listing["correct"] == {"fused": expected["category"]["code"] == code, **correct}


def test_of_one_category(start: Start, catalogue: Path) -> None:
    with start(catalogue=catalogue) as client:
        sample = draw(client, f"category={CODES[0]}&count=24")
        assert sorted(numbers(sample)) == list(range(0, 40, 4))
        assert {listing["category"]["code"] for listing in sample["listings"]} == {CODES[0]}
        assert draw(client, "category=none")["listings"] == []
        assert draw(client, "category=")["listings"] == []


def test_a_search_for_predictions(start: Start, catalogue: Path) -> None:
    with start(catalogue=catalogue) as client:
        everything = [listing for seed in range(8) for listing in draw(client, f"count=24&seed={seed}")["listings"]]
        code = everything[0]["prediction"]["category"]["code"]
        sample = draw(client, f"predicted={code}&count=24")
        expected = {listing["row"] for listing in everything if listing["prediction"]["category"]["code"] == code}
        assert expected <= set(numbers(sample))
        assert sample["tried"] == 40
        mistakes = draw(client, "only=mistakes&count=24")
        assert all(not listing["correct"]["fused"] for listing in mistakes["listings"])
        assert len(mistakes["listings"]) == 24
        disagreements = draw(client, "only=disagreements&count=24")
        assert all(listing["prediction"]["disagreement"] for listing in disagreements["listings"])
        assert {listing["row"] for listing in everything if listing["prediction"]["disagreement"]} <= set(
            numbers(disagreements)
        )


def test_a_search_is_bounded(start: Start, catalogue: Path) -> None:
    with start(catalogue=catalogue, catalogue_sample_attempts=20) as client:
        body = draw(client, "predicted=none")
        assert (body["listings"], body["tried"]) == ([], 20)
        assert sum(predictor_of(client).scored) == 20


def test_samples_are_made_in_the_engine_and_counted_as_predictions(start: Start, catalogue: Path) -> None:
    with start(catalogue=catalogue) as client:
        draw(client, "count=10")
        assert all(name.startswith("engine-") for name in predictor_of(client).threads)
        figures = client.get("/metrics").text
    assert 'route="/catalogue/listings",status="200"} 1.0' in figures


def test_listings_that_cannot_be_predicted_are_passed_over(start: Start, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "broken.jpg").write_bytes(photo()[:300])
    rows = [
        row(0, designation=" "),
        row(1, designation="x" * 20_001),
        row(2, designation=BUG),
        row(3, image="broken.jpg"),
        row(4, image="missing.jpg"),
        row(5),
        row(6, category=""),
    ]
    with start(catalogue=write(tmp_path, rows)) as client:
        body = draw(client, "count=24")
    assert sorted(numbers(body)) == [4, 5]
    assert body["tried"] == 6  # a listing without a category is never sampled
    assert [listing["image"] for listing in body["listings"]] == [None, None]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("count=0", "/count"),
        ("count=25", "/count"),
        ("count=x", "/count"),
        ("seed=-1", "/seed"),
        ("seed=" + "9" * 400, "/seed"),
        ("only=rights", "/only"),
        ("category=" + "x" * 257, "/category"),
        ("precision=0.5", "/precision"),
        ("lang=es", "/lang"),
        ("top_k=3", "/top_k"),
        ("count=1&count=2", ""),
        ("category=%ff%fe", None),
        ("x" * 2000, ""),
    ],
)
def test_bad_options(start: Start, catalogue: Path, query: str, pointer: str | None) -> None:
    with start(catalogue=catalogue) as client:
        response = client.get(f"/catalogue/listings?{query}")
    if pointer is None:  # an odd name is a category that is not there
        assert response.json() == {"listings": [], "tried": 0}
        return
    body = problem_of(response)
    assert (body["status"], body["code"]) == (422, "invalid_request")
    assert body["errors"][0]["pointer"] == pointer


# Photos


def test_a_photo_comes_as_it_is_with_its_type(start: Start, catalogue: Path) -> None:
    with start(catalogue=catalogue) as client:
        response = client.get("/catalogue/images/3")
        assert response.content == (catalogue.parent / "images" / "3.jpg").read_bytes()
        assert response.headers["content-type"] == "image/png"  # by content, not by name
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        again = client.get("/catalogue/images/3", headers={"If-None-Match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("number", ["2", "40", "9" * 23, "-1", "x", "1.5", "%00", "..%2f..%2fmine.csv"])
def test_rows_without_a_photo_and_what_is_no_row(start: Start, catalogue: Path, number: str) -> None:
    with start(catalogue=catalogue) as client:
        body = problem_of(client.get(f"/catalogue/images/{number}"))
    assert (body["status"], body["code"]) in ((404, "not_found"), (422, "invalid_request"))
    assert body["status"] == 404 or not number.isdigit()


def test_no_file_outside_the_folder_and_none_that_is_no_photo(start: Start, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "secret.jpg"
    (inside / "images").mkdir(parents=True)
    outside.write_bytes(photo())
    (inside / "images" / "link.jpg").symlink_to(outside)
    names = ["../../secret.jpg", "../secret.jpg", str(outside), "link.jpg", "mine.csv", "images", "a\x00b", "."]
    for name, content in UNSUPPORTED.items():
        (inside / "images" / f"{name}.jpg").write_bytes(content)
        names.append(f"{name}.jpg")
    (inside / "images" / "empty.jpg").write_bytes(b"")
    os.mkfifo(inside / "images" / "pipe.jpg")
    names += ["empty.jpg", "pipe.jpg"]
    with start(catalogue=write(inside, [row(n, image=name) for n, name in enumerate(names)])) as client:
        for number, name in enumerate(names):
            body = problem_of(client.get(f"/catalogue/images/{number}"))
            assert (body["status"], body["code"]) == (404, "not_found"), name


def test_photos_may_lie_beside_the_file(start: Start, tmp_path: Path) -> None:
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "a.webp").write_bytes(photo(kind="WEBP"))
    with start(catalogue=write(tmp_path, [row(0, image="shots/a.webp")])) as client:
        assert client.get("/catalogue/images/0").headers["content-type"] == "image/webp"


# Faults

PATHS = ("/catalogue", "/catalogue/listings", "/catalogue/images/0")


@pytest.mark.parametrize(
    "content", [None, b"", b"title,price\na,1\n", b"designation,category\n", b"\xff\xfe\x00", b"\x80"]
)
def test_a_broken_catalogue_is_a_problem_and_nothing_else_breaks(
    start: Start, tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mine.csv"
    if content is not None:
        path.write_bytes(content)
    with start(catalogue=path) as client:
        for address in PATHS:
            response = client.get(address)
            body = problem_of(response)
            assert (body["status"], body["code"]) == (503, "catalogue_unavailable")
            assert response.headers["retry-after"] == "10"
            assert str(tmp_path) not in response.text
        assert client.post("/predict", json=PREDICTED).status_code == 200
        assert client.get("/health/ready").status_code == 200
        refused = [record for record in caplog.records if record.message == "catalogue refused"]
        assert len(refused) == 1  # not read again until it changes
        write(tmp_path, [row(0)])
        assert client.get("/catalogue").json()["listings"] == 1


def test_a_catalogue_that_changes_is_taken_up(start: Start, catalogue: Path) -> None:
    with start(catalogue=catalogue) as client:
        assert client.get("/catalogue").json()["listings"] == 40
        write(catalogue.parent, [row(n) for n in range(3)])
        assert client.get("/catalogue").json()["listings"] == 3
        assert sorted(numbers(draw(client, "count=24"))) == [0, 1, 2]


def test_without_a_version(start: Start, catalogue: Path) -> None:
    from models.errors import VersionRefused

    def refuse(_: Path) -> Any:
        raise VersionRefused("for the test")

    with start(refuse, catalogue=catalogue) as client:
        for address in PATHS[:2]:
            assert problem_of(client.get(address))["code"] == "model_unavailable"


def test_no_text_of_the_catalogue_in_the_log(start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with start(catalogue=write(tmp_path, [row(0, designation="zqxmarker")])) as client:
        assert "zqxmarker" in json.dumps(draw(client))
    assert "zqxmarker" not in caplog.text
