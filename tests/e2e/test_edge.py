"""REST, gRPC-Web, gRPC and the page through the real Envoy, in front of real processes."""

import asyncio
import base64
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

import tidemark
from deploy.local.ports import accepts, free_port
from deploy.local.process import wait_until
from deploy.local.suite import ROOT, Suite, running
from tests.certifying import Authority
from tests.deployment import Tenant
from tests.e2e.grpc_web import call, calling
from tidemark.v1 import admin_pb2, query_pb2, question_pb2

API: dict[str, Any] = json.loads((ROOT / "docs/openapi.json").read_text())
OURS = {"x-requested-with": "tidemark"}
POLICY = (
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-resource-policy",
)
EVENTS = {"timeRange": {"last": "3600s"}, "events": {}}
HOURLY = {"measures": [{"aggregation": "AGGREGATION_COUNT"}], "interval": {"unit": "UNIT_HOUR"}}
ALARM = {"series": HOURLY, "absence": {}}


@pytest.fixture
def web(tenant: Tenant) -> Iterator[httpx.Client]:
    """A browser: it keeps cookies, and knows no key."""
    with httpx.Client(base_url=tenant.suite.edge, timeout=30) as client:
        yield client


@pytest.fixture
def rest(tenant: Tenant) -> Iterator[httpx.Client]:
    """A program with the admin key of its project."""
    headers = {"authorization": f"Bearer {tenant.key}"}
    with httpx.Client(base_url=tenant.suite.edge, headers=headers, timeout=30) as client:
        yield client


# --- REST -------------------------------------------------------------------------------------------------------------

REPORT = {"displayName": "One", "sections": [{"id": "one", "text": {"text": "Hello"}}]}
TEMPLATE = {"displayName": "Page", "source": "- {id: one, text: {text: Hello}}"}
BODIES: dict[str, Any] = {
    "CreateProject": {"project": {"displayName": "New"}},
    "UpdateProject": {"displayName": "Changed"},
    "CreateKey": {"key": {"role": "ROLE_VIEWER"}},
    "CreateCohort": {"cohortId": "few", "cohort": {"displayName": "Few", "people": {"userIds": ["ann"]}}},
    "UpdateCohort": {"displayName": "Fewer"},
    "CreateDashboard": {"dashboardId": "one", "dashboard": {"displayName": "One"}},
    "UpdateDashboard": {"displayName": "Other"},
    "CloneDashboard": {"dashboardId": "two"},
    "CreateReader": {"readerId": "tableau"},
    "RunQuery": {"query": EVENTS},
    "WatchQuery": {"query": EVENTS},
    "ExplainQuery": {"query": EVENTS},
    "Suggest": {"kind": "KIND_EVENT_NAME"},
    "WatchDashboard": {"draft": {"displayName": "Draft"}},
    "CreateSchema": {"schemaId": "order", "schema": {"eventName": "order", "document": "{}"}},
    "UpdateSchema": {"description": "Changed"},
    "CreateWindow": {
        "windowId": "each-minute",
        "window": {
            "tumbling": {"size": "60s"},
            "aggregates": [{"id": "n", "aggregation": "AGGREGATION_COUNT"}],
        },
    },
    "UpdateRules": {"rules": [{"ruleId": "one", "drop": {"field": "properties.secret"}}]},
    "UpdateRetention": {"rawDays": 400},
    "CreateIndicator": {"indicatorId": "orders", "indicator": {"kind": "KIND_THROUGHPUT"}},
    "CreateAlertRule": {"alertRuleId": "quiet", "alertRule": ALARM},
    "UpdateAlertRule": ALARM,
    "PreviewAlertRule": {"alertRule": ALARM},
    "CreateChannel": {"channelId": "hook", "channel": {"webhook": {"url": "https://hooks.example/tidemark"}}},
    "CreateModel": {"modelId": "leaving", "model": {"churn": {"window": "86400s"}}},
    "CreateReport": {"reportId": "one", "report": REPORT},
    "UpdateReport": REPORT,
    "CloneReport": {"reportId": "two"},
    "ValidateReport": {"report": REPORT},
    "PreviewReport": {"report": REPORT},
    "CreateReportTemplate": {"reportTemplateId": "page", "reportTemplate": TEMPLATE},
    "UpdateReportTemplate": TEMPLATE,
    "CreateSchedule": {"scheduleId": "daily", "schedule": {"cron": "0 7 * * *"}},
    "UpdateSchedule": {"cron": "0 8 * * *"},
    "PreviewSchedule": {"cron": "0 7 * * *"},
    "CreateDestination": {
        "destinationId": "hook",
        "destination": {"webhook": {"url": "https://hooks.example/tidemark"}},
    },
    "PublishBatch": {"batch": {"producer": {"producerId": "rest", "epoch": "1"}}},
    "RecordMetricsBatch": {"batch": {"producer": {"producerId": "rest-points", "epoch": "1"}}},
}
NEEDS_DATA = {
    "InferSchema", "GetLineage", "GetEventQuality", "DiscardDeadLetters", "ResumePartition", "EraseUser", "GetErasure",
    "GetInsight", "AcknowledgeInsight", "GiveFeedback", "ExplainChange", "GetIncident", "AcknowledgeIncident", "ResolveIncident",
    "RunDetector", "Forecast", "Backtest", "GetModelVersion", "PromoteModelVersion", "GetPredictiveInsights", "GetModelHealth", "GetOperation", "CancelOperation",
    "RerunEdition", "GetRun", "RetryRun", "GetEdition", "DownloadEdition", "CreateEditionLink", "RevokeEditionLinks", "OpenEditionLink",
    "ReplayDelivery",
}  # fmt: skip
"""What an empty project has no answer for; tests of each part ask it by gRPC."""
QUERIES = {
    "UpdateProject": {"updateMask": "displayName"},
    "UpdateCohort": {"updateMask": "displayName"},
    "UpdateSchema": {"updateMask": "description"},
    "UpdateDashboard": {"updateMask": "displayName"},
}


