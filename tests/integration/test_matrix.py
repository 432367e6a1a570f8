"""Every RPC of the contract, asked by everybody about everything: nobody reads or changes what belongs to another project.

What is expected comes from the contract alone: the `permission` option of each RPC, and the fields that name a project or a
resource. An RPC that is added to the contract fails here until it has a request in `neighbours`.
"""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc.aio
import httpx
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from deploy.local.suite import Suite as Stack
from tests.conftest import Suite
from tests.contract import rpcs
from tests.deployment import Tenant
from tests.ingesting import arrow_stream, record_batch
from tests.integration.neighbours import (
    COMMITTED,
    HIDDEN,
    NOWHERE,
    OURS,
    RPCS,
    SPAN,
    THEIRS,
    requests,
    staged,
    texts,
)
from tests.integration.test_identity import MAY, permission_name
from tidemark import questions
from tidemark.v1 import dashboard_pb2, ingest_pb2, query_pb2
from tidemark.v1 import question_pb2 as q

SHORT = {
    "Backtest": "FAILED_PRECONDITION",
    "GetPredictiveInsights": "FAILED_PRECONDITION",
    "GetModelHealth": "FAILED_PRECONDITION",
    "GetModelVersion": "NOT_FOUND",
    "PromoteModelVersion": "NOT_FOUND",
}
"""How calls end that need more than there is: a long past, or a trained model."""
NAMED = {"UpdateProject", "WatchDashboard", "ExpandReportTemplate"}
"""What they are about has a name of its own, beside the project."""


def expected(rpc: MethodDescriptor, who: str, project: str) -> str:
    """How a call ends."""
    code = by_contract(rpc, who, project)
    return SHORT.get(rpc.name, "OK") if code == "OK" else code


def by_contract(rpc: MethodDescriptor, who: str, project: str) -> str:
    """How the contract says that a call ends, where it has what it needs."""
    if rpc.name == "OpenEditionLink":
        return "OK" if project in (OURS, THEIRS) else "NOT_FOUND"
    if who in ("none", "unknown", "revoked", "expired"):
        return "UNAUTHENTICATED"
    if who not in MAY[permission_name(rpc)]:
        return "PERMISSION_DENIED"
    if rpc.name in ("CreateProject", "ListProjects", "ResumePartition", "Diagnose"):
        return "OK"
    if not project:
        optional = who != "operator" and "project" in rpc.input_type.fields_by_name
        # A change of a project or a saved dashboard names it, though its field is called otherwise.
        return "OK" if optional and rpc.name not in NAMED else "INVALID_ARGUMENT"
    if who == "operator":
        return "NOT_FOUND" if project == NOWHERE else "OK"
    return "OK" if project == OURS else "PERMISSION_DENIED"


def test_every_rpc_has_a_request_here() -> None:
    assert requests(OURS, "0").keys() == RPCS.keys()
    assert {name: type(each) for name, each in requests(OURS, "0").items()} == {
        rpc.name: message_factory.GetMessageClass(rpc.input_type) for rpc in rpcs()
    }


async def test_every_rpc_ends_for_everybody_as_the_contract_says(suite: Suite) -> None:
    async with staged(suite) as stage:
        surprises: list[object] = []
        theirs = await stage.state(THEIRS)
        for rpc in RPCS.values():
            for who, key in stage.keys.items():
                for project in (OURS, THEIRS, NOWHERE, ""):
                    request = requests(
                        project, stage.spare.get(project, "0"), HIDDEN if project == THEIRS else "x"
                    )[rpc.name]
                    code, answer = await stage.call(rpc.name, request, key)
                    if code != (wanted := expected(rpc, who, project)):
                        surprises.append((rpc.name, who, project, code, wanted, answer[:200]))
                    # A link shows what it leads to, whoever holds it.
                    if who != "operator" and HIDDEN.encode() in answer and rpc.name != "OpenEditionLink":
                        surprises.append((rpc.name, who, project, "shows what is theirs"))
                    if code == "OK" and project:
                        await stage.replace(rpc.name, project, HIDDEN if project == THEIRS else "x")
                if who != "operator" and (now := await stage.state(THEIRS)) != theirs:
                    surprises.append((rpc.name, who, "changes what is theirs", now.items() - theirs.items()))
                    theirs = now
                if who == "operator":
                    theirs = await stage.state(THEIRS)
        assert surprises == []


