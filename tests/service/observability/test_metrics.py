"""Prometheus metrics: what is counted where, in which units, under which labels."""

from __future__ import annotations

import subprocess
import sys
import threading

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from models.versions.store import Store
from tests.service.conftest import Start, photo, predictor_of
from tests.service.fake_predictor import BUG, CODES, POISON
from tests.service.live_server import wait_until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: TestClient) -> Samples:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["cache-control"] == "no-store"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def labels_of(samples: Samples, name: str, label: str) -> set[str]:
    return {dict(labels)[label] for sample, labels in samples if sample == name}


def test_requests_by_route_template_and_status(client: TestClient) -> None:
    for _ in range(3):
        client.post("/predict/text?top_k=2", json={"designation": "a"})
    client.post("/predict/text", json={})
    client.get("/models/nope")
    client.get("/../../etc/passwd?secret")
    client.get("/assets/shell/page.css")
    name = "pykuten_http_request_duration_seconds"
    samples = scrape(client)
    assert value(samples, f"{name}_count", route="/predict/text", status="200") == 3
    assert value(samples, f"{name}_count", route="/predict/text", status="422") == 1
    assert value(samples, f"{name}_count", route="/models/{version}", status="404") == 1
    assert value(samples, f"{name}_count", route="other", status="404") == 1
    assert 0 < value(samples, f"{name}_sum", route="/predict/text", status="200") < 30
    assert labels_of(samples, f"{name}_count", "route") == {"/predict/text", "/models/{version}", "other"}
    assert value(samples, "pykuten_rejected_total", reason="invalid_request") == 1
    assert value(samples, "pykuten_rejected_total", reason="version_unknown") == 1
    assert value(samples, "pykuten_rejected_total", reason="not_found") == 1


def test_stages(client: TestClient) -> None:
    client.post("/predict/text", json={"designation": "a"})
    client.post("/predict", files={"image": photo()}, data={"designation": "a"})
    client.post("/predict/image", content=photo(), headers={"Content-Type": "image/jpeg"})
    name = "pykuten_stage_duration_seconds"
    samples = scrape(client)
    counts = {dict(labels)["stage"]: value for (sample, labels), value in samples.items() if sample == f"{name}_count"}
    assert counts == {"parse": 3, "queue": 3, "text": 2, "decode": 2, "network": 3, "fuse": 3}
    for stage in counts:
        assert 0 < value(samples, f"{name}_sum", stage=stage) < 30


def test_what_is_predicted_and_decided(client: TestClient) -> None:
    answers = [client.post("/predict/text", json={"designation": f"text {n}"}).json() for n in range(10)]
    batch = client.post("/predict/batch", json={"listings": [{"designation": "x", "description": "y"}, {"id": "z"}]})
    answers += [result["prediction"] for result in batch.json()["results"] if "prediction" in result]
    client.post("/predict", files={"image": photo()}, data={"designation": "a"})
    samples = scrape(client)
    assert len(answers) == 11
    for code in {answer["category"]["code"] for answer in answers}:
        assert value(samples, "pykuten_predicted_total", category=code) >= 1
    assert labels_of(samples, "pykuten_predicted_total", "category") <= set(CODES)
    assert {
        evidence: value(samples, "pykuten_evidence_total", evidence=evidence) for evidence in ("title", "text", "both")
    } == {"title": 10, "text": 1, "both": 1}
    reasons = {(answer["decision"]["action"], answer["decision"]["reason"] or "none") for answer in answers}
    for action, reason in reasons:
        assert value(samples, "pykuten_decisions_total", action=action, reason=reason) >= 1
    assert sum(count for (name, _), count in samples.items() if name == "pykuten_decisions_total") == 12
    assert value(samples, "pykuten_confidence_ratio_count") == 12
    assert value(samples, "pykuten_confidence_ratio_bucket", le="1.0") == 12


def test_listings_that_fail(client: TestClient) -> None:
    client.post("/predict/text", json={"designation": " "})
    client.post("/predict/batch", json={"listings": [{"designation": "a"}, {"designation": BUG}]})
    assert client.post("/predict/text", json={"designation": POISON}).status_code == 500
    client.post("/predict/image", content=b"\xff\xd8\xff\xe0", headers={"Content-Type": "image/jpeg"})
    samples = scrape(client)
    assert value(samples, "pykuten_listings_failed_total", reason="internal") == 2
    assert value(samples, "pykuten_listings_failed_total", reason="image_corrupt") == 1
    assert value(samples, "pykuten_rejected_total", reason="internal") == 1


def test_the_state_at_the_scrape(client: TestClient) -> None:
    samples = scrape(client)
    version = predictor_of(client).version
    assert value(samples, "pykuten_model_info", version=version, runtime="openvino", precision="f32") == 1
    assert value(samples, "pykuten_degraded") == 0
    assert value(samples, "pykuten_version_loads_total", outcome="loaded") == 1
    assert value(samples, "pykuten_version_swaps_total") == 1
    assert value(samples, "pykuten_queue_capacity_listings") == 128
    assert value(samples, "pykuten_requests_in_progress") == 1  # this one
    assert value(samples, "pykuten_bodies_bytes") == 0
    assert value(samples, "process_resident_memory_bytes") > 1e7
    assert value(samples, "process_start_time_seconds") > 1e9
    state = client.app.state.service  # type: ignore[attr-defined]
    predictor_of(client).gate.clear()
    try:
        ask = {"json": {"designation": "a"}}
        threads = [threading.Thread(target=client.post, args=("/predict/text",), kwargs=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: state.engine.waiting >= 2 and state.metrics.in_progress >= 8)
        waiting = state.engine.waiting
        samples = scrape(client)
        assert 2 <= value(samples, "pykuten_queue_listings") <= waiting + 6
        assert value(samples, "pykuten_requests_in_progress") == 9
    finally:
        predictor_of(client).gate.set()
        for thread in threads:
            thread.join()
    assert value(scrape(client), "pykuten_queue_listings") == 0


def test_without_a_version_there_are_metrics(start: Start, store: Store) -> None:
    (store.root / "current").unlink()
    with start() as client:
        client.post("/predict/text", json={"designation": "a"})
        samples = scrape(client)
        assert value(samples, "pykuten_degraded") == 1
        assert labels_of(samples, "pykuten_model_info", "version") == set()
        assert value(samples, "pykuten_rejected_total", reason="model_unavailable") == 1


def test_open_metrics_for_scrapers_that_ask(client: TestClient) -> None:
    response = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


def test_nothing_a_client_writes_becomes_a_label(client: TestClient) -> None:
    secret = "s3cr3t-words"
    client.get(f"/{secret}")
    client.post(f"/predict/text?version={secret}", json={"designation": secret, "id": secret})
    client.request(secret.upper(), "/predict/text")
    client.post("/predict", files={"image": (secret, photo())}, data={"designation": secret})
    assert secret not in client.get("/metrics").text.lower()


def test_nothing_is_registered_at_import() -> None:
    code = (
        "import service.app, service.observability.metrics, service.routes.metrics, prometheus_client as p;"
        "print(sorted(n for n in p.REGISTRY._names_to_collectors if n.startswith('pykuten')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