def operations() -> list[tuple[str, str, str]]:
    """Every operation, with its verb and path: what makes something first, what ends something last."""

    def turn(operation: tuple[str, str, str]) -> int:
        if operation[0] == "DeleteReport":  # Its schedules go with it.
            return 3
        return {"Create": 0, "Delete": 2, "Revoke": 2}.get(re.findall("[A-Z][a-z]+", operation[0])[0], 1)

    found = [
        (one["operationId"], verb, path)
        for path, verbs in API["paths"].items()
        for verb, one in verbs.items()
        if one["operationId"] not in NEEDS_DATA
    ]
    return sorted(found, key=turn)


def test_every_operation_of_the_rest_api_is_answered(tenant: Tenant, rest: httpx.Client) -> None:
    operator = {"authorization": f"Bearer {tenant.suite.keys['TIDEMARK_ADMIN_KEY']}"}
    BODIES["CreateProject"]["projectId"] = f"t{uuid.uuid4().hex[:12]}"
    names = {"project": tenant.project.removeprefix("projects/")}
    for name, verb, path in operations():
        body = BODIES.get(name, {}) if verb in ("post", "patch") else None
        headers = operator if name in ("CreateProject", "Diagnose") else {}
        with rest.stream(
            verb, path.format(**names), json=body, params=QUERIES.get(name), headers=headers
        ) as answer:
            lines = answer.iter_lines()
            first = next(lines, "")
            assert answer.status_code == 200, f"{name}: {first}\n{tenant.logged(first)}"
            told = json.loads(first)
        if name.startswith("Create") and name != "CreateProject":
            made = next(iter(told.values()))["name"]
            *_, collection, last = made.split("/")
            names[collection.removesuffix("s")] = last


