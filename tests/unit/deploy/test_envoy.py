"""The edge's configuration: every RPC has its way, nothing else has one, and Envoy takes it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from deploy.envoy.config import configuration
from deploy.envoy.contract import descriptor_set, services
from deploy.envoy.drain import drain
from deploy.envoy.edge import Edge
from deploy.envoy.routes import routes
from services.kit.errors import BadSetting

ROOT = Path(__file__).parents[3]
CLUSTERS = {
    "IngestService": "ingest",
    "SchemaService": "ingest",
    "RuleService": "ingest",
    "DeadLetterService": "ingest",
    "WindowService": "ingest",
    "RetentionService": "ingest",
    "PipelineService": "query",
    "QueryService": "query",
    "CohortService": "query",
    "DashboardService": "query",
    "FeatureService": "query",
    "OperationService": "query",
    "AdminService": "query",
    "InsightService": "insights",
    "AlertService": "insights",
    "ForecastService": "insights",
    "ModelService": "insights",
    "ReportService": "reports",
    "EditionService": "reports",
    "ScheduleService": "reports",
    "DeliveryService": "reports",
}
"""Which target answers a service."""


def ways(edge: Edge) -> dict[str, dict[str, Any]]:
    """What becomes of each path."""
    (host,) = routes(edge)["virtual_hosts"]
    return {way["match"].get("path", way["match"].get("prefix")): way for way in host["routes"]}


def test_every_rpc_goes_to_the_servers_that_answer_it() -> None:
    found = ways(Edge.read({}))
    for service in services():
        for method in service.methods:
            way = found[f"/{service.full_name}/{method.name}"]["route"]
            assert way["cluster"] == CLUSTERS[service.name], service.name


def test_streams_have_no_end_and_other_calls_end_after_those_of_the_server() -> None:
    found = ways(Edge.read({"TIDEMARK_CALL_SECONDS": "50"}))
    assert found["/tidemark.v1.QueryService/WatchQuery"]["route"]["timeout"] == "0s"
    assert found["/tidemark.v1.IngestService/Publish"]["route"]["idle_timeout"] == "0s"
    assert found["/tidemark.v1.QueryService/RunQuery"]["route"]["timeout"] == "60.0s"


def test_what_no_server_has_seen_is_tried_again_at_another() -> None:
    policies = [way["route"]["retry_policy"] for way in ways(Edge.read({})).values() if "route" in way]
    for policy in policies:
        assert set(policy["retry_on"].split(",")) == {
            "connect-failure",
            "refused-stream",
            "reset-before-request",
        }
        assert [each["name"] for each in policy["retry_host_predicate"]] == [
            "envoy.retry_host_predicates.previous_hosts"
        ]


def test_what_the_contract_does_not_have_is_refused_by_the_edge() -> None:
    found = ways(Edge.read({}))
    refused = [path for path, way in found.items() if way.get("direct_response", {}).get("status") == 404]
    assert refused == ["/v1/", "/tidemark.", "/grpc.", "/opentelemetry."]
    assert list(found)[-1] == "/"


def test_what_sdks_of_others_send_goes_where_it_is_understood() -> None:
    found = ways(Edge.read({}))
    by_http = ["logs", "metrics", "batch", "track", "identify", "page", "screen", "group", "alias"]
    assert [found[f"/v1/{path}"]["route"]["cluster"] for path in by_http] == ["gateway"] * len(by_http)
    for signal in ("logs.v1.LogsService", "metrics.v1.MetricsService"):
        way = found[f"/opentelemetry.proto.collector.{signal}/Export"]
        assert way["route"]["cluster"] == "ingest"
    order = list(found)
    assert max(order.index(f"/v1/{path}") for path in by_http) < order.index("/v1/")


def test_descriptors_come_behind_those_that_they_import() -> None:
    seen: set[str] = set()
    for file in FileDescriptorSet.FromString(descriptor_set()).file:
        assert set(file.dependency) <= seen, file.name
        seen.add(file.name)
    assert "google/rpc/error_details.proto" in seen


def test_the_secret_is_in_no_file() -> None:
    text = json.dumps(configuration(Edge.read({"TIDEMARK_EDGE_SECRET": "do-not-tell"})))
    assert "do-not-tell" not in text
    assert "%ENVIRONMENT(TIDEMARK_EDGE_SECRET)%" in text


def test_a_cluster_may_have_several_servers() -> None:
    edge = Edge.read({"TIDEMARK_QUERY_ADDRESS": "query-1:50052, [::1]:7"})
    assert edge.addresses["query"] == [("query-1", 50052), ("::1", 7)]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TIDEMARK_QUERY_ADDRESS", "query"),
        ("TIDEMARK_QUERY_ADDRESS", "query:port"),
        ("TIDEMARK_INGEST_ADDRESS", "a:1,,b:2"),
        ("TIDEMARK_EDGE_PORT", "99999"),
    ],
)
def test_an_address_that_is_none_is_named(variable: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"{variable} is .*{value}"):
        Edge.read({variable: value})


def test_a_pause_that_is_none_is_named() -> None:
    with pytest.raises(BadSetting, match="TIDEMARK_EDGE_PAUSE_SECONDS is 'soon'"):
        Edge.read({"TIDEMARK_EDGE_PAUSE_SECONDS": "soon"})


def test_only_its_own_account_may_tell_it_to_drain() -> None:
    (address,) = configuration(Edge.read({"TIDEMARK_EDGE_FOLDER": "/edge"}))["admin"].values()
    assert address == {"pipe": {"path": "/edge/admin.sock", "mode": 0o600}}


@pytest.mark.parametrize("folder", ["", "/" + 100 * "x"])
def test_without_a_place_for_its_socket_it_cannot_be_told(folder: str) -> None:
    edge = Edge.read({"TIDEMARK_EDGE_FOLDER": folder})
    assert "admin" not in configuration(edge)
    with pytest.raises(BadSetting, match=r"TIDEMARK_EDGE_FOLDER is .*; name the folder"):
        drain(edge)


def test_a_folder_without_an_edge_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="no edge answers there"):
        drain(Edge.read({"TIDEMARK_EDGE_FOLDER": str(tmp_path)}))


def checked(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What Envoy itself says of the configuration."""
    variables["TIDEMARK_EDGE_FOLDER"] = str(folder)
    return subprocess.run(
        [sys.executable, "-m", "deploy.envoy", "check"],
        check=False, cwd=ROOT, env=variables, capture_output=True, text=True,
    )  # fmt: skip


