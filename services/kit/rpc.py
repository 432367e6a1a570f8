"""The one way through which every RPC goes: `Gate.layers` is the list of what happens around a handler, outermost first.

grpc hands in a handler and its context, `Gate` wraps the handler. Servicers raise `services.kit.errors` and leave the context
alone; one that answers with a stream is an async generator.
"""

import asyncio
import inspect
import logging
import re
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pool
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from services.kit import edge, metrics, tracing, wire
from services.kit.access import OPEN_SERVICES, THIRD_PARTY, permission_of
from services.kit.audit import Audit
from services.kit.call import Call, Method, current
from services.kit.errors import DeadlineExceeded, Error, Exhausted, Invalid
from services.kit.failure import shown
from services.kit.identity import Directory

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
# As the Go middleware writes them, for which most dashboards are made.
_CODES = {code: code.name.title().replace("_", "") for code in grpc.StatusCode} | {
    grpc.StatusCode.OK: "OK",
    grpc.StatusCode.CANCELLED: "Canceled",
}

log = logging.getLogger(__name__)


class Gate(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Wraps every handler but those of health and reflection."""

    def __init__(
        self, directory: Directory, audit: Audit, call_seconds: float, edge_secrets: tuple[str, ...] = ()
    ) -> None:
        self._directory = directory
        self._audit = audit
        self._call_seconds = call_seconds
        self._edge_secrets = edge_secrets
        self._wrapped: dict[str, grpc.RpcMethodHandler] = {}

    @asynccontextmanager
    async def layers(self, call: Call) -> AsyncIterator[None]:
        """What happens around a handler. Audit stands outside identity, so that refusals are recorded too."""
        async with (
            named(call),
            traced(call),
            measured(call),
            answered(call),
            self._audit.recorded(call),
            self._directory.identified(call),
            limited(call, self._call_seconds),
        ):
            yield

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler | None]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """The wrapped handler; grpc asks once for each call."""
        if details.method in self._wrapped:
            return self._wrapped[details.method]
        handler = await continuation(details)
        if handler is None:
            return None
        _, service, name = details.method.split("/")
        if service not in OPEN_SERVICES:
            handler = self._wrap(handler, service, name)
        self._wrapped[details.method] = handler
        return handler

    def _wrap(self, handler: grpc.RpcMethodHandler, service: str, name: str) -> grpc.RpcMethodHandler:
        streams = handler.request_streaming, handler.response_streaming
        method = Method(service, name, permission_of(f"{service}.{name}"), *streams)
        # The request is read inside the layers: a stranger's bytes are never parsed, and bad ones get an error of ours.
        incoming = _incoming(method, handler.request_deserializer)
        make, behaviour = {
            (False, False): (grpc.unary_unary_rpc_method_handler, handler.unary_unary),
            (False, True): (grpc.unary_stream_rpc_method_handler, handler.unary_stream),
            (True, False): (grpc.stream_unary_rpc_method_handler, handler.stream_unary),
            (True, True): (grpc.stream_stream_rpc_method_handler, handler.stream_stream),
        }[streams]
        wrap = self._streaming if method.streams_responses else self._unary
        return make(wrap(method, incoming, behaviour), None, handler.response_serializer)

    def _unary(
        self, method: Method, incoming: Callable[[Any], Any], behaviour: Callable[..., Awaitable[Any]]
    ) -> Callable[..., Awaitable[Any]]:
        sent = metrics.RPC_SENT.labels(*_labels(method))

        async def answer(request: Any, context: Any) -> Any:
            async with self.layers(self._begin(method, context)):
                response = await behaviour(incoming(request), context)
            sent.inc()
            return response

        return answer

    def _streaming(
        self, method: Method, incoming: Callable[[Any], Any], behaviour: Callable[..., AsyncGenerator[Any]]
    ) -> Callable[..., Awaitable[None]]:
        if not inspect.isasyncgenfunction(behaviour):
            raise TypeError(
                f"{method.full_name} answers with a stream: write its handler as an async generator"
            )
        sent = metrics.RPC_SENT.labels(*_labels(method))

        async def answer(request: Any, context: Any) -> None:
            call = self._begin(method, context)
            async with self.layers(call), aclosing(behaviour(incoming(request), context)) as responses:
                async for response in responses:
                    await call.open()
                    await context.write(response)
                    sent.inc()

        return answer

    def _begin(self, method: Method, context: Any) -> Call:
        headers = context.invocation_metadata() or ()
        peer = edge.peer(headers, self._edge_secrets, context.peer())
        return Call(method, context, request_id(dict(headers).get("x-request-id")), peer)


class KeylessGate(Gate):
    """The same where callers have no key: nobody is identified, and nothing is recorded but metrics."""

    def __init__(self, call_seconds: float) -> None:
        self._call_seconds, self._edge_secrets = call_seconds, ()
        self._wrapped: dict[str, grpc.RpcMethodHandler] = {}

    @asynccontextmanager
    async def layers(self, call: Call) -> AsyncIterator[None]:
        """What happens around a handler, without identity and audit."""
        async with named(call), measured(call), answered(call), limited(call, self._call_seconds):
            yield


def request_id(given: object) -> str:
    """The caller's own id of a request where it is a usable one, or else a new one."""
    return given if isinstance(given, str) and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


@asynccontextmanager
async def named(call: Call) -> AsyncIterator[None]:
    """The request id goes into logs and back to the caller."""
    current.set(call)
    call.context.set_trailing_metadata((("x-request-id", call.request_id),))
    yield


@asynccontextmanager
async def traced(call: Call) -> AsyncIterator[None]:
    """The call is a span below that of its caller. A stream of requests has none: it lasts for hours, and each of its batches has one."""
    if not tracing.is_on() or call.method.streams_requests:
        yield
        return
    given = dict(call.context.invocation_metadata() or ()).get("traceparent")
    about = {
        "rpc.system.name": "grpc",
        "rpc.method": f"{call.method.service}/{call.method.name}",
        "tidemark.request_id": call.request_id,
    }
    with tracing.entering(f"{call.method.service}/{call.method.name}", given, about) as span:
        try:
            yield
        finally:
            tracing.answer(span, call.code, call.project.name if call.project else "")


@asynccontextmanager
async def measured(call: Call) -> AsyncIterator[None]:
    """Prometheus counts the call by the code under which it ends."""
    labels = _labels(call.method)
    metrics.RPC_STARTED.labels(*labels).inc()
    began = time.perf_counter()
    try:
        yield
    finally:
        metrics.RPC_HANDLED.labels(*labels, _CODES[call.code]).inc()
        metrics.RPC_SECONDS.labels(*labels).observe(time.perf_counter() - began)


@asynccontextmanager
async def answered(call: Call) -> AsyncIterator[None]:
    """What a handler raises becomes the call's status; what no caller may see becomes an incident in the logs."""
    try:
        yield
    except asyncio.CancelledError:
        late = (call.context.time_remaining() or 1) <= 0
        call.code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
        raise
    except Exception as error:
        # A caller that goes away while it is written to is noticed by the write first.
        if call.context.done() or isinstance(error, grpc.aio.InternalError):
            call.code = grpc.StatusCode.CANCELLED
            raise asyncio.CancelledError from error
        known = shown(error)
        call.code = known.code
        await _abort(call, known)


@asynccontextmanager
async def limited(call: Call, call_seconds: float) -> AsyncIterator[None]:
    """The caller's deadline holds here too; a call without one, other than a stream, gets ours."""
    remaining = call.context.time_remaining()
    if remaining is None and not call.method.streams:
        remaining = call_seconds
    try:
        async with asyncio.timeout(remaining) as call.scope:
            yield
    except TimeoutError as error:
        if call.scope is None or not call.scope.expired():
            raise
        raise call.verdict or DeadlineExceeded() from error


def _incoming(method: Method, deserialize: Callable[[bytes], Any]) -> Callable[[Any], Any]:
    """Reads and counts what comes in, one message or many, on its way to the handler."""
    received = metrics.RPC_RECEIVED.labels(*_labels(method))
    message = descriptor_pool.Default().FindMethodByName(method.full_name).input_type
    # What others have designed repeats messages within messages that repeat.
    outline = wire.Outline(message, levels=3 if method.full_name in THIRD_PARTY else 0)

    def one(data: bytes) -> Any:
        received.inc()
        if crowd := outline.crowd(data):
            raise Invalid(*crowd)
        try:
            return deserialize(data)
        except DecodeError as error:
            raise Invalid(*wire.fault(data, message), reason="REQUEST_UNREADABLE") from error

    async def many(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for data in requests:
            yield one(data)

    return many if method.streams_requests else one


def _labels(method: Method) -> tuple[str, str, str]:
    kinds = {(False, False): "unary", (False, True): "server_stream", (True, False): "client_stream"}
    return (
        kinds.get((method.streams_requests, method.streams_responses), "bidi_stream"),
        method.service,
        method.name,
    )


async def _abort(call: Call, error: Error) -> None:
    status = rpc_status.to_status(error.status())
    trailing = [*status.trailing_metadata, ("x-request-id", call.request_id)]
    if isinstance(error, Exhausted):
        trailing.append(("grpc-retry-pushback-ms", str(int(error.retry_after * 1000))))
        # Where SDKs of OpenTelemetry look for it, who do not read the status.
        trailing.append(("google.rpc.retryinfo-bin", error.retry_info().SerializeToString()))
    await call.context.abort(status.code, status.details, tuple(trailing))