def test_a_question_asked_over_rest_is_answered_in_json(tenant: Tenant, rest: httpx.Client) -> None:
    async def send() -> None:
        async with tenant.client() as client:
            client.track("signup", user_id="<script>", properties={"größe": 3})
            await client.flush()
            await tenant.settled(client)

    asyncio.run(send())
    answer = rest.post(f"/v1/{tenant.project}/queries:run", json={"query": EVENTS})
    (found,) = answer.json()["events"]["events"]
    assert found["event"]["userId"] == "<script>"
    assert json.loads(base64.b64decode(found["event"]["propertiesJson"])) == {"größe": 3}
    assert answer.json()["metadata"]["completeness"] == 1
    assert answer.headers["content-type"] == "application/json"


def test_a_stream_over_rest_is_a_line_for_each_message(tenant: Tenant, rest: httpx.Client) -> None:
    with rest.stream("POST", f"/v1/{tenant.project}/queries:watch", json={"query": EVENTS}) as answer:
        lines = answer.iter_lines()
        assert json.loads(next(lines))["kind"] == "KIND_SNAPSHOT"

        async def send() -> None:
            async with tenant.client() as client:
                client.track("seen")
                await client.flush()

        asyncio.run(send())
        change = next(message for line in lines if (message := json.loads(line))["events"]["events"])
        assert change["events"]["events"][0]["event"]["name"] == "seen"


def test_a_whole_object_may_be_sent_back_and_another_name_may_not(tenant: Tenant, rest: httpx.Client) -> None:
    path = f"/v1/{tenant.project}"
    project = rest.get(path).json()["project"] | {"displayName": "Renamed"}
    answer = rest.patch(path, json=project, params={"updateMask": "displayName"})
    assert answer.json()["project"]["displayName"] == "Renamed"
    assert (
        rest.patch(path, json={"name": "projects/other"}, params={"updateMask": "displayName"}).status_code
        == 400
    )


@pytest.mark.parametrize(
    ("verb", "path", "content", "status", "code"),
    [
        ("GET", "/v1/projects/demo", None, 403, 7),
        ("GET", "/v1/nothing", None, 404, 5),
        ("PUT", "/v1/projects", None, 404, 5),
        ("GET", "/v1/{project}/ledger?page_sizes=5", None, 400, 3),
        ("GET", "/v1/{project}/ledger?pageSize=five", None, 400, 3),
        ("GET", "/v1/{project}/cohorts/none-such", None, 404, 5),
        ("POST", "/v1/{project}/queries:run", "{", 400, 3),
        ("POST", "/v1/{project}/queries:run", "[]", 400, 3),
        ("POST", "/v1/{project}/queries:run", '{"query": 1}', 400, 3),
        ("POST", "/v1/{project}/queries:run", "{}", 400, 3),
    ],
)
def test_an_error_over_rest_has_the_form_of_a_status(
    tenant: Tenant, rest: httpx.Client, verb: str, path: str, content: str | None, status: int, code: int
) -> None:
    answer = rest.request(verb, path.format(project=tenant.project), content=content)
    assert answer.headers["content-type"] == "application/json"
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["message"]


def test_an_error_of_a_server_keeps_its_details(tenant: Tenant, web: httpx.Client) -> None:
    answer = web.get(f"/v1/{tenant.project}")
    (info,) = answer.json()["details"]
    assert answer.status_code == 401
    assert (info["@type"], info["reason"]) == ("type.googleapis.com/google.rpc.ErrorInfo", "KEY_INVALID")


# --- gRPC-Web ---------------------------------------------------------------------------------------------------------


def signed_in(web: httpx.Client, key: str) -> httpx.Response:
    """Signs in as the page does."""
    answer = web.post("/session", json={"key": key}, headers=OURS | {"origin": str(web.base_url).rstrip("/")})
    assert answer.status_code == 200, answer.text
    return answer


