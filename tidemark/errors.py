"""What can go wrong, as exceptions. gRPC errors come in through `from_rpc`; callers catch the classes.

Every error carries the server's `reason`, the `field` at fault for bad input, and `retry_after` seconds where the server said
when to come back.
"""

from collections.abc import Mapping

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2


class Error(Exception):
    """Something went wrong."""

    def __init__(
        self,
        message: str = "",
        *,
        reason: str = "",
        field: str = "",
        retry_after: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message or type(self).__doc__)
        self.reason = reason
        self.field = field
        self.retry_after = retry_after
        self.metadata = dict(metadata or {})


class BufferFull(Error):
    """The buffer of unacknowledged data is full: await `ready()`, or drop."""


class TooLarge(Error):
    """One event or point is larger than a batch may be."""


class Closed(Error):
    """The client is closed."""


class Undelivered(Error):
    """The client was closed before everything was acknowledged."""


class Invalid(Error):
    """The request is malformed."""


class Unauthenticated(Error):
    """The key is missing, unknown, expired or revoked."""


class Denied(Error):
    """The key may not do this."""


class NotFound(Error):
    """There is no such resource."""


class AlreadyExists(Error):
    """There is such a resource already."""


class Conflict(Error):
    """The resource was changed in between: read it again."""


class SequenceGap(Error):
    """The server misses batches of this producer."""


class Fenced(Error):
    """A newer producer of the same id is at work."""


class Refused(Error):
    """The state of things does not allow this."""


class Exhausted(Error):
    """A limit is reached."""


class DeadlineExceeded(Error):
    """The time allowed ran out."""


class Unavailable(Error):
    """The server cannot be reached or cannot answer now."""


class Unsupported(Error):
    """The server does not know this call."""


_CLASSES: dict[grpc.StatusCode, type[Error]] = {
    grpc.StatusCode.INVALID_ARGUMENT: Invalid,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: Denied,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.OUT_OF_RANGE: SequenceGap,
    grpc.StatusCode.FAILED_PRECONDITION: Refused,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exhausted,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.UNIMPLEMENTED: Unsupported,
}
_REASONS: dict[str, type[Error]] = {"PRODUCER_FENCED": Fenced}
PERMANENT = (Invalid, Unauthenticated, Denied, NotFound, Fenced, Refused, Unsupported)
"""Errors that another attempt alone does not cure."""
_PUSHBACK = "grpc-retry-pushback-ms"


def from_rpc(error: grpc.aio.AioRpcError) -> Error:
    """The exception for a failed call, with what its status details and trailing metadata say."""
    trailing = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailing.get("grpc-status-details-bin", b""))
    waits = []
    if (pushback := str(trailing.get(_PUSHBACK, ""))).isdigit():
        waits.append(int(pushback) / 1000)
    return _made(error.code(), error.details() or error.code().name, status, waits)


def from_status(status: status_pb2.Status) -> Error:
    """The exception for what an operation has ended with."""
    code = next(each for each in grpc.StatusCode if each.value[0] == status.code)
    return _made(code, status.message, status, [])


def _made(code: grpc.StatusCode, message: str, status: status_pb2.Status, waits: list[float]) -> Error:
    info, violation = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(violation)
        if detail.Unpack(retry):
            waits.append(retry.retry_delay.ToMilliseconds() / 1000)
    reason = info.reason or code.name
    return _REASONS.get(reason, _CLASSES.get(code, Error))(
        message,
        reason=reason,
        field=violation.field_violations[0].field if violation.field_violations else "",
        retry_after=max(waits, default=None),
        metadata=dict(info.metadata),
    )
