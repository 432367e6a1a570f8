"""The form of every answer: its headers, errors as the REST API gives them, the cookie. Pure; goes out by `gateway.py`."""

from typing import Any

from google.protobuf import json_format

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
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "UNIMPLEMENTED": 405,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


def problem(error: Error) -> tuple[int, dict[str, Any]]:
    """The HTTP status of an error and its `google.rpc.Status` in JSON."""
    return _STATUSES.get(error.code.name, 500), json_format.MessageToDict(error.status())


def cookie(name: str, value: str, seconds: int, secure: bool) -> str:
    """A `set-cookie` header; no script can read the cookie, and no other site can have it sent."""
    parts = [f"{name}={value}", f"Max-Age={seconds}", "Path=/", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if secure else parts)