def about_cohort(cohort: str) -> dict[str, Message]:
    """Requests of `ours` that are about a cohort by its name."""
    within = q.Filter(cohort=cohort)
    asked = [
        questions.events(where=[within], **SPAN),
        questions.series(where=[within], **SPAN),
        questions.table(measure=[q.Measure(aggregation=q.AGGREGATION_COUNT, filter=within)], **SPAN),
        questions.funnel([q.Step(filter=within), "*"], **SPAN),
        questions.retention(q.Step(filter=within), **SPAN),
        questions.lifecycle(q.Step(filter=within), **SPAN),
        questions.sessions(where=[within], **SPAN),
        questions.paths(where=[within], **SPAN),
        questions.people(cohort=cohort, **SPAN),
        questions.people(questions.funnel([q.Step(filter=within), "*"], **SPAN)),
    ]
    found: dict[str, Message] = {}
    for place, each in enumerate(asked):
        found[f"RunQuery {place}"] = query_pb2.RunQueryRequest(project=OURS, query=each)
        found[f"ExplainQuery {place}"] = query_pb2.ExplainQueryRequest(project=OURS, query=each, analyze=True)
        found[f"WatchQuery {place}"] = query_pb2.WatchQueryRequest(project=OURS, query=each)
    for place, each in enumerate(asked[:3]):
        found[f"Export {place}"] = query_pb2.ExportRequest(project=OURS, query=each, format=3)  # type: ignore[arg-type]
    return found


async def test_the_name_of_a_resource_of_theirs_opens_nothing_wherever_it_stands(suite: Suite) -> None:
    async with staged(suite) as stage:
        surprises: list[object] = []
        theirs, key = await stage.state(THEIRS), stage.keys["admin"]
        names = [
            THEIRS,
            f"{THEIRS}/cohorts/vip",
            f"{THEIRS}/dashboards/board",
            f"{THEIRS}/schemas/planned",
            f"{THEIRS}/retention",
            f"{THEIRS}/erasures/done-theirs",
            f"{THEIRS}/windows/visits",
            f"{THEIRS}/deadLetters/1",
            f"{THEIRS}/insights/found",
            f"{THEIRS}/indicators/orders",
            f"{THEIRS}/alertRules/quiet",
            f"{THEIRS}/incidents/of-theirs",
            f"{THEIRS}/channels/hook",
            f"{THEIRS}/models/leaving",
            f"{THEIRS}/models/leaving/versions/1",
            f"{THEIRS}/operations/train-theirs",
            f"{THEIRS}/reports/weekly",
            f"{THEIRS}/reports/weekly/runs/run-theirs",
            f"{THEIRS}/reports/weekly/editions/edition-theirs",
            f"{THEIRS}/reports/weekly/schedules/daily",
            f"{THEIRS}/reportTemplates/page",
            f"{THEIRS}/destinations/hook",
            f"{THEIRS}/deliveries/delivery-theirs",
            f"{THEIRS}/keys/{stage.spare[THEIRS]}",
            f"{THEIRS}/readers/tool",
            f"{OURS}/keys/{stage.spare[THEIRS]}",
            f"{OURS}/../theirs",
            f"{OURS}\0/../theirs",
        ]
        for name, made in requests(OURS, stage.spare[OURS]).items():
            for place, _ in enumerate(list(texts(made))):
                for text in names:
                    request = type(made)()
                    request.CopyFrom(made)
                    where, put = list(texts(request))[place]
                    put(text)
                    code, answer = await stage.call(name, request, key)
                    leads_there = where.split(".")[-1] in {"project", "parent", "name"} and (
                        RPCS[name].containing_service.name != "IngestService" or where == ".project"
                    )
                    if HIDDEN.encode() in answer or code in ("INTERNAL", "UNKNOWN"):
                        surprises.append((name, where, text, code, answer[:200]))
                    if leads_there and code not in ("PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT"):
                        surprises.append((name, where, text, code, answer[:200]))
                    if code == "OK":
                        await stage.replace(name, OURS)
        assert await stage.state(THEIRS) == theirs
        assert surprises == []


