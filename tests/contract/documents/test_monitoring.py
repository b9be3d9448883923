"""What is deployed to watch the service: every metric, label and value that it names is one that the service has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
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
from tests.models.tiny_version import listing, make_version

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "pykuten.json"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
METRIC = re.compile(r"\b((?:pykuten|process)_[a-z_]+)\b(?:\{([^}]*)\})?")
PROMETHEUS_LABELS = {"instance", "job"}
GROUPING = re.compile(r"\bby ?\(([a-z_, ]+)\)")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def dashboard_expressions() -> Iterator[str]:
    document = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in document["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))
    yield from (one["expr"] for one in document["annotations"]["list"])
    yield from (one["definition"] for one in document["templating"]["list"] if one["type"] == "query")


def alert_expressions() -> Iterator[str]:
    for group in read(ALERTS)["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


@pytest.fixture(scope="module")
def labels_by_name(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The label names of each sample that a service has given once it was asked a little of everything."""
    store = Store(tmp_path_factory.mktemp("monitoring") / "store")
    store.promote(make_version(store.root))
    photo = listing(photo_of=1).image
    assert photo is not None
    with TestClient(create_app(Settings(store=store.root))) as client:
        client.post("/predict", files={"image": photo}, data={"designation": "Belle table"})
        client.post("/predict/batch", json={"listings": [{"designation": "a"}, {"designation": "<p>"}]})
        client.post("/predict/text", json={})
        text = client.get("/metrics").text
    return {
        sample.name: set(sample.labels) for family in text_string_to_metric_families(text) for sample in family.samples
    }


@pytest.mark.parametrize("expressions", [dashboard_expressions, alert_expressions])
def test_every_metric_and_label_is_the_services(labels_by_name: dict[str, set[str]], expressions: Any) -> None:
    named = set()
    for expression in expressions():
        grouped = {label.strip() for group in GROUPING.findall(expression) for label in group.split(",")}
        known = set(PROMETHEUS_LABELS)
        for name, selector in METRIC.findall(expression):
            named.add(name)
            assert name in labels_by_name, expression
            known |= labels_by_name[name]
            used = set(re.findall(r"([a-z_]+) ?(?:=~|!=|!~|=)", selector))
            assert used <= labels_by_name[name] | PROMETHEUS_LABELS, expression
        assert grouped <= known, expression
    assert len(named) > 5


@pytest.mark.parametrize("expressions", [dashboard_expressions, alert_expressions])
def test_every_reason_and_stage_exists(expressions: Any) -> None:
    for expression in expressions():
        for reason in re.findall(r'reason="([^"]+)"', expression):
            assert reason in TITLES
        for stage in re.findall(r'stage!?="([^"]+)"', expression):
            assert stage in set(Stage)
        for action in re.findall(r'action="([^"]+)"', expression):
            assert action in ("accept", "review")


@pytest.mark.parametrize("expressions", [dashboard_expressions, alert_expressions])
def test_expressions_are_whole(expressions: Any) -> None:
    for expression in expressions():
        for pair in ("()", "{}", "[]"):
            assert expression.count(pair[0]) == expression.count(pair[1]), expression
        assert expression.count('"') % 2 == 0


def test_every_metric_of_ours_is_shown(labels_by_name: dict[str, set[str]]) -> None:
    """What nobody looks at need not be counted; capacity of the bodies is for those who size a container."""
    shown = {name for expression in dashboard_expressions() for name, _ in METRIC.findall(expression)}
    families = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in labels_by_name if "pykuten_" in name}
    families = {name for name in families if f"{name}_total" not in families}  # a counter's `_created`
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown}
    assert families - shown == {"pykuten_bodies_capacity_bytes"}


def test_the_document_explains_every_metric_and_alert(labels_by_name: dict[str, set[str]]) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    ours = {name for name in labels_by_name if name.startswith("pykuten_") and not name.endswith("_created")}
    families = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in ours}
    assert {name for name in re.findall(r"`(pykuten_[a-z_]+)`", text) if "=" not in name} == families
    alerts = {rule["alert"] for group in read(ALERTS)["groups"] for rule in group["rules"]}
    assert set(re.findall(r"`(Pykuten[A-Za-z]+)`", text)) == alerts


def test_panels_do_not_overlap_and_are_told_apart() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels}) == len(panels) == len({panel["title"] for panel in panels})


def test_alerts_say_what_to_do() -> None:
    rules = [rule for group in read(ALERTS)["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["for"]
        assert len(rule["annotations"]["description"]) > 30


def test_the_files_fit_together() -> None:
    services = read(ROOT / "docker-compose.yml")["services"]
    monitoring = {name: one for name, one in services.items() if one.get("profiles") == ["monitoring"]}
    assert set(monitoring) == {"prometheus", "grafana"}
    for one in monitoring.values():
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", one["image"])
        for volume in one["volumes"]:
            if volume["type"] == "bind":
                assert (ROOT / volume["source"]).is_dir()
    scrape = read(DEPLOY / "prometheus" / "prometheus.yml")
    assert scrape["rule_files"] == [ALERTS.name]
    (target,) = scrape["scrape_configs"][0]["static_configs"][0]["targets"]
    assert target == "pykuten:8000"
    assert scrape["scrape_configs"][0]["job_name"] == "pykuten"
    (source,) = read(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = read(DEPLOY / "grafana" / "provisioning" / "dashboards" / "pykuten.yml")["providers"]
    assert provider["options"]["path"] in {volume["target"] for volume in monitoring["grafana"]["volumes"]}
