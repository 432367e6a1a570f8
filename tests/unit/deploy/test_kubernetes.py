"""The manifests, as a cluster would see them: valid by the schemas of three releases, and kept by rules of our own."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from services.__main__ import TARGETS

ROOT = Path(__file__).parents[3]
RELEASES = ("1.35", "1.36", "1.37")
CUSTOMIZATIONS = ["k8s/base"]
WORKLOADS = {"Deployment", "StatefulSet", "Job", "CronJob"}

Manifest = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not shutil.which("kubectl"), reason="manifests are put together by kubectl, which is not here"
)


@cache
def rendered(place: str) -> list[Manifest]:
    made = subprocess.run(["kubectl", "kustomize", ROOT / place], check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(made.stdout))


def workloads(place: str) -> Iterator[tuple[str, Manifest]]:
    """Name and pod template of everything that makes pods."""
    for each in rendered(place):
        if each["kind"] in WORKLOADS:
            spec = each["spec"]["jobTemplate"]["spec"] if each["kind"] == "CronJob" else each["spec"]
            yield each["metadata"]["name"], spec["template"]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("place", CUSTOMIZATIONS)
def test_every_manifest_is_valid(place: str, release: str) -> None:
    for each in rendered(place):
        kubernetes_validate.validate(each, release, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    (first, *_) = (each for each in rendered("k8s/base") if each["kind"] == "Deployment")
    spoilt = yaml.safe_load(yaml.safe_dump(first))
    spoilt["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(spoilt, RELEASES[0], strict=True)


def test_every_target_has_a_file() -> None:
    files = {each.stem for each in (ROOT / "k8s/base").glob("*.yaml")}
    assert set(TARGETS) - {"mirror"} <= files


@pytest.mark.parametrize("place", CUSTOMIZATIONS)
def test_pods_are_restricted(place: str) -> None:
    for name, template in workloads(place):
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] >= 10_000, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


@pytest.mark.parametrize("place", CUSTOMIZATIONS)
def test_pods_say_what_they_need_and_may_take(place: str) -> None:
    for name, template in workloads(place):
        for container in template["spec"]["containers"]:
            resources = container["resources"]
            assert set(resources["requests"]) == {"cpu", "memory"}, name
            # A limit of CPU slows a pod down though nobody else wants the time.
            assert set(resources["limits"]) == {"memory"}, name


@pytest.mark.parametrize("place", CUSTOMIZATIONS)
def test_what_serves_is_probed_spread_and_given_time(place: str) -> None:
    budgets = {each["metadata"]["name"] for each in rendered(place) if each["kind"] == "PodDisruptionBudget"}
    for each in rendered(place):
        if each["kind"] != "Deployment":
            continue
        name, pod = each["metadata"]["name"], each["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container), name
        assert container["lifecycle"]["preStop"]["sleep"]["seconds"] < pod["terminationGracePeriodSeconds"]
        assert pod["topologySpreadConstraints"], name
        assert name in budgets
        assert each["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, name


@pytest.mark.parametrize("place", CUSTOMIZATIONS)
def test_a_pod_has_time_to_finish_what_it_has_begun(place: str) -> None:
    (settings,) = (each["data"] for each in rendered(place) if each["kind"] == "ConfigMap")
    for name, template in workloads(place):
        if "lifecycle" in (container := template["spec"]["containers"][0]):
            used = container["lifecycle"]["preStop"]["sleep"]["seconds"] + 2 * float(
                settings["TIDEMARK_DRAIN_SECONDS"]
            )
            assert used <= template["spec"]["terminationGracePeriodSeconds"], name


@pytest.mark.parametrize("place", CUSTOMIZATIONS)
def test_secrets_are_named_and_never_written(place: str) -> None:
    for each in rendered(place):
        assert each["kind"] != "Secret"
    for name, template in workloads(place):
        for container in template["spec"]["containers"]:
            for variable in container.get("env", ()):
                assert not any(word in variable["name"] for word in ("PASSWORD", "SECRET", "KEY", "URL")), (
                    name
                )


@pytest.mark.parametrize("place", CUSTOMIZATIONS)
def test_no_image_is_named_latest(place: str) -> None:
    for name, template in workloads(place):
        for container in template["spec"]["containers"]:
            assert not container["image"].endswith(":latest"), name