async def test_a_cohort_of_theirs_limits_no_question_of_ours(suite: Suite) -> None:
    async with staged(suite) as stage:
        for name, request in about_cohort(f"{OURS}/cohorts/vip").items():
            assert (await stage.call(name.split()[0], request, stage.keys["viewer"]))[0] == "OK", name
        for name, request in about_cohort(f"{THEIRS}/cohorts/vip").items():
            code, answer = await stage.call(name.split()[0], request, stage.keys["viewer"])
            assert code in {"PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT"}, (name, code)
            assert HIDDEN.encode() not in answer, name


async def test_a_tile_about_a_cohort_of_theirs_says_so_and_shows_nothing(suite: Suite) -> None:
    async with staged(suite) as stage:
        asked = questions.events(where=[q.Filter(cohort=f"{THEIRS}/cohorts/vip")], **SPAN)
        draft = dashboard_pb2.Dashboard(tiles=[dashboard_pb2.Tile(id="one", query=asked)])
        request = dashboard_pb2.WatchDashboardRequest(project=OURS, draft=draft)
        code, answer = await stage.call("WatchDashboard", request, stage.keys["viewer"])
        if code == "OK":
            (tile,) = dashboard_pb2.WatchDashboardResponse.FromString(answer).tiles
            assert tile.HasField("error")
            assert not tile.HasField("answer")
        else:
            assert code in {"PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT"}


async def test_a_place_in_what_is_theirs_leads_nowhere_in_what_is_ours(suite: Suite) -> None:
    """Page tokens and cursors are texts of the caller's: one of another project shows nothing of it."""
    async with staged(suite) as stage:
        operator, admin_of_ours = stage.keys["operator"], stage.keys["admin"]
        batch = arrow_stream(record_batch(rows=3))
        whole = ingest_pb2.EventBatch(
            producer=ingest_pb2.Producer(producer_id="a", epoch=1), events_arrow=batch
        )
        sent = ingest_pb2.PublishBatchRequest(project=THEIRS, batch=whole, ack_mode=COMMITTED)
        assert (await stage.call("PublishBatch", sent, operator))[0] == "OK"
        for rpc in (
            "RunQuery",
            "ListKeys",
            "ListAuditEntries",
            "ListReaders",
            "ListCohorts",
            "ListDashboards",
        ):
            if rpc not in ("RunQuery", "ListAuditEntries"):
                create = f"Create{rpc.removeprefix('List').removesuffix('s')}"
                assert (await stage.call(create, requests(THEIRS, "")[create], operator))[0] == "OK"
            request = requests(THEIRS, "")[rpc]
            request.page_size = 1  # type: ignore[attr-defined]
            _, answer = await stage.call(rpc, request, operator)
            token = message_factory.GetMessageClass(RPCS[rpc].output_type).FromString(answer).next_page_token  # type: ignore[attr-defined]
            assert token, rpc
            ours = requests(OURS, "")[rpc]
            ours.page_size, ours.page_token = 1, token  # type: ignore[attr-defined]
            assert (await stage.call(rpc, ours, admin_of_ours))[0] == "INVALID_ARGUMENT", rpc
        for rpc in ("WatchQuery", "WatchDashboard"):
            _, answer = await stage.call(rpc, requests(THEIRS, "")[rpc], operator)
            cursor = message_factory.GetMessageClass(RPCS[rpc].output_type).FromString(answer).cursor  # type: ignore[attr-defined]
            assert cursor, rpc
            ours = requests(OURS, "")[rpc]
            ours.cursor = cursor  # type: ignore[attr-defined]
            code, answer = await stage.call(rpc, ours, admin_of_ours)
            assert code in {"OK", "INVALID_ARGUMENT"}, rpc
            assert HIDDEN.encode() not in answer, rpc


# --- through the edge -------------------------------------------------------------------------------------------------

OF_PAGE = {"x-requested-with": "tidemark"}


