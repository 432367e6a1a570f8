"""What happens to a request on its way through the edge: limits, gRPC-Web and REST made into gRPC, headers of every answer.

Comes in: the edge. Goes out: an HTTP connection manager for `config`.
"""

import base64
from typing import Any

from deploy.envoy.contract import descriptor_set, services
from deploy.envoy.edge import Edge
from deploy.envoy.routes import routes

Json = dict[str, Any]

TYPES = "type.googleapis.com/envoy.extensions"
ANSWER_LIMIT = 64 << 20
"""Bytes of an answer in JSON at most."""
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Of every answer whose server has not set its own, errors of the edge included."""
CODES = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    405: 12,
    408: 4,
    413: 8,
    415: 3,
    429: 8,
    431: 8,
    500: 13,
    502: 14,
    503: 14,
    504: 4,
}
"""gRPC codes for the HTTP statuses of the edge's own errors."""


def manager(edge: Edge) -> Json:
    """The network filter that reads HTTP."""
    return _extension(
        "envoy.filters.network.http_connection_manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="edge",
        server_name="tidemark",
        use_remote_address=True,
        skip_xff_append=True,
        normalize_path=True,
        merge_slashes=True,
        generate_request_id=True,
        preserve_external_request_id=True,
        always_set_request_id_in_response=True,
        # Ids stay as they are: the same in logs, the audit log and answers.
        request_id_extension={
            "typed_config": {
                "@type": f"{TYPES}.request_id.uuid.v3.UuidRequestIdConfig",
                "pack_trace_reason": False,
            }
        },
        early_header_mutation_extensions=[_without_orders()],
        max_request_headers_kb=32,
        request_headers_timeout="10s",
        stream_idle_timeout="300s",
        common_http_protocol_options={"idle_timeout": "3600s", "max_headers_count": 100},
        http2_protocol_options={
            "max_concurrent_streams": edge.settings.max_streams,
            "initial_stream_window_size": 1 << 20,
            "initial_connection_window_size": 4 << 20,
            "connection_keepalive": {"interval": "30s", "timeout": "20s"},
        },
        http_filters=[_headers(edge), _grpc_web(), _transcoder(edge), _router()],
        local_reply_config={"mappers": [_reply(status, code) for status, code in CODES.items()]},
        route_config=routes(edge),
    )


def _headers(edge: Edge) -> Json:
    given = HEADERS
    if edge.settings.tls_cert_file:
        given = {**given, "strict-transport-security": "max-age=31536000"}
    return _extension(
        "envoy.filters.http.header_mutation",
        "filters.http.header_mutation.v3.HeaderMutation",
        mutations={"response_mutations": [_added(name, value) for name, value in given.items()]},
    )


def _added(name: str, value: str) -> Json:
    return {"append": {"header": {"key": name, "value": value}, "append_action": "ADD_IF_ABSENT"}}


def _grpc_web() -> Json:
    return _extension("envoy.filters.http.grpc_web", "filters.http.grpc_web.v3.GrpcWeb")


def _transcoder(edge: Edge) -> Json:
    return _extension(
        "envoy.filters.http.grpc_json_transcoder",
        "filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        proto_descriptor_bin=base64.b64encode(descriptor_set()).decode(),
        services=[service.full_name for service in services()],
        convert_grpc_status=True,
        print_options={"always_print_primitive_fields": True, "stream_newline_delimited": True},
        request_validation_options={
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
        query_param_unescape_plus=True,
        max_request_body_size=edge.settings.max_message_bytes,
        max_response_body_size=ANSWER_LIMIT,
    )


def _router() -> Json:
    return _extension(
        "envoy.filters.http.router", "filters.http.router.v3.Router", suppress_envoy_headers=True
    )


def _without_orders() -> Json:
    """Callers may not tell Envoy how to treat them."""
    orders = {"remove_on_match": {"key_matcher": {"prefix": "x-envoy-"}}}
    return _extension(
        "envoy.http.early_header_mutation.header_mutation",
        "http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=[orders],
    )


def _reply(status: int, code: int) -> Json:
    """An error of the edge's own, in the form of all others; a text for gRPC stays one, as it goes into the trailers."""
    comparison = {"op": "EQ", "value": {"default_value": status, "runtime_key": "none"}}
    not_grpc = {
        "name": "content-type",
        "string_match": {"prefix": "application/grpc"},
        "treat_missing_header_as_empty": True,
        "invert_match": True,
    }
    transcoded = {"name": "x-envoy-original-path", "present_match": True}
    either = {"filters": [{"header_filter": {"header": header}} for header in (not_grpc, transcoded)]}
    filters = [{"status_code_filter": {"comparison": comparison}}, {"or_filter": either}]
    return {
        "filter": {"and_filter": {"filters": filters}},
        "body_format_override": {"json_format": {"code": code, "message": "%LOCAL_REPLY_BODY%"}},
    }


def _extension(name: str, kind: str, **fields: Any) -> Json:
    return {"name": name, "typed_config": {"@type": f"{TYPES}.{kind}", **fields}}
