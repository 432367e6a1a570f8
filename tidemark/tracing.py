"""Spans of OpenTelemetry: a tracer provider comes in, what clients and servers of ours do goes out as spans to it.

`client.py` and `producer.py` make them of batches, `channel.py` of calls, `services/kit/tracing.py` of what servers do. Between processes
a span is known by its traceparent, as the W3C writes it. Needs `tidemark[tracing]`; nothing of it is imported without a provider.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanContext, TracerProvider

HEADER = "traceparent"
MAX_ORIGINS = 32
"""Spans that a batch is linked to; of events tracked under more, the batch does not tell."""
_LONGEST = 512
"""Characters of a traceparent that is looked at."""


class Tracing:
    """A tracer, and how contexts are told to others."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry import trace
        from opentelemetry.context import Context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self.api = trace
        self.nowhere = Context()
        """A parent for spans that have none, whatever is current."""
        self._propagator = TraceContextTextMapPropagator()
        self.tracer = provider.get_tracer("tidemark")

    def origin(self) -> "SpanContext | None":
        """The span under which the caller works, where there is one that is sampled."""
        context = self.api.get_current_span().get_span_context()
        return context if context.is_valid and context.trace_flags.sampled else None

    def noting(self, add: "Callable[[bytes, SpanContext | None], None]") -> Callable[[bytes], None]:
        """What adds to a buffer, and tells it the origin."""
        return lambda item: add(item, self.origin())

    def start(
        self,
        name: str,
        kind: str,
        attributes: Mapping[str, Any],
        parent: "Context | None" = None,
        links: "Sequence[SpanContext]" = (),
    ) -> "Span":
        """A span that its caller ends; `kind` is client, server, producer, consumer or internal."""
        return self.tracer.start_span(
            name,
            parent,
            self.api.SpanKind[kind.upper()],
            attributes,
            [self.api.Link(context) for context in links],
        )

    def publish(self, what: str, count: int, producer_id: str, origins: "Sequence[SpanContext]") -> "Span":
        """The span of a batch, below the first of its origins and linked to the others."""
        attributes = {
            **messaging("publish", "send", what),
            "messaging.batch.message_count": count,
            "messaging.client.id": producer_id,
        }
        parent = self.below(origins[0]) if origins else self.nowhere
        return self.start(f"publish {what}", "producer", attributes, parent, origins[1:])

    def below(self, context: "SpanContext") -> "Context":
        """What makes `context` the parent of a span."""
        return self.api.set_span_in_context(self.api.NonRecordingSpan(context), self.nowhere)

    def read(self, traceparent: object) -> "SpanContext | None":
        """The span that a traceparent names; None where that cannot be told."""
        if not isinstance(traceparent, str) or not 0 < len(traceparent) <= _LONGEST:
            return None
        found = self._propagator.extract({HEADER: traceparent}, self.nowhere)
        context = self.api.get_current_span(found).get_span_context()
        return context if context.is_valid else None

    def interceptors(self) -> list[grpc.aio.ClientInterceptor]:
        """What makes a span of each call over a channel that has one request."""
        return [_Unary(self), _Stream(self)]

    def calling(self, details: Any) -> "tuple[Span, Any]":
        """The span of a call that is about to begin, and the call's details with its traceparent."""
        method = details.method.decode() if isinstance(details.method, bytes) else details.method
        attributes = {"rpc.system.name": "grpc", "rpc.method": method.lstrip("/")}
        span = self.start(method.lstrip("/"), "client", attributes)
        metadata = grpc.aio.Metadata(*(details.metadata or ()), (HEADER, traceparent(span)))
        return span, grpc.aio.ClientCallDetails(
            details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
        )


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], details: Any, request: Any
    ) -> Any:
        return await _called(self._tracing, continuation, details, request)


class _Stream(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc]
    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], details: Any, request: Any
    ) -> Any:
        return await _called(self._tracing, continuation, details, request)


async def _called(tracing: Tracing, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
    """The call, begun; its span ends with it, however that comes."""
    span, details = tracing.calling(details)
    call = await continuation(details, request)
    call.add_done_callback(lambda ended: _ending(ended, span))
    return call


_tasks: set[asyncio.Task[None]] = set()
"""What asyncio itself would not keep alive."""


def _ending(call: Any, span: "Span") -> None:
    task = asyncio.get_running_loop().create_task(_end(call, span))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _end(call: Any, span: "Span") -> None:
    code = await call.code()
    span.set_attribute("rpc.response.status_code", code.name)
    if code is not grpc.StatusCode.OK:
        fail(span, code.name)
    span.end()


def messaging(name: str, operation: str, destination: str) -> dict[str, str]:
    """What spans of messages say, by the conventions of OpenTelemetry."""
    return {
        "messaging.system": "tidemark",
        "messaging.operation.name": name,
        "messaging.operation.type": operation,
        "messaging.destination.name": destination,
    }


def fail(span: "Span", kind: str) -> None:
    """Marks a span as failed; texts of errors stay out of it, as they may hold what nobody else shall see."""
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


def traceparent(span: "Span") -> str:
    """How other processes know a span."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
