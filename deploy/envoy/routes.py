"""Where a request goes, by its path: RPCs to the servers that answer them, everything else that is ours to the gateway.

Comes in: the contract and the edge. Goes out: a route configuration for `filters`. REST paths of the contract are gone by then:
the transcoder has made RPCs of them. The paths of other SDKs are left, and go to the gateway.
"""

from collections.abc import Iterator
from typing import Any

from deploy.envoy.contract import services
from deploy.envoy.edge import Edge
from services.kit.edge import PEER_HEADER, SECRET_HEADER

Json = dict[str, Any]

SLACK_SECONDS = 10
"""How much longer than the servers the edge waits: their error says more than one of its own."""
HEALTH = "/grpc.health.v1.Health/Check"
AT_INGEST = {
    "IngestService",
    "SchemaService",
    "RuleService",
    "DeadLetterService",
    "WindowService",
    "RetentionService",
}
"""Services of the contract that the target ingest answers."""
AT_INSIGHTS = {"InsightService", "AlertService", "ForecastService", "ModelService"}
"""Those that the target insights answers."""
AT_REPORTS = {"ReportService", "EditionService", "ScheduleService", "DeliveryService"}
"""Those that the target reports answers; the target query answers the others."""
OTLP = tuple(
    f"/opentelemetry.proto.collector.{signal}.v1.{signal.title()}Service/Export"
    for signal in ("logs", "metrics")
)
"""The RPCs of OpenTelemetry that the target ingest answers."""
LANES = tuple(
    f"/v1/{path}"
    for path in ("logs", "metrics", "batch", "track", "identify", "page", "screen", "group", "alias")
)
"""Where SDKs of OpenTelemetry and Segment send to by HTTP; the gateway answers."""
FORGED = ["forwarded", "x-forwarded-host", "x-forwarded-port", "x-real-ip"]
"""What callers may claim and no server shall see; the two that servers do look at are overwritten."""

_PREDICATE = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
_ELSEWHERE = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": {"@type": f"type.googleapis.com/{_PREDICATE}"},
}
"""Not at the server that has just failed: having no requests, it would be the first choice again."""


def routes(edge: Edge) -> Json:
    """The route configuration."""
    host = {"name": "tidemark", "domains": ["*"], "routes": [*_rpcs(edge), *_others()]}
    told = [_overwritten(PEER_HEADER, "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")]
    if edge.settings.edge_secret:
        # Envoy reads it from its environment, so that the file holds none.
        told.append(_overwritten(SECRET_HEADER, "%ENVIRONMENT(TIDEMARK_EDGE_SECRET)%"))
    return {
        "name": "edge",
        "virtual_hosts": [host],
        "request_headers_to_add": told,
        "request_headers_to_remove": FORGED if edge.settings.edge_secret else [*FORGED, SECRET_HEADER],
    }


def _rpcs(edge: Edge) -> Iterator[Json]:
    patience = f"{edge.settings.call_seconds + SLACK_SECONDS}s"
    for service in services():
        cluster = _cluster(service.name)
        for method in service.methods:
            streams = method.client_streaming or method.server_streaming
            # A stream may be silent for as long as it likes; both ends look after connections that are dead.
            limits = {"timeout": "0s", "idle_timeout": "0s"} if streams else {"timeout": patience}
            yield _to(cluster, {"path": f"/{service.full_name}/{method.name}"}, **limits)
    for path in OTLP:
        yield _to("ingest", {"path": path}, timeout=patience)
    yield _to("query", {"path": HEALTH}, timeout="5s")


def _others() -> Iterator[Json]:
    for path in LANES:
        yield _to("gateway", {"path": path}, timeout="30s")
    for prefix in ("/v1/", "/tidemark.", "/grpc.", "/opentelemetry."):
        body = {"inline_string": "there is no such method; docs/rest.md and docs/api.md list all"}
        yield {"match": {"prefix": prefix}, "direct_response": {"status": 404, "body": body}}
    yield _to("gateway", {"prefix": "/"}, timeout="30s")


def _cluster(service: str) -> str:
    if service in AT_INGEST:
        return "ingest"
    if service in AT_INSIGHTS:
        return "insights"
    return "reports" if service in AT_REPORTS else "query"


def _to(cluster: str, match: Json, **limits: str) -> Json:
    # Tried again only where no server has seen the request: at the end of one, another answers.
    again = {
        "retry_on": "connect-failure,refused-stream,reset-before-request",
        "num_retries": 3,
        "retry_host_predicate": [_ELSEWHERE],
        "host_selection_retry_max_attempts": 5,
    }
    return {"match": match, "route": {"cluster": cluster, "retry_policy": again, **limits}}


def _overwritten(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