def test_a_page_signs_in_asks_and_signs_out(tenant: Tenant, web: httpx.Client) -> None:
    get = admin_pb2.GetProjectRequest(name=tenant.project)
    assert call(web, "AdminService/GetProject", get, admin_pb2.GetProjectResponse)[1]["grpc-status"] == "16"
    told = signed_in(web, tenant.key).json()
    assert told["project"] == tenant.project
    found, trailers = call(web, "AdminService/GetProject", get, admin_pb2.GetProjectResponse)
    assert found is not None
    assert (found.project.name, trailers["grpc-status"]) == (tenant.project, "0")
    assert web.get(f"/v1/{tenant.project}", headers=OURS).status_code == 200
    assert web.get(f"/v1/{tenant.project}").status_code == 401
    assert web.delete("/session", headers=OURS).status_code == 204
    assert web.get("/session", headers=OURS).status_code == 401


def test_an_error_over_grpc_web_comes_with_its_details(tenant: Tenant, web: httpx.Client) -> None:
    signed_in(web, tenant.key)
    request = query_pb2.RunQueryRequest(project=tenant.project)
    _, trailers = call(web, "QueryService/RunQuery", request, query_pb2.RunQueryResponse)
    assert trailers["grpc-status"] == "3"
    data = base64.b64decode(trailers["grpc-status-details-bin"] + "==")
    info = error_details_pb2.ErrorInfo()
    assert status_pb2.Status.FromString(data).details[0].Unpack(info)
    assert info.metadata["field"] == "query"


def test_a_watch_over_grpc_web_shows_what_comes_and_ends_with_the_session(
    tenant: Tenant, web: httpx.Client
) -> None:
    signed_in(web, tenant.key)
    query = question_pb2.Query(events=question_pb2.EventsQuestion())
    query.time_range.last.FromSeconds(3600)
    request = query_pb2.WatchQueryRequest(project=tenant.project, query=query)
    with calling(web, "QueryService/WatchQuery", request) as answer:
        messages = answer.messages(query_pb2.WatchQueryResponse)
        assert next(messages).kind == query_pb2.WatchQueryResponse.KIND_SNAPSHOT

        async def send() -> None:
            async with tenant.client() as client:
                client.track("seen")
                await client.flush()

        asyncio.run(send())
        change = next(message for message in messages if message.events.events)
        assert change.events.events[0].event.name == "seen"
        with httpx.Client(base_url=tenant.suite.edge, cookies=web.cookies) as other:
            assert other.delete("/session", headers=OURS).status_code == 204
        began = time.monotonic()
        for _ in messages:
            pass
        assert answer.trailers["grpc-status"] == "16"
        assert time.monotonic() - began < 10


# --- gRPC -------------------------------------------------------------------------------------------------------------


def test_the_client_works_through_the_edge_as_well(tenant: Tenant) -> None:
    address = tenant.suite.edge.removeprefix("http://")

    async def use() -> int:
        async with tidemark.Client(address, address, key=tenant.key) as client:
            for number in range(1000):
                client.track("click", user_id=f"u{number % 7}")
            await client.flush()
            return (await tenant.settled(client)).total.stored

    assert asyncio.run(use()) == 1000


def test_nothing_but_the_contract_is_reached(tenant: Tenant) -> None:
    with grpc.insecure_channel(tenant.suite.edge.removeprefix("http://")) as channel:
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        with pytest.raises(grpc.RpcError) as refused:
            next(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(asked))
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
        with pytest.raises(grpc.RpcError) as unknown:
            channel.unary_unary("/tidemark.v1.QueryService/DropEverything")(b"")
        assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "there is no such method" in (unknown.value.details() or "")


