"""Connections: an address and how to trust it come in, a `grpc.aio.Channel` goes out to `client.py`.

With TLS the channel is made anew where `pem.py` finds that the files of its certificates were replaced.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import grpc.aio
import orjson

from tidemark.errors import from_rpc
from tidemark.pem import Files, Pem

Answer = TypeVar("Answer")
Metadata = tuple[tuple[str, str], ...]

# Where a name stands for several servers, as that of a headless service does, calls take turns among them.
# The generated calls that make something carry a `request_id`, and the others may be done twice, so all of them may be tried again: but
# streams that send, which `producer.py` begins anew, and the question whether a server is well, whose answer may be no.
_SERVICE = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [
                {"service": "tidemark.v1.IngestService", "method": "Publish"},
                {"service": "tidemark.v1.IngestService", "method": "RecordMetrics"},
                {"service": "grpc.health.v1.Health"},
            ]
        },
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        },
    ],
}
_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # A name is asked for anew when a connection ends. In the 30 s that gRPC waits by default since the last time, all servers that were
    # known may have been replaced.
    ("grpc.dns_min_time_between_resolutions_ms", 1000),
    # What is larger is not tried again: as much as servers take in one message.
    ("grpc.per_rpc_retry_buffer_size", 8 << 20),
    ("grpc.service_config", orjson.dumps(_SERVICE).decode()),
)
_PATIENCE_SECONDS = 86_400.0
"""How long calls may go on that began before certificates were renewed."""
_HEALTH = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tls:
    """PEM files: whom to trust (the system's authorities when empty), and, for mTLS, who we are."""

    roots_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    @classmethod
    def given(cls, environment: Mapping[str, str]) -> "Tls | None":
        """What `TIDEMARK_TLS_ROOTS_FILE`, `…_CLIENT_CERT_FILE` and `…_CLIENT_KEY_FILE` say; None when nothing."""
        files = [
            environment.get(f"TIDEMARK_TLS_{name}_FILE", "")
            for name in ("ROOTS", "CLIENT_CERT", "CLIENT_KEY")
        ]
        return cls(roots_file=files[0], certificate_file=files[1], key_file=files[2]) if any(files) else None

    def files(self) -> Files:
        """The same, as they are now; raises `OSError` where they cannot be read or do not belong together."""
        return Files(self.roots_file, self.certificate_file, self.key_file)


def connect(
    address: str, tls: Tls | None, interceptors: Sequence[grpc.aio.ClientInterceptor] = ()
) -> grpc.aio.Channel:
    """A channel to `address`; it connects when it is first used."""
    if not tls:
        return grpc.aio.insecure_channel(address, options=_OPTIONS, interceptors=interceptors)

    def secure(pem: Pem) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(pem.roots, pem.key or pem.certificate, pem.certificate)
        return grpc.aio.secure_channel(address, credentials, options=_OPTIONS, interceptors=interceptors)

    return _Renewing(tls.files(), secure)


class _Renewing(grpc.aio.Channel):  # type: ignore[misc]
    """A channel that is another one as soon as its certificates are. What is under way on the one before ends there."""

    def __init__(self, files: Files, make: Callable[[Pem], grpc.aio.Channel]) -> None:
        self._files, self._make = files, make
        self._pem = files.now()
        self._channel = make(self._pem)
        self._ending: set[asyncio.Task[None]] = set()

    def _now(self) -> grpc.aio.Channel:
        pem = self._files.now()
        if pem is not self._pem:
            # Servers end connections of an age, so that what has no end comes over as well.
            ending = asyncio.create_task(self._channel.close(_PATIENCE_SECONDS))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            self._pem, self._channel = pem, self._make(pem)
        return self._channel

    def _calling(self, kind: str, given: tuple[Any, ...], options: dict[str, Any]) -> Callable[..., Any]:
        """What a stub takes for the way to call a method, on whichever channel there is when it is called."""
        of: grpc.aio.Channel | None = None
        bound: Callable[..., Any] | None = None

        def call(*arguments: Any, **more: Any) -> Any:
            nonlocal of, bound
            channel = self._now()
            if bound is None or channel is not of:
                of, bound = channel, getattr(channel, kind)(*given, **options)
            return bound(*arguments, **more)

        return call

    def unary_unary(self, *given: Any, **options: Any) -> Any:
        return self._calling("unary_unary", given, options)

    def unary_stream(self, *given: Any, **options: Any) -> Any:
        return self._calling("unary_stream", given, options)

    def stream_unary(self, *given: Any, **options: Any) -> Any:
        return self._calling("stream_unary", given, options)

    def stream_stream(self, *given: Any, **options: Any) -> Any:
        return self._calling("stream_stream", given, options)

    async def close(self, grace: float | None = None) -> None:
        ending = [*self._ending]
        for task in ending:
            task.cancel()
        await asyncio.gather(self._channel.close(grace), *ending, return_exceptions=True)

    async def __aenter__(self) -> "_Renewing":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._now().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._now().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._now().channel_ready()


async def answered(call: Awaitable[Answer]) -> Answer:
    """The answer to a call; its gRPC error becomes one of `tidemark.errors`."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error


async def healthy(channel: grpc.aio.Channel, timeout: float = 2.0) -> bool:
    """Whether the server behind the channel says that it serves."""
    check: Callable[..., Awaitable[bytes]] = channel.unary_unary(_HEALTH)
    try:
        return await check(b"", timeout=timeout) == _SERVING
    except grpc.aio.AioRpcError:
        return False
