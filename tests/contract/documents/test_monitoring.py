"""The dashboard, the alerts and their document name metrics, labels and values that the service has."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from models.timing import Stage
from models.versions.store import Store
from service.app import create_app
from service.http.problems import TITLES
from service.settings import Settings
from tests.contract.documents.documents import ROOT, read_document
from tests.models.tiny_version import listing, make_version

DEPLOY = ROOT / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "pykuten.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
SHOWN = [
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])),
    *(annotation["expr"] for annotation in DASHBOARD["annotations"]["list"]),
    *(variable["definition"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"),
]
EXPRESSIONS = [*SHOWN, *(rule["expr"] for rule in RULES)]
METRIC = re.compile(r"\b((?:pykuten|process)_[a-z_]+)\b(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\bby ?\(([a-z_, ]+)\)")
PROMETHEUS_LABELS = {"instance", "job"}
VALUES = {"reason": set(TITLES), "stage": set(Stage), "action": {"accept", "review"}}


@pytest.fixture(scope="module")
def labels_by_name(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The label names of each sample that a service exports after a few requests of each kind."""
    store = Store(tmp_path_factory.mktemp("monitoring") / "store")
    store.promote(make_version(store.root))
    photo = listing(photo_of=1).image
    assert photo is not None
    with TestClient(create_app(Settings(store=store.root))) as client:
        client.post("/predict", files={"image": photo}, data={"designation": "Belle table"})
        client.post("/predict/batch", json={"listings": [{"designation": "a"}, {"designation": "<p>"}]})
        client.post("/predict/text", json={})
        families = text_string_to_metric_families(client.get("/metrics").text)
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def families_of(names: set[str]) -> set[str]:
    """Names of ours without the suffixes of histograms, and without the `_created` of counters."""
    ours = {name for name in names if name.startswith("pykuten_") and not name.endswith("_created")}
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in ours}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_names_what_the_service_exports(labels_by_name: dict[str, set[str]], expression: str) -> None:
    known = set(PROMETHEUS_LABELS)
    for name, selector in METRIC.findall(expression):
        assert name in labels_by_name
        known |= labels_by_name[name]
        assert set(re.findall(r"([a-z_]+) ?(?:=~|!=|!~|=)", selector)) <= labels_by_name[name] | PROMETHEUS_LABELS
    assert {label.strip() for group in GROUPING.findall(expression) for label in group.split(",")} <= known
    for label, values in VALUES.items():
        assert set(re.findall(rf'{label}!?="([^"]+)"', expression)) <= values
    assert all(expression.count(pair[0]) == expression.count(pair[1]) for pair in ("()", "{}", "[]"))


def test_every_metric_is_shown_and_explained(labels_by_name: dict[str, set[str]]) -> None:
    families = families_of(set(labels_by_name))
    shown = families_of({name for expression in SHOWN for name, _ in METRIC.findall(expression)})
    assert families - shown == {"pykuten_bodies_capacity_bytes"}  # for those who size a container
    text = read_document("docs/operations.md").text
    assert {name for name in re.findall(r"`(pykuten_[a-z_]+)`", text) if "=" not in name} == families
    assert set(re.findall(r"`(Pykuten[A-Za-z]+)`", text)) == {rule["alert"] for rule in RULES}


def test_alerts_are_complete_and_the_files_fit_together() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES) > 5
    assert all(rule["labels"]["severity"] and rule["for"] and rule["annotations"]["description"] for rule in RULES)
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for service in services.values():
        sources = [volume["source"] for volume in service["volumes"] if volume["source"].startswith("./deploy")]
        assert all((ROOT / source).is_dir() for source in sources)
    scrape = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert scrape["rule_files"] == ["alerts.yml"]
    assert scrape["scrape_configs"][0]["static_configs"][0]["targets"] == ["pykuten:8000"]