def test_exporters_of_opentelemetry_come_by_the_edge_as_well(tenant: Tenant, rest: httpx.Client) -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=time.time_ns())
    with grpc.insecure_channel(tenant.suite.edge.removeprefix("http://")) as channel:
        LogsServiceStub(channel).Export(request, metadata=(("authorization", f"Bearer {tenant.key}"),))
        with pytest.raises(grpc.RpcError) as refused:
            TraceServiceStub(channel).Export(ExportTraceServiceRequest())
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    protobuf = {"content-type": "application/x-protobuf"}
    again = rest.post("/v1/logs", content=request.SerializeToString(), headers=protobuf)
    assert (again.status_code, again.content) == (200, b"")
    assert rest.post("/v1/traces", content=b"", headers=protobuf).status_code == 404

    async def stored() -> int:
        async with tenant.client() as client:
            return (await tenant.settled(client)).total.stored

    assert asyncio.run(stored()) == 1


# --- what every answer and every request is like ----------------------------------------------------------------------


def test_every_kind_of_answer_carries_the_policy(tenant: Tenant, rest: httpx.Client) -> None:
    grpc_web = {"content-type": "application/grpc-web+proto"}
    answers = [
        rest.get("/", headers={"accept": "text/html"}),
        rest.get("/assets/none.js"),
        rest.post("/"),
        rest.get("/session"),
        rest.get(f"/v1/{tenant.project}"),
        rest.get("/v1/nothing"),
        rest.get(f"/v1/{tenant.project}/ledger?nothing=1"),
        rest.post("/v1/logs", content=b"?"),
        rest.get("/", headers={"x-large": "x" * 40_000}),
        *(
            rest.post(f"/tidemark.v1.{method}", content=bytes(5), headers=grpc_web)
            for method in ("AdminService/GetProject", "Nothing/Get")
        ),
    ]
    for answer in answers:
        assert all(answer.headers.get(name) for name in POLICY), answer
        assert answer.headers["server"] == "tidemark", answer
    assert "script-src 'self'" in answers[0].headers["content-security-policy"]
    assert answers[8].status_code == 431


def test_a_request_keeps_its_own_id(tenant: Tenant, rest: httpx.Client) -> None:
    own = rest.get(f"/v1/{tenant.project}", headers={"x-request-id": "my-own-id"})
    given = rest.get(f"/v1/{tenant.project}")
    assert own.headers["x-request-id"] == "my-own-id"
    entries = rest.get(f"/v1/{tenant.project}/auditEntries", params={"pageSize": 2}).json()["entries"]
    assert [entry["requestId"] for entry in entries] == [given.headers["x-request-id"], "my-own-id"]


def test_nobody_claims_an_address_that_is_not_his(tenant: Tenant, rest: httpx.Client) -> None:
    secret = tenant.suite.environment["TIDEMARK_EDGE_SECRET"]
    forged = {"x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9", "x-tidemark-edge": secret}
    rest.get(f"/v1/{tenant.project}", headers=forged)
    entries = rest.get(f"/v1/{tenant.project}/auditEntries", params={"pageSize": 1}).json()["entries"]
    assert entries[0]["peer"] == "127.0.0.1"


@contextmanager
def alone() -> Iterator[httpx.Client]:
    """An edge with nothing behind it."""
    port, nobody = free_port(), f"127.0.0.1:{free_port()}"
    names = ("INGEST", "QUERY", "GATEWAY")
    own = {f"TIDEMARK_{name}_ADDRESS": nobody for name in names} | {"TIDEMARK_EDGE_PORT": str(port)}
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.envoy"],
            cwd=ROOT, env={**os.environ, **own, "TIDEMARK_EDGE_FOLDER": folder}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert wait_until(lambda: accepts(port), 20)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                yield client
        finally:
            process.terminate()
            process.wait()


def test_where_servers_are_away_every_caller_is_told_so_in_its_own_way() -> None:
    with alone() as client:
        by_rest, page = client.get("/v1/projects/demo"), client.get("/")
        for answer in (by_rest, page):
            assert (answer.status_code, answer.json()["code"]) == (503, 14)
            assert answer.headers["x-content-type-options"] == "nosniff"
        request = admin_pb2.GetProjectRequest(name="projects/demo")
        _, trailers = call(client, "AdminService/GetProject", request, admin_pb2.GetProjectResponse)
        assert trailers["grpc-status"] == "14"
        assert "{" not in trailers["grpc-message"]