@dataclass(frozen=True)
class Visitor:
    """Somebody in front of the edge, signed in with a key or not."""

    http: httpx.AsyncClient

    async def rest(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> int:
        """The status of a call in JSON."""
        return (await self.http.request(method, path, json=body, headers=headers)).status_code

    async def web(self, rpc: str, request: Message, headers: dict[str, str] | None = None) -> str:
        """How a unary call by gRPC-Web ends."""
        data = request.SerializeToString()
        answer = await self.http.post(
            f"/{RPCS[rpc].containing_service.full_name}/{rpc}",
            content=struct.pack(">BI", 0, len(data)) + data,
            headers={"content-type": "application/grpc-web+proto", **(headers or {})},
        )
        # An error may come in the headers; else the trailers are the last piece of the body.
        trailers = answer.content.rpartition(b"grpc-status:")[2].split(b"\r")[0]
        status = answer.headers.get("grpc-status") or trailers.decode()
        numbers = {code.value[0]: code.name for code in grpc.StatusCode}
        return str(numbers[int(status)])


@asynccontextmanager
async def visiting(deployment: Stack, key: str = "") -> AsyncIterator[Visitor]:
    """Somebody who signs in with a key, or does not."""
    async with httpx.AsyncClient(base_url=deployment.edge, timeout=30) as http:
        if key:
            assert (await http.post("/session", json={"key": key}, headers=OF_PAGE)).status_code == 200
            assert http.cookies
        yield Visitor(http)


def by_rest(project: str) -> dict[str, tuple[str, str, Any]]:
    """A call of each service, in JSON."""
    asked = {"time_range": {"last": "3600s"}, "series": {"measures": [{"aggregation": "AGGREGATION_COUNT"}]}}
    batch = {"producer": {"producer_id": "web", "epoch": 1}}
    return {
        "GetProject": ("GET", f"/v1/{project}", None),
        "ListKeys": ("GET", f"/v1/{project}/keys", None),
        "RunQuery": ("POST", f"/v1/{project}/queries:run", {"query": asked}),
        "ListCohorts": ("GET", f"/v1/{project}/cohorts", None),
        "ListSchemas": ("GET", f"/v1/{project}/schemas", None),
        "ListWindows": ("GET", f"/v1/{project}/windows", None),
        "ListDeadLetters": ("GET", f"/v1/{project}/deadLetters", None),
        "ListEventQuality": ("GET", f"/v1/{project}/eventQuality", None),
        "GetDashboard": ("GET", f"/v1/{project}/dashboards/home", None),
        "PublishBatch": ("POST", f"/v1/{project}/events:publish", {"batch": batch}),
    }


STATUS = {"OK": 200, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403}


@pytest.mark.parametrize("role", ["viewer", "admin"])
async def test_a_session_at_the_edge_may_do_what_its_key_may_and_no_more(
    deployment: Stack, tenant: Tenant, role: str
) -> None:
    """By JSON and by gRPC-Web, in its own project and in another."""
    async with visiting(deployment, await tenant.key_of(role)) as visitor:
        surprises: list[object] = []
        for project in (tenant.project, "projects/demo"):
            for rpc, (method, path, body) in by_rest(project).items():
                may = role in MAY[permission_name(RPCS[rpc])] and project == tenant.project
                wanted = "OK" if may else "PERMISSION_DENIED"
                for headers, ends in ((OF_PAGE, wanted), ({}, "UNAUTHENTICATED")):
                    status = await visitor.rest(method, path, body, headers)
                    if status != STATUS[ends]:
                        surprises.append((rpc, project, headers, status))
                request = requests(project, "")[rpc]
                if isinstance(request, dashboard_pb2.GetDashboardRequest):
                    request.name = f"{project}/dashboards/home"
                for headers, ends in (({"x-grpc-web": "1"}, wanted), ({}, "UNAUTHENTICATED")):
                    code = await visitor.web(rpc, request, headers)
                    if code != ends:
                        surprises.append((rpc, project, headers, code))
        assert surprises == []


async def test_nobody_gets_past_the_edge_without_a_key(deployment: Stack, tenant: Tenant) -> None:
    async with visiting(deployment) as visitor:
        for rpc, (method, path, body) in by_rest(tenant.project).items():
            assert await visitor.rest(method, path, body, OF_PAGE) == 401, rpc
            code = await visitor.web(rpc, requests(tenant.project, "")[rpc], {"x-grpc-web": "1"})
            assert code == "UNAUTHENTICATED", rpc
