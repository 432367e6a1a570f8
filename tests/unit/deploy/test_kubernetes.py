"""The manifests, as a cluster would see them: valid by the schemas of three releases, and kept by rules of our own.

No cluster is asked: what is tested is what would be sent to one. `docs/kubernetes.md` says what was never run.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import kubernetes_validate
import pytest
import yaml

from deploy.backup.__main__ import parsed, taken
from deploy.envoy import trust
from deploy.envoy.addresses import ADDRESSES
from deploy.envoy.config import NAMED, configuration
from deploy.envoy.edge import PAUSE_SECONDS, Edge
from deploy.envoy.edge import PORT as EDGE_PORT
from deploy.local.supervisor import CALLS
from services.__main__ import COMMANDS, TARGETS
from services.insights.scaler import request
from services.kit.settings import Settings

ROOT = Path(__file__).parents[3]
RELEASES = ("1.35", "1.36", "1.37")
BASE, TRIAL, PRODUCTION = "k8s/base", "k8s/overlays/trial", "k8s/overlays/production"
CLUSTERED = "clustered"
"""Production with the log on masters of our own."""
PLACES = [BASE, TRIAL, PRODUCTION, CLUSTERED]
WHOLE = [TRIAL, PRODUCTION, CLUSTERED]
WRITTEN = {
    CLUSTERED: {
        f"{CLUSTERED}/kustomization.yaml": """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: tidemark
resources: [../k8s/overlays/production]
components: [../k8s/components/redis-cluster]
"""
    }
}
"""Overlays that are written here, by their place."""
WORKLOADS = {"Deployment", "StatefulSet", "Job", "CronJob"}
SERVERS = ("ingest", "query", "insights", "reports", "gateway")
OF_OPERATORS = {"tidemark-postgres-app"}
"""Secrets that an operator makes of what is written here."""
CLUSTER_WIDE = {"Namespace", "PriorityClass"}
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}

Manifest = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not shutil.which("kubectl"), reason="manifests are put together by kubectl, which is not here"
)


@cache
def rendered(place: str) -> list[Manifest]:
    """What kubectl makes of a folder; the secrets of a trial are those of its example."""
    return _built(place, WRITTEN.get(place, {}))


def _built(place: str, besides: dict[str, str]) -> list[Manifest]:
    """The same of a copy, with some files besides."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(ROOT / "k8s", Path(folder) / "k8s"))
        for example in copy.rglob("*.env.example"):
            example.rename(example.with_suffix(""))
        for name, text in besides.items():
            (copy.parent / name).parent.mkdir()
            (copy.parent / name).write_text(text, encoding="utf-8")
        made = subprocess.run(
            ["kubectl", "kustomize", copy.parent / place], check=True, capture_output=True, text=True
        )
    return list(yaml.safe_load_all(made.stdout))


def of_kind(place: str, *kinds: str) -> dict[str, Manifest]:
    """The manifests of some kinds, by name."""
    return {each["metadata"]["name"]: each for each in rendered(place) if each["kind"] in kinds}


def workloads(place: str) -> Iterator[tuple[str, Manifest]]:
    """Name and pod template of everything that makes pods."""
    for name, each in of_kind(place, *WORKLOADS).items():
        spec = each["spec"]["jobTemplate"]["spec"] if each["kind"] == "CronJob" else each["spec"]
        yield name, spec["template"]


