"""The errors that cross a process boundary, and what becomes of each on the wire.

Every error here is a `google.rpc.Status` with one `ErrorInfo` (domain `tidemark`); bad input adds `BadRequest` with the field,
exhaustion adds `RetryInfo`. Anything else that escapes a handler becomes INTERNAL with an incident id and no text of ours:
`services/kit/rpc.py` sees to that. A bad *event* is not an error but a `Rejection` in the answer.
"""

from collections.abc import Sequence

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "tidemark"
MAX_VIOLATIONS = 2000
"""Bytes after which no further fault is told with the first."""


class BadSetting(Exception):
    """A setting that cannot be used; ends the process at start with one sentence."""


class Error(Exception):
    """Base of the errors that callers see; the class docstring is the default message."""

    code = grpc.StatusCode.INTERNAL
    reason = "INTERNAL"

    def __init__(self, message: str = "", *, reason: str = "", **metadata: object) -> None:
        super().__init__(message or type(self).__doc__)
        self.reason = reason or type(self).reason
        self.metadata = {key: str(value) for key, value in metadata.items()}

    def details(self) -> list[any_pb2.Any]:
        """The details of the status: `ErrorInfo`, then what subclasses add."""
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=self.metadata)
        return [_packed(info)]

    def status(self) -> status_pb2.Status:
        """This error as it goes over the wire."""
        return status_pb2.Status(code=self.code.value[0], message=str(self), details=self.details())


class Invalid(Error):
    """The request is malformed."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    reason = "INVALID_FIELD"

    def __init__(
        self,
        field: str,
        message: str,
        *,
        reason: str = "",
        also: Sequence["Invalid"] = (),
        **metadata: object,
    ) -> None:
        super().__init__(f"{field}: {message}", reason=reason, field=field, **metadata)
        self.field, self.description, self.also = field, message, also

    def details(self) -> list[any_pb2.Any]:
        request = error_details_pb2.BadRequest()
        for each in (self, *self.also):
            # Details travel in trailers, for which clients have 8 KiB by default.
            if request.ByteSize() < MAX_VIOLATIONS:
                request.field_violations.add(field=each.field, description=each.description)
        return [*super().details(), _packed(request)]


class Unauthenticated(Error):
    """No valid key: send metadata `authorization: Bearer <secret>`."""

    code = grpc.StatusCode.UNAUTHENTICATED
    reason = "KEY_INVALID"


class Denied(Error):
    """The key may not do this."""

    code = grpc.StatusCode.PERMISSION_DENIED
    reason = "PERMISSION_DENIED"


class NotFound(Error):
    """There is no such resource."""

    code = grpc.StatusCode.NOT_FOUND
    reason = "NOT_FOUND"


class AlreadyExists(Error):
    """There is such a resource already."""

    code = grpc.StatusCode.ALREADY_EXISTS
    reason = "ALREADY_EXISTS"


class Conflict(Error):
    """The resource was changed in between: read it again."""

    code = grpc.StatusCode.ABORTED
    reason = "ETAG_MISMATCH"


class SequenceGap(Error):
    """Batches are missing in the producer's sequence."""

    code = grpc.StatusCode.OUT_OF_RANGE
    reason = "SEQUENCE_GAP"


class Fenced(Error):
    """A newer epoch of this producer is at work."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "PRODUCER_FENCED"


class Refused(Error):
    """The state of things does not allow this."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "FAILED_PRECONDITION"


class Exhausted(Error):
    """A limit is reached: wait as RetryInfo says, then retry."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    reason = "RESOURCE_EXHAUSTED"

    def __init__(self, message: str, *, retry_after: float, reason: str = "", **metadata: object) -> None:
        super().__init__(message, reason=reason, **metadata)
        self.retry_after = retry_after

    def retry_info(self) -> error_details_pb2.RetryInfo:
        """When to come back."""
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(self.retry_after * 1000))
        return error_details_pb2.RetryInfo(retry_delay=delay)

    def details(self) -> list[any_pb2.Any]:
        return [*super().details(), _packed(self.retry_info())]


class DeadlineExceeded(Error):
    """The time allowed ran out."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"


class Unavailable(Error):
    """The service cannot answer now: retry."""

    code = grpc.StatusCode.UNAVAILABLE
    reason = "UNAVAILABLE"


class Internal(Error):
    """Something went wrong inside the service; its logs tell what under the incident's id."""


def _packed(
    message: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo,
) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
