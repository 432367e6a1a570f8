"""The trial overlay as podman plays it: the pods as Kubernetes would see them, but for what podman has not.

What is changed, and nothing else: podman shares the machine's network, so that every port is one of its own and services are addresses of
this machine; the job is a pod; settings and secrets stand in the place of their references, of which podman 4.3 cannot read those to
secrets; and whoever plays the pods probes them, as a kubelet does, because podman knows no probe by gRPC. The stores are not here: their
images are in a registry.
"""

import base64
import copy
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

OF_KUBERNETES = ("ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "envFrom")
PORTS = {"health": "TIDEMARK_HEALTH_PORT", "metrics": "TIDEMARK_METRICS_PORT", "otlp": "TIDEMARK_OTLP_PORT"}
"""The variables of ports that several pods, or no callers, know; a server's own is called like its target."""


def rendered(root: Path, scratch: Path, secrets: dict[str, str]) -> list[Manifest]:
    """The trial overlay with these secrets."""
    copied = Path(shutil.copytree(root / "k8s", scratch / "k8s"))
    lines = "".join(f"{name}={value}\n" for name, value in secrets.items())
    (copied / "overlays/trial/secrets.env").write_text(lines, encoding="utf-8")
    told = subprocess.run(
        ["kubectl", "kustomize", copied / "overlays/trial"], check=True, capture_output=True, text=True
    )
    return list(yaml.safe_load_all(told.stdout))


@dataclass(frozen=True)
class Trial:
    """What podman plays, and on which port of this machine each port of each target is."""

    manifests: list[Manifest]
    ports: dict[str, dict[str, int]]


def trial(manifests: list[Manifest], free_port: Callable[[], int]) -> Trial:
    """The overlay with podman's differences."""
    workloads = {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each
        for each in manifests
        if each["kind"] in ("Job", "Deployment")
    }
    ports = {
        name: {
            port["name"]: free_port()
            for port in each["spec"]["template"]["spec"]["containers"][0].get("ports", ())
        }
        for name, each in workloads.items()
    }
    known = {
        each["metadata"]["name"]: _texts(each)
        for each in manifests
        if each["kind"] in ("ConfigMap", "Secret")
    }
    pods = [
        _pod(name, workloads[name], known, ports)
        for name in ("migrate", *sorted(set(workloads) - {"migrate"}))
    ]
    return Trial([each for each in manifests if each["kind"] == "PersistentVolumeClaim"] + pods, ports)


def _texts(manifest: Manifest) -> dict[str, str]:
    if manifest["kind"] == "ConfigMap":
        return dict(manifest["data"])
    return {name: base64.b64decode(text).decode() for name, text in manifest["data"].items()}


def _pod(
    name: str, workload: Manifest, known: dict[str, dict[str, str]], ports: dict[str, dict[str, int]]
) -> Manifest:
    template = copy.deepcopy(workload["spec"]["template"])
    pod = template["spec"] | {"hostNetwork": True, "restartPolicy": "OnFailure"}
    for volume in pod["volumes"]:
        if "emptyDir" in volume:
            _rename(pod, volume, f"{name}-{volume['name']}")
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        told = dict(_variables(container, known)) | _whereabouts(name, ports)
        container["env"] = [{"name": variable, "value": value} for variable, value in told.items()]
        for field in OF_KUBERNETES:
            container.pop(field, None)
    metadata = {"name": workload["metadata"]["name"], "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


def _rename(pod: Manifest, volume: Manifest, name: str) -> None:
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        for mount in container.get("volumeMounts", ()):
            if mount["name"] == volume["name"]:
                mount["name"] = name
    volume["name"] = name


def _variables(container: Manifest, known: dict[str, dict[str, str]]) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom", ()):
        yield from known[source["configMapRef"]["name"]].items()
    for each in container.get("env", ()):
        if "value" in each:
            yield each["name"], each["value"]
        else:
            key = each["valueFrom"]["secretKeyRef"]
            if key["key"] in known[key["name"]] or not key.get("optional"):
                yield each["name"], known[key["name"]][key["key"]]


def _whereabouts(name: str, ports: dict[str, dict[str, int]]) -> dict[str, str]:
    """Where this target listens, and where it finds the others."""
    told = {"TIDEMARK_HOST": "127.0.0.1"}
    for port, number in ports[name].items():
        told[PORTS.get(port, f"TIDEMARK_{name.upper()}_PORT")] = str(number)
    for other, its in ports.items():
        if found := its.get("grpc") or its.get("http"):
            told[f"TIDEMARK_{other.upper()}_ADDRESS"] = f"127.0.0.1:{found}"
    return told
