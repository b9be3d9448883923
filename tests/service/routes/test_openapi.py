"""The OpenAPI document is complete, and its examples work; tests/contract/openapi/test_snapshot.py holds its text."""

from __future__ import annotations

import json
import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from models.decision.prediction import Reason
from service.http.problems import TITLES, Problem
from service.http.responses import BatchBody, DecisionBody, FailedItem, PredictedItem, PredictionBody
from service.routes.examples import BATCH, PREDICTION, STREAM_RESULTS, TEXT_LISTINGS
from tests.service.conftest import predictor_of

METHODS = {"get", "post"}


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, op) for path, item in document["paths"].items() for method, op in item.items()]


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        if path != "/catalogue/images/{row}":
            assert "$ref" in str(operation["responses"]["200"]["content"]["application/json"]["schema"]), path
        for parameter in operation.get("parameters", []):
            assert parameter["description"], path


def test_problems_have_examples_of_the_one_shape(document: dict[str, Any]) -> None:
    codes = set()
    for path, _, operation in operations(document):
        assert "500" in operation["responses"]
        for status, response in operation["responses"].items():
            if int(status) < 400:
                continue
            (media_type, content), *others = response["content"].items()
            assert not others, path
            assert media_type == "application/problem+json", path
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            for code, example in content["examples"].items():
                body = TypeAdapter(Problem).validate_python(example["value"], strict=True)
                assert (body["code"], str(body["status"])) == (code, status)
                codes.add(code)
    assert codes <= set(TITLES)
    assert set(TITLES) - codes == {
        "method_not_allowed",
        "client_gone",
        "rate_limited",  # where the operator has set keys: tests/service/middleware/test_keys.py
        "unauthorized",
    }


def test_the_last_tag_names_every_error(document: dict[str, Any]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \| .+ \|$", document["tags"][-1]["description"], re.MULTILINE)
    assert {code for code, _ in rows} == set(TITLES) - {"client_gone"}
    assert [status for code, status in rows if code == "unauthorized"] == ["401", "403"]


def test_every_tag_is_described(document: dict[str, Any]) -> None:
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert {tag for _, _, operation in operations(document) for tag in operation["tags"]} == described - {"errors"}


def test_the_version_to_look_at_is_the_one_that_serves(client: TestClient, document: dict[str, Any]) -> None:
    (parameter,) = document["paths"]["/models/{version}"]["get"]["parameters"]
    (example,) = parameter["examples"].values()
    assert example["value"] == client.get("/models").json()["serving"]


def test_answer_examples_have_the_answers_shape(client: TestClient) -> None:
    TypeAdapter(PredictionBody).validate_python(PREDICTION, strict=True)
    TypeAdapter(BatchBody).validate_python(BATCH, strict=True)
    for line in STREAM_RESULTS.splitlines():
        TypeAdapter(PredictedItem | FailedItem).validate_python(json.loads(line), strict=True)
    real = client.post("/predict/text", json=TEXT_LISTINGS["french"]["value"]).json()
    assert list(real) == list(PREDICTION)
    assert predictor_of(client).scored


def test_every_reason_for_review_is_documented() -> None:
    kinds = get_args(get_type_hints(DecisionBody)["reason"])
    reasons = [get_args(kind) for kind in kinds if get_origin(kind) is Literal]
    assert set(reasons[0]) == set(Reason)


def test_the_document_is_written_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get("/openapi.json")
    monkeypatch.setattr("service.routes.openapi.to_json", lambda *_: pytest.fail("written again"))
    assert client.get("/openapi.json").content == first.content
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
