"""The image, the compose file and the Kubernetes manifests fit the service, and ask for no more than it needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from service.app import create_app
from service.settings import PREFIX, Settings
from tests.contract.documents.documents import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
MANIFESTS: dict[str, Any] = {
    document["kind"]: document
    for document in (yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")) for name in KUSTOMIZATION["resources"])
}
POD: dict[str, Any] = MANIFESTS["Deployment"]["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]


def test_the_image_is_pinned_and_without_root() -> None:
    (base,) = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm(@sha256:[0-9a-f]{64})?", base)
    installs = re.findall(r"pip install [^&]*", DOCKERFILE)
    assert installs
    assert all("--require-hashes" in install for install in installs)
    serving = DOCKERFILE[DOCKERFILE.index(" AS serving") :]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", serving, re.MULTILINE)
    assert "HEALTHCHECK" in serving
    lock = (ROOT / "requirements" / "serving.txt").read_text(encoding="utf-8")
    packages = re.findall(r"^[A-Za-z0-9][^\n]*==[^\n]*\\\n(    --hash=sha256:[0-9a-f]{64}[^\n]*\n)", lock, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^[A-Za-z0-9][^\n]*==", lock, re.MULTILINE)) > 20


def test_the_container_gets_no_more_than_it_needs() -> None:
    service = COMPOSE["pykuten"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert [volume["read_only"] for volume in service["volumes"]] == [True]
    assert "privileged" not in service
    assert "size=" in service["tmpfs"][0]
    settings = Settings()
    assert settings.drain_seconds + settings.shutdown_seconds < int(service["stop_grace_period"].removesuffix("s"))


def test_every_manifest_is_listed_and_selects_the_pods() -> None:
    files = sorted(path.name for path in FOLDER.glob("*.yaml"))
    assert sorted([*KUSTOMIZATION["resources"], "kustomization.yaml"]) == files
    labels = MANIFESTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert MANIFESTS["Service"]["spec"]["selector"] == labels
    for kind, field in (
        ("Deployment", "selector"),
        ("PodDisruptionBudget", "selector"),
        ("NetworkPolicy", "podSelector"),
    ):
        assert MANIFESTS[kind]["spec"][field]["matchLabels"] == labels
    target = MANIFESTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target["name"] == MANIFESTS["Deployment"]["metadata"]["name"]
    assert "replicas" not in MANIFESTS["Deployment"]["spec"]  # else every `apply` would undo the autoscaler's number


def test_ports_paths_settings_and_image_are_the_service_s(tmp_path: Path) -> None:
    paths = create_app(Settings(store=tmp_path)).openapi()["paths"]
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    assert ports == {"http": 8000}  # the port of the image
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert CONTAINER[probe]["httpGet"]["path"] in paths
        assert CONTAINER[probe]["httpGet"]["port"] in ports
    assert MANIFESTS["Service"]["spec"]["ports"][0]["targetPort"] in ports
    assert MANIFESTS["NetworkPolicy"]["spec"]["ingress"][0]["ports"][0]["port"] in ports
    literals = dict(line.split("=", 1) for line in KUSTOMIZATION["configMapGenerator"][0]["literals"])
    settings = Settings(**{name.removeprefix(PREFIX).lower(): value for name, value in literals.items()})
    assert settings.workers == float(CONTAINER["resources"]["requests"]["cpu"])
    assert POD["terminationGracePeriodSeconds"] > settings.drain_seconds + settings.shutdown_seconds
    assert POD["enableServiceLinks"] is False  # else a Service named pykuten would set PYKUTEN_PORT=tcp://...
    (image,) = KUSTOMIZATION["images"]
    assert f"{image['name']}:{image['newTag']}" == COMPOSE["pykuten"]["image"]
    assert CONTAINER["image"] == image["name"]


def test_the_pod_is_confined_as_the_container_of_compose() -> None:
    user, rights = POD["securityContext"], CONTAINER["securityContext"]
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in DOCKERFILE
    assert (user["runAsNonRoot"], user["seccompProfile"]["type"]) == (True, "RuntimeDefault")
    assert (rights["readOnlyRootFilesystem"], rights["allowPrivilegeEscalation"]) == (True, False)
    assert rights["capabilities"]["drop"] == ["ALL"]
    assert (CONTAINER["resources"]["limits"]["memory"], COMPOSE["pykuten"]["mem_limit"]) == ("1Gi", "1g")
    assert POD["automountServiceAccountToken"] is False
    assert MANIFESTS["NetworkPolicy"]["spec"]["egress"] == []
    assert MANIFESTS["Deployment"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
