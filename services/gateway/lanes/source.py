"""Ingest, as the lanes call it: a request in bytes goes out by gRPC with the sender's own key, and the answer comes back in bytes.

Where there are several ingests they have turns, and one that cannot be reached is passed over: whatever the lanes send may be
sent again.
"""

import grpc
import grpc.aio
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from services.kit.edge import PEER_HEADER, SECRET_HEADER
from services.kit.errors import DeadlineExceeded, Internal, Unavailable
from services.kit.peer import channels
from services.kit.settings import Settings

SECONDS = 25.0
"""How long a call may take: less than the edge waits, so that callers hear from us."""
_AGAIN = {grpc.StatusCode.UNAVAILABLE: 1}
"""Seconds after which to come back, where ingest does not say it."""


class Refused(Exception):
    """Ingest has refused a call, or cannot be reached."""

    def __init__(self, status: Status, retry_after: int | None) -> None:
        super().__init__(status.message)
        self.status = status
        self.retry_after = retry_after
        """In seconds; None where it is of no use to come back."""


class Ingest:
    """The servers of the target ingest."""

    def __init__(self, settings: Settings) -> None:
        self._channels = channels(settings.ingest_address, settings.ingest_port, settings)
        self._secret = settings.edge_secret

    async def call(self, rpc: str, request: bytes, key: str, request_id: str, peer: str) -> bytes:
        """The answer of the first server that can be reached; raises `Refused`."""
        metadata = [("authorization", f"Bearer {key}"), ("x-request-id", request_id)]
        if self._secret:
            metadata += [(SECRET_HEADER, self._secret), (PEER_HEADER, peer)]
        self._channels.append(self._channels.pop(0))
        for channel in list(self._channels):
            try:
                answer: bytes = await channel.unary_unary(rpc)(request, metadata=metadata, timeout=SECONDS)
            except grpc.aio.AioRpcError as error:
                failed = error
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    break
            else:
                return answer
        raise _refused(failed) from failed


def _refused(error: grpc.aio.AioRpcError) -> Refused:
    """What ingest says or, where it says nothing, what that means."""
    told = dict(error.trailing_metadata()).get("grpc-status-details-bin")
    if isinstance(told, bytes):
        status = Status.FromString(told)
    elif error.code() is grpc.StatusCode.UNAVAILABLE:
        status = Unavailable("ingest cannot be reached: retry", reason="INGEST_UNAVAILABLE").status()
    elif error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        status = DeadlineExceeded().status()
    else:
        status = Internal("ingest has failed; its logs tell why").status()
    info = error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return Refused(status, int(info.retry_delay.ToTimedelta().total_seconds()) + 1)
    return Refused(status, _AGAIN.get(error.code()))
