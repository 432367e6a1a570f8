"""Connections: an address and how to trust it come in, a `grpc.aio.Channel` goes out to `client.py`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc
import grpc.aio
import orjson

from tidemark.errors import from_rpc

Answer = TypeVar("Answer")
Metadata = tuple[tuple[str, str], ...]

# Where a name stands for several servers, as that of a headless service does, calls take turns among them.
# The generated calls that change something carry a `request_id`, so all of them may be tried again.
_SERVICE = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": "tidemark.v1.QueryService"}, {"service": "tidemark.v1.AdminService"}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}
_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.service_config", orjson.dumps(_SERVICE).decode()),
)
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

    def credentials(self) -> grpc.ChannelCredentials:
        """What gRPC wants to have of it."""
        return grpc.ssl_channel_credentials(
            *(
                Path(file).read_bytes() if file else None
                for file in (self.roots_file, self.key_file, self.certificate_file)
            )
        )


def connect(address: str, tls: Tls | None) -> grpc.aio.Channel:
    """A channel to `address`; it connects when it is first used."""
    if tls:
        return grpc.aio.secure_channel(address, tls.credentials(), options=_OPTIONS)
    return grpc.aio.insecure_channel(address, options=_OPTIONS)


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
