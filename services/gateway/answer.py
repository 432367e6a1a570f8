"""The form of every answer: its headers, errors as the REST API gives them, the cookie. Pure; goes out by `gateway.py`."""

from typing import Any

from google.protobuf import json_format
from google.rpc import code_pb2

from services.kit.errors import Error

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""What every answer carries: nothing runs or is framed that is not ours."""
TRANSPORT = {"strict-transport-security": "max-age=31536000"}
"""What every answer over TLS carries besides."""

_STATUSES = {
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.OUT_OF_RANGE: 400,
    code_pb2.UNAUTHENTICATED: 401,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.NOT_FOUND: 404,
    code_pb2.UNIMPLEMENTED: 405,
    code_pb2.ABORTED: 409,
    code_pb2.RESOURCE_EXHAUSTED: 429,
    code_pb2.UNAVAILABLE: 503,
    code_pb2.DEADLINE_EXCEEDED: 504,
}


def http_status(code: int) -> int:
    """The HTTP status for the code of a `google.rpc.Status`."""
    return _STATUSES.get(code, 500)


def problem(error: Error) -> tuple[int, dict[str, Any]]:
    """The HTTP status of an error and its `google.rpc.Status` in JSON."""
    status = error.status()
    return http_status(status.code), json_format.MessageToDict(status)


def cookie(name: str, value: str, seconds: int, secure: bool) -> str:
    """A `set-cookie` header; no script can read the cookie, and no other site can have it sent."""
    parts = [f"{name}={value}", f"Max-Age={seconds}", "Path=/", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if secure else parts)