# --- TLS --------------------------------------------------------------------------------------------------------------


def test_with_tls_everything_is_encrypted_and_cookies_stay_within() -> None:
    with tempfile.TemporaryDirectory(prefix="tidemark-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        authority = Authority("authority")
        pem, key, roots = (folder / each for each in ("tls.pem", "tls.key", "roots.pem"))
        roots.write_bytes(authority.pem)
        authority.issue("everybody").put(pem, key)
        files = {f"TIDEMARK_TLS_{each}_FILE": str(pem) for each in ("CERT", "CLIENT_CERT")}
        files |= {f"TIDEMARK_TLS_{each}_FILE": str(key) for each in ("KEY", "CLIENT_KEY")}
        files |= {f"TIDEMARK_TLS_{each}_FILE": str(roots) for each in ("ROOTS", "CLIENT_CA")}
        targets = {each: each for each in ("ingest", "query", "gateway", "edge")}
        with running(folder, targets, environment=files) as suite:
            trust = ssl.create_default_context(cafile=str(roots))
            in_tls(suite, trust, pem, key)
            renewed(suite, trust, lambda: authority.issue("everybody").put(pem, key))


def renewed(suite: Suite, trust: ssl.SSLContext, renew: Callable[[], None]) -> None:
    """Certificates of everybody are replaced while browsers come and go: all are answered, and soon by the new one."""

    def shown() -> bytes:
        with (
            httpx.Client(base_url=suite.edge, verify=trust, timeout=30) as client,
            client.stream("GET", "/healthz") as answer,
        ):
            signed_in(client, suite.keys["TIDEMARK_VIEWER_KEY"])
            assert client.get("/v1/projects/demo", headers=OURS).status_code == 200
            connection = answer.extensions["network_stream"].get_extra_info("ssl_object")
            return bytes(connection.getpeercert(True))

    first = shown()
    renew()
    assert wait_until(lambda: shown() != first, 20)
    # The servers behind it have new ones too, and know each other by them.
    for _ in range(5):
        shown()


def in_tls(suite: Suite, trust: ssl.SSLContext, pem: Path, key: Path) -> None:
    with pytest.raises(httpx.HTTPError), httpx.Client(base_url=suite.edge, verify=trust) as stranger:
        stranger.get("/")
    trust.load_cert_chain(pem, key)
    with httpx.Client(base_url=suite.edge, verify=trust, timeout=30) as client:
        answer = signed_in(client, suite.keys["TIDEMARK_VIEWER_KEY"])
        assert answer.headers["set-cookie"].endswith("; Secure")
        by_rest = client.get("/v1/projects/demo", headers=OURS)
        assert by_rest.status_code == 200
        by_lane = client.post(
            "/v1/track", json={"event": "a", "userId": "ann"}, auth=(suite.keys["TIDEMARK_INGEST_KEY"], "")
        )
        assert by_lane.json() == {"success": True}
        for each in (answer, by_rest, by_lane):
            assert each.headers["strict-transport-security"] == "max-age=31536000"


# --- the document -----------------------------------------------------------------------------------------------------


def test_the_examples_of_the_document_run_as_they_stand(deployment: Suite, tmp_path: Path) -> None:
    (tmp_path / ".tidemark").mkdir()
    own = {
        "TIDEMARK_KEY": deployment.keys["TIDEMARK_PROJECT_ADMIN_KEY"],
        "TIDEMARK_EDGE_ADDRESS": deployment.edge,
    }
    lines = "".join(f"{name}={value}\n" for name, value in own.items())
    (tmp_path / ".tidemark/client.env").write_text(lines)
    examples = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/rest.md").read_text(), re.DOTALL)
    assert len(examples) > 5
    done = subprocess.run(
        ["bash", "-eu"], input="\n".join(examples), check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"kind":"KIND_SNAPSHOT"' in done.stdout
    assert '"role":"admin"' in done.stdout
