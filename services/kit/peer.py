"""Another service of ours, as a service calls it: settings come in, answers go out, and its errors as our own.

Where there are several servers of a target, calls take turns among them. Calls carry the key that this process has made for itself, so
whoever asks us for something is checked by our servicer first.
"""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio

from services.kit import errors, tracing
from services.kit.servicekey import ServiceKey
from services.kit.settings import Settings
from tidemark import errors as told
from tidemark.channel import Tls, answered, connect

T = TypeVar("T")
Stub = Callable[[grpc.aio.Channel], Any]
"""Makes the stub of a service, such as `QueryServiceStub`."""
Bearer = tuple[tuple[str, str], ...]


class Peer:
    """The servers of a target. `noun` is what errors call it."""

    def __init__(self, noun: str, addresses: str, port: int, settings: Settings, key: ServiceKey) -> None:
        self._noun, self._key = noun, key
        self._channels = channels(addresses, port, settings)
        self._turns = itertools.cycle(range(len(self._channels)))

    async def call(
        self, stub: Stub, method: Callable[[Any], Callable[..., Awaitable[T]]], request: Any, timeout: float
    ) -> T:
        """The answer of an RPC."""

        async def ask(made: Any, bearer: Bearer) -> T:
            return await answered(method(made)(request, metadata=bearer, timeout=timeout))

        return await self.tried(stub, ask)

    async def tried(self, stub: Stub, ask: Callable[[Any, Bearer], Awaitable[T]]) -> T:
        """What `ask` gives, asked once more with a new key where the first was refused."""
        for last in (False, True):
            try:
                return await ask(stub(self.channel()), await self.bearer())
            except told.Unauthenticated as error:
                self._key.forget()
                if last:
                    raise errors.Unavailable(f"{self._noun} refuses our own key: {error}") from error
            except told.Error as error:
                raise self.ours(error) from error
        raise AssertionError("the second attempt returns or raises")

    def channel(self) -> grpc.aio.Channel:
        """The server whose turn it is."""
        return self._channels[next(self._turns)]

    async def bearer(self) -> Bearer:
        """The metadata that carry our key."""
        return (("authorization", f"Bearer {await self._key.text()}"),)

    def failed(self, error: grpc.aio.AioRpcError) -> errors.Error:
        """The error for a stream that has broken; a refused key is not used again."""
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            self._key.forget()
        return self.ours(told.from_rpc(error))

    def ours(self, error: told.Error) -> errors.Error:
        """The error that our own callers see."""
        match error:
            case told.Invalid():
                field, message = error.field or "query", str(error)
                return errors.Invalid(field, message.removeprefix(f"{field}: "), reason=error.reason)
            case told.Exhausted():
                return errors.Exhausted(str(error), retry_after=error.retry_after or 1.0, reason=error.reason)
            case told.NotFound():
                return errors.NotFound(str(error), reason=error.reason)
            case told.Refused():
                return errors.Refused(str(error), reason=error.reason)
            case told.DeadlineExceeded():
                return errors.DeadlineExceeded(str(error))
            case _:
                reason = f"{self._noun.upper()}_UNAVAILABLE"
                return errors.Unavailable(f"{self._noun} cannot answer: {error}", reason=reason)


def channels(addresses: str, port: int, settings: Settings) -> list[grpc.aio.Channel]:
    """A channel to each of `addresses`, with commas between; to `port` on this machine where there are none."""
    tls = None
    if settings.tls_roots_file:
        tls = Tls(
            roots_file=settings.tls_roots_file,
            certificate_file=settings.tls_client_cert_file,
            key_file=settings.tls_client_key_file,
        )
    spans = tracing.interceptors()
    return [connect(each.strip(), tls, spans) for each in (addresses or f"127.0.0.1:{port}").split(",")]