def containers(place: str) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Name of the workload, its pod, and each of its containers."""
    for name, template in workloads(place):
        pod = template["spec"]
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            yield name, pod, container


def ours(container: Manifest) -> bool:
    """Whether it runs our image."""
    return "tidemark" in container["image"] and "timescale" not in container["image"]


def settings(place: str, container: Manifest) -> dict[str, str]:
    """The variables of a container; secrets are texts like `<database>`."""
    known = of_kind(place, "ConfigMap")
    told: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        told |= known[source["configMapRef"]["name"]]["data"]
    for variable in container.get("env", ()):
        told[variable["name"]] = variable.get("value", "<secret>")
    return told


def rendered_settings(place: str) -> dict[str, str]:
    """What every process of an overlay is told."""
    (found,) = (
        each["data"]
        for name, each in of_kind(place, "ConfigMap").items()
        if name.startswith("tidemark-settings")
    )
    return dict(found)


def target_of(name: str, place: str) -> tuple[Manifest, dict[str, str]]:
    """The container of a target, and its variables."""
    container = of_kind(place, "Deployment")[f"tidemark-{name}"]["spec"]["template"]["spec"]["containers"][0]
    return container, settings(place, container)


# --- valid ---------------------------------------------------------------------------------------


@cache
def schema_of(version: str, kind: str) -> Manifest | None:
    """What the operator of a resource's own group says of it, closed to fields that it does not know."""
    file = ROOT / "k8s/schemas" / f"{version.replace('/', '_')}_{kind}.json"
    return _closed(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def _closed(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    if "properties" in schema:
        made["properties"] = {name: _closed(each) for name, each in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    for inner in ("items", "additionalProperties"):
        if inner in schema:
            made[inner] = _closed(schema[inner])
    return made


def validate(manifest: Manifest, release: str) -> None:
    if schema := schema_of(manifest["apiVersion"], manifest["kind"]):
        jsonschema_rs.Draft202012Validator(schema).validate(manifest)
    else:
        kubernetes_validate.validate(manifest, release, strict=True)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("place", WHOLE)
def test_every_manifest_is_valid(place: str, release: str) -> None:
    for each in rendered(place):
        validate(each, release)


def test_a_misspelt_field_would_be_found() -> None:
    spoilt = json.loads(json.dumps(of_kind(BASE, "Deployment")["tidemark-ingest"]))
    spoilt["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(spoilt, RELEASES[0])


@pytest.mark.parametrize("kind", ["ScaledObject", "Certificate", "Cluster", "Database", "PodMonitor"])
def test_a_misspelt_field_of_an_operator_s_resource_would_be_found(kind: str) -> None:
    spoilt = json.loads(json.dumps(next(iter(of_kind(PRODUCTION, kind).values()))))
    spoilt["spec"]["replicasOfIt"] = 1
    with pytest.raises(jsonschema_rs.ValidationError):
        validate(spoilt, RELEASES[0])


@pytest.mark.parametrize("place", WHOLE)
def test_everything_is_in_one_namespace_and_carries_our_label(place: str) -> None:
    assert {
        each["metadata"].get("namespace") for each in rendered(place) if each["kind"] not in CLUSTER_WIDE
    } == {"tidemark"}
    for each in of_kind(place, *WORKLOADS, "Service", "NetworkPolicy", "PodDisruptionBudget").values():
        assert each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "tidemark", each["metadata"]["name"]


# --- complete ------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_every_target_runs(place: str) -> None:
    arguments = [each["args"] for _, _, each in containers(place) if ours(each) and "args" in each]
    assert all(len(each) == 1 and each[0] in {*TARGETS, *COMMANDS} for each in arguments)
    missing = {*TARGETS, "migrate", "wait"} - {each[0] for each in arguments}
    assert missing == ({"mirror"} if place == BASE else set())


@pytest.mark.parametrize("place", PLACES)
def test_ports_are_those_of_the_code(place: str) -> None:
    defaults = Settings()
    for name in TARGETS:
        if f"tidemark-{name}" not in of_kind(place, "Deployment"):
            continue
        container, told = target_of(name, place)
        expected = {
            "health": int(told["TIDEMARK_HEALTH_PORT"]),
            "metrics": int(told["TIDEMARK_METRICS_PORT"]),
        }
        if name in SERVERS:
            expected["http" if name == "gateway" else "grpc"] = getattr(defaults, f"{name}_port")
        if name == "ingest":
            expected["otlp"] = defaults.otlp_port
        if name == "insights" and "TIDEMARK_SCALER_PORT" in told:
            expected["scaler"] = int(told["TIDEMARK_SCALER_PORT"])
        assert {each["name"]: each["containerPort"] for each in container["ports"]} == expected, name
    edge, _ = target_of("edge", place)
    assert [each["containerPort"] for each in edge["ports"]] == [EDGE_PORT]


@pytest.mark.parametrize("place", PLACES)
def test_every_variable_is_a_setting_that_can_be_read(place: str) -> None:
    fields = {f"TIDEMARK_{name.upper()}" for name in Settings.__slots__}
    besides = {*ADDRESSES.values(), "TIDEMARK_EDGE_FOLDER"}
    for name, _, container in containers(place):
        if ours(container):
            told = settings(place, container)
            assert set(told) <= fields | besides, name
            read = Settings.read(told)
            assert read.tls_cert_file or read.insecure_remote or container["args"] == ["wait"], name


@pytest.mark.parametrize("place", PLACES)
def test_addresses_lead_to_services_and_services_to_pods(place: str) -> None:
    services = of_kind(place, "Service")
    templates = [(template["metadata"]["labels"], template["spec"]) for _, template in workloads(place)]
    for service in services.values():
        found = [pod for labels, pod in templates if service["spec"]["selector"].items() <= labels.items()]
        assert len(found) == 1, service["metadata"]["name"]
        names = {each["name"]: each["containerPort"] for each in found[0]["containers"][0]["ports"]}
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in names
            if service["spec"].get("clusterIP") == "None":
                # Without an address of its own a service passes nothing on: clients meet the pod's port.
                assert port["port"] == names[port["targetPort"]]
    for variable, address in settings(place, target_of("edge", place)[0]).items():
        if variable in ADDRESSES.values():
            host, _, port = address.partition(":")
            assert int(port) in [each["port"] for each in services[host]["spec"]["ports"]], variable


@pytest.mark.parametrize("place", WHOLE)
def test_whatever_is_named_is_there(place: str) -> None:
    made = {
        kind: set(of_kind(place, kind)) for kind in ("ConfigMap", "PersistentVolumeClaim", "ServiceAccount")
    }
    certificates = of_kind(place, "Certificate").values()
    secrets = set(of_kind(place, "Secret")) | {each["spec"]["secretName"] for each in certificates}
    secrets |= OF_OPERATORS | (set() if place == TRIAL else {"tidemark"})
    for name, pod, container in containers(place):
        assert pod.get("serviceAccountName", "tidemark") in made["ServiceAccount"], name
        for source in container.get("envFrom", ()):
            assert source["configMapRef"]["name"] in made["ConfigMap"], name
        for variable in container.get("env", ()):
            if key := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert key["name"] in secrets, (name, variable["name"])
        volumes = {each["name"]: each for each in pod.get("volumes", ())}
        claimed = {each["mountPath"] for each in container.get("volumeMounts", ())}
        assert len(claimed) == len(container.get("volumeMounts", ())), name
        for volume in volumes.values():
            if claim := volume.get("persistentVolumeClaim"):
                assert claim["claimName"] in made["PersistentVolumeClaim"], name
            if secret := volume.get("secret"):
                assert secret["secretName"] in secrets, name


def test_the_secrets_of_a_trial_are_made_of_the_example_and_asked_for_by_somebody() -> None:
    (secret,) = of_kind(TRIAL, "Secret").values()
    used = {
        variable["valueFrom"]["secretKeyRef"]["key"]
        for _, _, container in containers(TRIAL)
        for variable in container.get("env", ())
        if "valueFrom" in variable and not variable["valueFrom"]["secretKeyRef"].get("optional")
    }
    assert set(secret["data"]) == used


# --- safe ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_pods_are_restricted(place: str) -> None:
    for name, pod, container in containers(place):
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["runAsUser"] >= 10_000 or not ours(container), name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        assert not any("hostPath" in each for each in pod.get("volumes", ())), name
        assert container["securityContext"] == RESTRICTED, name


@pytest.mark.parametrize("place", PLACES)
def test_pods_say_what_they_need_and_may_take(place: str) -> None:
    for name, pod, container in containers(place):
        resources = container["resources"]
        assert set(resources["requests"]) == {"cpu", "memory"}, name
        # A limit of CPU slows a pod down though nobody else wants the time.
        assert set(resources["limits"]) == {"memory"}, name
        for volume in pod.get("volumes", ()):
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), name


@pytest.mark.parametrize("place", PLACES)
def test_no_image_is_latest_and_ours_is_one(place: str) -> None:
    images = {container["image"] for _, _, container in containers(place)}
    assert not [each for each in images if each.endswith(":latest")]
    assert len({container["image"] for _, _, container in containers(place) if ours(container)}) == 1
    if place != BASE:
        assert all(re.search(r"[:@][^/]+$", each) for each in images)


@pytest.mark.parametrize("place", PLACES)
def test_secrets_are_named_and_never_written(place: str) -> None:
    for name, _, container in containers(place):
        for variable in container.get("env", ()):
            if re.search(r"PASSWORD|SECRET|_KEY$|AUTH$|_URL$", variable["name"]):
                assert set(variable["valueFrom"]) == {"secretKeyRef"}, name
        for each in container.get("envFrom", ()):
            assert set(each) == {"configMapRef"}, name
    for each in of_kind(place, "ConfigMap").values():
        assert not re.search(r"PASSWORD|SECRET|://", json.dumps(each["data"])), each["metadata"]["name"]
    assert len(of_kind(place, "Secret")) == (1 if place == TRIAL else 0)


@pytest.mark.parametrize("place", PLACES)
def test_a_target_gets_the_secrets_it_needs_and_no_others(place: str) -> None:
    stores = {"TIDEMARK_DATABASE_URL", "TIDEMARK_REDIS_URL"}
    outbound = {"TIDEMARK_WEBHOOK_KEY", "TIDEMARK_WEBHOOK_KEY_BEFORE", "TIDEMARK_SMTP_PASSWORD"}
    for name in of_kind(place, "Deployment"):
        target = name.removeprefix("tidemark-")
        expected = set() if target == "edge" else stores
        expected = expected | ({"TIDEMARK_EDGE_SECRET"} if target in (*SERVERS, "edge") else set())
        expected = expected | ({"TIDEMARK_EDGE_SECRET_BEFORE"} if target in SERVERS else set())
        expected = expected | (outbound if target in ("insights", "reports") else set())
        expected = expected | ({"TIDEMARK_REPLICA_URL"} if target == "query" else set())
        container, _ = target_of(target, place)
        given = {each["name"] for each in container.get("env", ()) if "valueFrom" in each}
        assert given == expected, name


# --- lasting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_what_serves_is_probed_spread_and_replaced_without_a_gap(place: str) -> None:
    for name, each in of_kind(place, "Deployment").items():
        pod = each["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container), name
        assert container["lifecycle"]["preStop"], name
        assert pod["topologySpreadConstraints"], name
        assert each["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}, name
        if name != "tidemark-edge":
            assert {container[probe]["grpc"]["port"] for probe in container if probe.endswith("Probe")} == {
                9100
            }


@pytest.mark.parametrize("place", PLACES)
def test_a_node_that_is_drained_takes_one_pod_of_a_kind_at_a_time(place: str) -> None:
    selected = [
        each["spec"]["selector"]["matchLabels"] for each in of_kind(place, "PodDisruptionBudget").values()
    ]
    for each in of_kind(place, "PodDisruptionBudget").values():
        assert each["spec"]["maxUnavailable"] == 1
    for name, deployment in of_kind(place, "Deployment").items():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert sum(each.items() <= labels.items() for each in selected) == 1, name


@pytest.mark.parametrize("place", PLACES)
def test_a_pod_has_time_to_finish_what_it_has_begun(place: str) -> None:
    for name, each in of_kind(place, "Deployment").items():
        pod = each["spec"]["template"]["spec"]
        container, told = target_of(name.removeprefix("tidemark-"), place)
        before, drain = container["lifecycle"]["preStop"], float(told["TIDEMARK_DRAIN_SECONDS"])
        # First whoever calls learns that it goes, then calls under way end, then workers.
        used = PAUSE_SECONDS + drain if name == "tidemark-edge" else before["sleep"]["seconds"] + 2 * drain
        assert used < pod["terminationGracePeriodSeconds"], name


@pytest.mark.parametrize("place", PLACES)
def test_a_pod_that_is_called_stays_until_everybody_knows_the_others(place: str) -> None:
    kept = 30 + float(NAMED["dns_refresh_rate"].removesuffix("s"))
    for name in of_kind(place, "Deployment"):
        before = target_of(name.removeprefix("tidemark-"), place)[0]["lifecycle"]["preStop"]
        if name == "tidemark-edge":
            assert before == {"exec": {"command": ["python", "-m", "deploy.envoy", "drain"]}}
        elif name != "tidemark-mirror":
            assert before["sleep"]["seconds"] > kept, name


@pytest.mark.parametrize("place", PLACES)
def test_pods_of_a_release_wait_for_its_migration(place: str) -> None:
    for name in of_kind(place, "Deployment"):
        pod = of_kind(place, "Deployment")[name]["spec"]["template"]["spec"]
        first = [each["args"] for each in pod.get("initContainers", ())]
        assert first == ([] if name == "tidemark-edge" else [["wait"]]), name


@pytest.mark.parametrize("place", WHOLE)
def test_what_is_kept_is_on_volumes(place: str) -> None:
    for each in of_kind(place, "StatefulSet").values():
        (claim,) = each["spec"]["volumeClaimTemplates"]
        mounts = each["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
        assert claim["metadata"]["name"] in {mount["name"] for mount in mounts}
    writing = {
        name
        for name, template in workloads(place)
        for mount in template["spec"]["containers"][0]["volumeMounts"]
        if mount["name"] == "segments" and not mount.get("readOnly")
    }
    assert writing == {"tidemark-mirror"}


def test_production_survives_a_node() -> None:
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]
        for each in of_kind(PRODUCTION, "HorizontalPodAutoscaler", "ScaledObject").values()
    }
    for name, each in of_kind(PRODUCTION, "Deployment").items():
        assert ("replicas" in each["spec"]) != (name in scaled), name
        least = scaled.get(name, {}).get("minReplicas") or scaled.get(name, {}).get("minReplicaCount")
        # Without a writer nothing is lost, and another node has one after a minute.
        assert (least or each["spec"]["replicas"]) >= (1 if name == "tidemark-writer" else 2), name
    (cluster,) = of_kind(PRODUCTION, "Cluster").values()
    assert cluster["spec"]["instances"] == 3
    assert cluster["spec"]["postgresql"]["synchronous"]["dataDurability"] == "required"


def test_the_database_has_a_connection_for_everybody_at_the_largest_scale() -> None:
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"].get("maxReplicas")
        or each["spec"]["maxReplicaCount"]
        for each in of_kind(PRODUCTION, "HorizontalPodAutoscaler", "ScaledObject").values()
    }
    # Besides its pool a process has some that see who calls, listen, elect, or hold partitions.
    each_has = Settings().pool_size + 4
    pods = sum(
        scaled.get(name) or each["spec"]["replicas"]
        for name, each in of_kind(PRODUCTION, "Deployment").items()
        if name != "tidemark-edge"
    )
    (cluster,) = of_kind(PRODUCTION, "Cluster").values()
    assert pods * each_has <= int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])


def test_the_overlay_that_the_guide_shows_takes_effect() -> None:
    guide = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n# kustomization.yaml\n(.*?)```", guide, re.DOTALL)
    made = _built("yours", {"yours/kustomization.yaml": shown})
    named = {(each["kind"], each["metadata"]["name"]): each for each in made}
    (read,) = (each["data"] for (kind, name), each in named.items() if name.startswith("tidemark-settings"))
    assert read["TIDEMARK_SMTP_USER"] == "tidemark"
    assert read.keys() >= rendered_settings(PRODUCTION).keys()
    assert named["Certificate", "tidemark-edge"]["spec"]["issuerRef"]["kind"] == "ClusterIssuer"


def test_nothing_is_scaled_by_two() -> None:
    targets = [
        each["spec"]["scaleTargetRef"]["name"]
        for each in of_kind(PRODUCTION, "HorizontalPodAutoscaler", "ScaledObject").values()
    ]
    assert sorted(targets) == ["tidemark-gateway", "tidemark-ingest", "tidemark-query", "tidemark-writer"]
    (most,) = (
        each["spec"]["maxReplicaCount"]
        for name, each in of_kind(PRODUCTION, "ScaledObject").items()
        if name == "tidemark-writer"
    )
    assert most <= Settings().partitions


def test_triggers_ask_the_scaler_for_what_it_knows() -> None:
    _, told = target_of("insights", PRODUCTION)
    for name, each in of_kind(PRODUCTION, "ScaledObject").items():
        (trigger,) = each["spec"]["triggers"]
        assert trigger["metadata"]["scalerAddress"] == (
            f"tidemark-insights.tidemark.svc:{told['TIDEMARK_SCALER_PORT']}"
        )
        assert f"tidemark-{request.read(trigger['metadata']).target}" == name
        assert each["spec"]["fallback"]["replicas"] <= each["spec"]["maxReplicaCount"]
        assert (trigger["metadata"]["enableTLS"] == "true") == bool(told["TIDEMARK_TLS_CERT_FILE"])


# --- TLS -----------------------------------------------------------------------------------------


def test_every_certificate_is_good_for_the_names_it_is_asked_by() -> None:
    certificates = {
        each["spec"]["secretName"]: each["spec"] for each in of_kind(PRODUCTION, "Certificate").values()
    }
    for name, each in of_kind(PRODUCTION, "Deployment").items():
        pod = each["spec"]["template"]["spec"]
        container, told = target_of(name.removeprefix("tidemark-"), PRODUCTION)
        folders = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        secrets = {
            volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume
        }
        for variable, use in (
            ("TIDEMARK_TLS_CERT_FILE", "server"),
            ("TIDEMARK_TLS_CLIENT_CERT_FILE", "client"),
        ):
            shown = certificates[secrets[folders[str(Path(told[variable]).parent)]]]
            assert f"{use} auth" in shown["usages"], name
            if use == "server":
                asked = {name} if name in of_kind(PRODUCTION, "Service") else set()
                # A pod is scraped by its address, so all metrics go by one name.
                asked |= (
                    {"tidemark"} if any(port["name"] == "metrics" for port in container["ports"]) else set()
                )
                assert asked <= set(shown["dnsNames"]), name
    for monitor in of_kind(PRODUCTION, "PodMonitor").values():
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert endpoint["scheme"] == "https"
        assert endpoint["tlsConfig"]["serverName"] == "tidemark"
        assert endpoint["tlsConfig"]["keySecret"]["name"] in certificates
    (trusted,) = (
        each["spec"]["secretTargetRef"] for each in of_kind(PRODUCTION, "TriggerAuthentication").values()
    )
    assert {each["name"] for each in trusted} == {"tidemark-keda-tls"} <= set(certificates)


def test_servers_ask_for_certificates_and_the_edge_does_not_ask_browsers() -> None:
    for name in of_kind(PRODUCTION, "Deployment"):
        _, told = target_of(name.removeprefix("tidemark-"), PRODUCTION)
        assert bool(told["TIDEMARK_TLS_CLIENT_CA_FILE"]) == (name != "tidemark-edge"), name
        assert told["TIDEMARK_INSECURE_REMOTE"] == "false"


def test_the_edge_shows_callers_one_certificate_and_servers_another() -> None:
    _, told = target_of("edge", PRODUCTION)
    edge = Edge.read(told)
    made = configuration(edge)["static_resources"]
    (chain,) = made["listeners"][0]["filter_chains"]
    callers = chain["transport_socket"]["typed_config"]
    assert not callers["require_client_certificate"]
    held = {secret["name"]: secret for file in trust.files(edge).values() for secret in file["resources"]}

    def folders(common: Manifest) -> list[str]:
        """Where the certificate is that is shown; its folder is watched, as Kubernetes replaces what is in it."""
        (shown,) = common["tls_certificate_sds_secret_configs"]
        found = held[shown["name"]]["tls_certificate"]
        return [str(Path(found["certificate_chain"]["filename"]).parent), found["watched_directory"]["path"]]

    assert folders(callers["common_tls_context"]) == ["/callers", "/callers"]
    for cluster in made["clusters"]:
        common = cluster["transport_socket"]["typed_config"]["common_tls_context"]
        assert folders(common) == ["/tls", "/tls"]
        trusted = common["combined_validation_context"]["validation_context_sds_secret_config"]["name"]
        assert held[trusted]["validation_context"]["trusted_ca"] == {"filename": "/tls/ca.crt"}


def test_the_database_is_found_where_the_operator_says() -> None:
    for name, _, container in containers(PRODUCTION):
        for variable in container.get("env", ()):
            if variable["name"] == "TIDEMARK_DATABASE_URL":
                assert variable["valueFrom"]["secretKeyRef"] == {
                    "name": "tidemark-postgres-app",
                    "key": "uri",
                }, name


# --- who reaches whom ----------------------------------------------------------------------------

Peer = dict[str, Any]
STRANGER: Peer = {"namespace": {"kubernetes.io/metadata.name": "elsewhere"}, "labels": {}}


def _selects(selector: Manifest, labels: dict[str, str]) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for each in selector.get("matchExpressions", ()):
        within = labels.get(each["key"]) in each["values"]
        if within != (each["operator"] == "In"):
            return False
    return True


def _meets(peers: list[Manifest] | None, other: Peer) -> bool:
    """Whether one of the peers of a rule is `other`; a rule without any is about everybody."""
    if peers is None:
        return True
    for each in peers:
        if "ipBlock" in each:
            continue
        inside = "namespaceSelector" in each or other["namespace"] is None
        if not inside or not _selects(each.get("namespaceSelector", {}), other["namespace"] or {}):
            continue
        if _selects(each.get("podSelector", {}), other["labels"]):
            return True
    return False


def _lets(place: str, pod: Peer, other: Peer, port: int, way: str) -> bool:
    """Whether the policies that are about a pod let traffic with another one through; where there are none, all."""
    about = [
        each["spec"]
        for each in of_kind(place, "NetworkPolicy").values()
        if pod["namespace"] is None
        and way in each["spec"]["policyTypes"]
        and _selects(each["spec"]["podSelector"], pod["labels"])
    ]
    side = "from" if way == "Ingress" else "to"
    return not about or any(
        _meets(rule.get(side), other)
        and any(each["port"] == port for each in rule.get("ports", [{"port": port}]))
        for policy in about
        for rule in policy.get(way.lower(), ())
    )


def flows(place: str, callers: dict[str, Peer]) -> set[tuple[str, str, int]]:
    """Which callers reach which of our pods on which of their ports."""
    pods = {
        name: ({"namespace": None, "labels": template["metadata"]["labels"]}, template["spec"])
        for name, template in workloads(place)
    }
    everybody = callers or {name: peer for name, (peer, _) in pods.items()}
    return {
        (caller, name.removeprefix("tidemark-"), port["containerPort"])
        for caller, peer in everybody.items()
        for name, (pod, spec) in pods.items()
        for port in spec["containers"][0].get("ports", ())
        if _lets(place, peer, pod, port["containerPort"], "Egress")
        and _lets(place, pod, peer, port["containerPort"], "Ingress")
    }


@pytest.mark.parametrize("place", WHOLE)
def test_pods_reach_those_whom_they_call_and_nobody_else(place: str) -> None:
    ports = {name: getattr(Settings(), f"{name}_port") for name in SERVERS}
    expected = {("edge", name, ports[name]) for name in ADDRESSES}
    expected |= {
        (caller, called, ports[called]) for caller, all_called in CALLS.items() for called in all_called
    }
    if place == TRIAL:
        users = [*TARGETS, "migrate", "backup"]
        expected |= {
            (user, store, port) for user in users for store, port in (("postgres", 5432), ("redis", 6379))
        }
    if place == CLUSTERED:
        expected |= {(user, "redis", 6379) for user in (*TARGETS, "migrate")} | {("redis", "redis", 16379)}
    # The door is open to everybody; but whose way out is closed does not come there.
    found = {(caller.removeprefix("tidemark-"), called, port) for caller, called, port in flows(place, {})}
    assert found == expected


@pytest.mark.parametrize("place", WHOLE)
def test_strangers_reach_the_edge_alone(place: str) -> None:
    assert flows(place, {"stranger": STRANGER}) == {("stranger", "edge", EDGE_PORT)}


@pytest.mark.parametrize(
    ("namespace", "reached"),
    [
        ({"tidemark.dev/clients": "true"}, {("ingest", 50051), ("ingest", 4317), ("query", 50052)}),
        ({"tidemark.dev/monitoring": "true"}, {(name, 9101) for name in TARGETS}),
        ({"kubernetes.io/metadata.name": "keda"}, {("insights", 50056)}),
    ],
)
def test_namespaces_with_a_task_reach_what_it_takes(
    namespace: dict[str, str], reached: set[tuple[str, int]]
) -> None:
    found = flows(PRODUCTION, {"them": {"namespace": namespace, "labels": {}}})
    assert {(name, port) for _, name, port in found} == reached | {("edge", EDGE_PORT)}


def test_a_backup_is_taken_by_the_program_that_is_tested() -> None:
    pod = of_kind(TRIAL, "CronJob")["tidemark-backup"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    python, module, name, *arguments = container["command"]
    assert (python, module, name) == ("python", "-m", "deploy.backup")
    given = parsed(arguments)
    mounted = {str(each["mountPath"]): each["name"] for each in container["volumeMounts"]}
    assert (given.run, mounted[str(given.folder)], given.keep) == (taken, "backup", 7)
    told = Settings.read(settings(TRIAL, container))
    assert all((told.database_url, told.redis_url, told.backup_key))


def test_the_stores_of_a_trial_lose_as_little_as_those_of_compose() -> None:
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))["services"]
    stores = of_kind(TRIAL, "StatefulSet")
    postgres = stores["tidemark-postgres"]["spec"]["template"]["spec"]["containers"][0]
    assert set(compose["postgres"]["command"]) <= set(postgres["args"])
    assert postgres["image"] == compose["postgres"]["image"]
    redis = " ".join(each or '""' for each in _container(stores["tidemark-redis"])["args"])
    for line in compose["redis"]["command"]:
        if line.startswith("--") and "requirepass" not in line:
            assert line in redis, line


def _container(workload: Manifest) -> Manifest:
    container: Manifest = workload["spec"]["template"]["spec"]["containers"][0]
    return container
