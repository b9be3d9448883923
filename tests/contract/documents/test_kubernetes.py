"""The Kubernetes manifests, without a cluster: every field is one that its API has, and all of it fits the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from service.app import create_app
from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "kubernetes"

ANY = object()
"""A leaf, or a map of names that people choose."""
METADATA = {"name": ANY, "labels": ANY, "annotations": ANY}
SELECTOR = {"matchLabels": ANY}
PROBE = {"httpGet": {"path": ANY, "port": ANY}, "periodSeconds": ANY, "timeoutSeconds": ANY, "failureThreshold": ANY}
CONTAINER = {
    "name": ANY,
    "image": ANY,
    "imagePullPolicy": ANY,
    "ports": [{"name": ANY, "containerPort": ANY}],
    "envFrom": [{"configMapRef": {"name": ANY}}],
    "securityContext": {
        "allowPrivilegeEscalation": ANY,
        "readOnlyRootFilesystem": ANY,
        "capabilities": {"drop": ANY},
    },
    "resources": {"requests": {"cpu": ANY, "memory": ANY}, "limits": {"memory": ANY}},
    "startupProbe": PROBE,
    "readinessProbe": PROBE,
    "livenessProbe": PROBE,
    "volumeMounts": [{"name": ANY, "mountPath": ANY}],
}
POD = {
    "serviceAccountName": ANY,
    "automountServiceAccountToken": ANY,
    "enableServiceLinks": ANY,
    "terminationGracePeriodSeconds": ANY,
    "securityContext": {
        "runAsNonRoot": ANY,
        "runAsUser": ANY,
        "runAsGroup": ANY,
        "seccompProfile": {"type": ANY},
    },
    "topologySpreadConstraints": [
        {"maxSkew": ANY, "topologyKey": ANY, "whenUnsatisfiable": ANY, "labelSelector": SELECTOR}
    ],
    "containers": [CONTAINER],
    "volumes": [{"name": ANY, "emptyDir": {"sizeLimit": ANY}}],
}
SCALING = {"stabilizationWindowSeconds": ANY, "policies": [{"type": ANY, "value": ANY, "periodSeconds": ANY}]}
SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("apps/v1", "Deployment"): {
        "revisionHistoryLimit": ANY,
        "selector": SELECTOR,
        "strategy": {"type": ANY, "rollingUpdate": {"maxUnavailable": ANY, "maxSurge": ANY}},
        "template": {"metadata": METADATA, "spec": POD},
    },
    ("v1", "Service"): {
        "type": ANY,
        "selector": ANY,
        "ports": [{"name": ANY, "port": ANY, "targetPort": ANY}],
    },
    ("autoscaling/v2", "HorizontalPodAutoscaler"): {
        "scaleTargetRef": {"apiVersion": ANY, "kind": ANY, "name": ANY},
        "minReplicas": ANY,
        "maxReplicas": ANY,
        "metrics": [
            {"type": ANY, "resource": {"name": ANY, "target": {"type": ANY, "averageUtilization": ANY}}},
        ],
        "behavior": {"scaleUp": SCALING, "scaleDown": SCALING},
    },
    ("policy/v1", "PodDisruptionBudget"): {"maxUnavailable": ANY, "selector": SELECTOR},
    ("networking.k8s.io/v1", "NetworkPolicy"): {
        "podSelector": SELECTOR,
        "policyTypes": ANY,
        "ingress": [{"ports": [{"protocol": ANY, "port": ANY}]}],
        "egress": ANY,
    },
}
"""The fields that may stand under `spec`, by hand from the Kubernetes API reference: misspelt ones would be ignored."""


def read(name: str) -> dict[str, Any]:
    document = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    assert isinstance(document, dict), name
    return document


KUSTOMIZATION = read("kustomization.yaml")
RESOURCES = {document["kind"]: document for document in map(read, KUSTOMIZATION["resources"])}


def check(value: Any, allowed: Any, where: str) -> None:
    if allowed is ANY:
        return
    if isinstance(allowed, list):
        assert isinstance(value, list), where
        for one in value:
            check(one, allowed[0], where)
        return
    assert isinstance(value, dict), where
    for name, one in value.items():
        assert name in allowed, f"{where}.{name}"
        check(one, allowed[name], f"{where}.{name}")


def pod() -> dict[str, Any]:
    return dict(RESOURCES["Deployment"]["spec"]["template"]["spec"])


def container() -> dict[str, Any]:
    (one,) = pod()["containers"]
    return dict(one)


def test_every_file_is_listed_once() -> None:
    assert sorted([*KUSTOMIZATION["resources"], "kustomization.yaml"]) == sorted(
        path.name for path in FOLDER.glob("*.yaml")
    )


@pytest.mark.parametrize("kind", RESOURCES)
def test_every_field_exists(kind: str) -> None:
    document = RESOURCES[kind]
    check(document["metadata"], METADATA, f"{kind}.metadata")
    if kind == "ServiceAccount":
        assert document["apiVersion"] == "v1"
        assert document.keys() == {"apiVersion", "kind", "metadata", "automountServiceAccountToken"}
        return
    assert document.keys() == {"apiVersion", "kind", "metadata", "spec"}
    check(document["spec"], SPECS[document["apiVersion"], kind], kind)


def test_a_misspelt_field_is_found() -> None:
    with pytest.raises(AssertionError, match="readinessprobe"):
        check({"readinessprobe": {}}, CONTAINER, "container")


def test_selectors_meet_the_pods() -> None:
    labels = RESOURCES["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        RESOURCES["Deployment"]["spec"]["selector"]["matchLabels"],
        RESOURCES["Service"]["spec"]["selector"],
        RESOURCES["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        RESOURCES["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        pod()["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector
        assert selector.items() <= labels
    target = RESOURCES["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    deployment = RESOURCES["Deployment"]
    assert target == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in deployment["spec"]  # else every `apply` would take the autoscaler's number back


def test_probes_ask_paths_that_the_service_has(tmp_path: Path) -> None:
    paths = create_app(Settings(store=tmp_path)).openapi()["paths"]
    one = container()
    ports = {port["name"]: port["containerPort"] for port in one["ports"]}
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert one[name]["httpGet"]["path"] in paths
        assert one[name]["httpGet"]["port"] in ports
    assert one["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert one["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert RESOURCES["Service"]["spec"]["ports"][0]["targetPort"] in ports
    assert RESOURCES["NetworkPolicy"]["spec"]["ingress"][0]["ports"][0]["port"] in ports
    assert ports["http"] == 8000  # as the image says


def test_the_settings_are_settings() -> None:
    (generated,) = KUSTOMIZATION["configMapGenerator"]
    assert container()["envFrom"] == [{"configMapRef": {"name": generated["name"]}}]
    given = dict(literal.split("=", 1) for literal in generated["literals"])
    settings = Settings(**{name.removeprefix(PREFIX).lower(): value for name, value in given.items()})
    assert settings.workers == float(container()["resources"]["requests"]["cpu"])
    assert pod()["terminationGracePeriodSeconds"] > settings.drain_seconds + settings.shutdown_seconds
    # A Service called pykuten would put PYKUTEN_PORT=tcp://... into the environment, and the start would be refused.
    assert pod()["enableServiceLinks"] is False


def test_it_is_shut_in_as_by_compose() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["pykuten"]
    inside, one = pod()["securityContext"], container()["securityContext"]
    assert one["readOnlyRootFilesystem"] == compose["read_only"] is True
    assert one["capabilities"]["drop"] == compose["cap_drop"] == ["ALL"]
    assert one["allowPrivilegeEscalation"] is False
    assert "no-new-privileges:true" in compose["security_opt"]
    assert f"USER {inside['runAsUser']}:{inside['runAsGroup']}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert (inside["runAsNonRoot"], inside["seccompProfile"]["type"]) == (True, "RuntimeDefault")
    assert container()["resources"]["limits"]["memory"] == "1Gi"
    assert compose["mem_limit"] == "1g"
    (folder,) = container()["volumeMounts"]
    assert compose["tmpfs"] == [f"{folder['mountPath']}:size=256m,mode=1777"]
    assert pod()["volumes"] == [{"name": folder["name"], "emptyDir": {"sizeLimit": "256Mi"}}]
    account = RESOURCES["ServiceAccount"]
    assert (account["metadata"]["name"], account["automountServiceAccountToken"]) == ("pykuten", False)
    assert (pod()["serviceAccountName"], pod()["automountServiceAccountToken"]) == ("pykuten", False)


def test_the_image_is_the_one_that_compose_builds() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["pykuten"]
    (image,) = KUSTOMIZATION["images"]
    assert f"{image['name']}:{image['newTag']}" == compose["image"]
    assert container()["image"] == image["name"]


def test_it_scales_without_a_gap() -> None:
    scaler = RESOURCES["HorizontalPodAutoscaler"]["spec"]
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
    rolling = RESOURCES["Deployment"]["spec"]["strategy"]["rollingUpdate"]
    assert (rolling["maxUnavailable"], rolling["maxSurge"]) == (0, 1)
    assert RESOURCES["PodDisruptionBudget"]["spec"]["maxUnavailable"] < scaler["minReplicas"]
    assert RESOURCES["NetworkPolicy"]["spec"]["egress"] == []
    assert set(RESOURCES["NetworkPolicy"]["spec"]["policyTypes"]) == {"Ingress", "Egress"}