def test_envoy_takes_the_configuration(tmp_path: Path) -> None:
    done = checked(tmp_path, TIDEMARK_EDGE_SECRET="secret")
    assert done.returncode == 0, done.stderr


def test_envoy_takes_the_configuration_with_tls(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    files = {"-keyout": tmp_path / "tls.key", "-out": tmp_path / "tls.pem"}
    options = [str(part) for pair in files.items() for part in pair]
    subprocess.run([*command.split(), *options], check=True, capture_output=True)
    cert, key = str(files["-out"]), str(files["-keyout"])
    done = checked(
        tmp_path,
        TIDEMARK_TLS_CERT_FILE=cert, TIDEMARK_TLS_KEY_FILE=key, TIDEMARK_TLS_CLIENT_CA_FILE=cert,
        TIDEMARK_TLS_ROOTS_FILE=cert, TIDEMARK_TLS_CLIENT_CERT_FILE=cert, TIDEMARK_TLS_CLIENT_KEY_FILE=key,
        TIDEMARK_QUERY_ADDRESS="query:50052",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_keys_do_not_travel_in_the_clear_unless_told(tmp_path: Path) -> None:
    done = checked(tmp_path, TIDEMARK_HOST="0.0.0.0")
    assert done.returncode == 1
    assert "there is no TLS" in done.stderr
