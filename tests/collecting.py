"""A collector of OpenTelemetry: it takes spans by OTLP over gRPC, as any other does, and shows them to tests."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

KINDS = ("", "internal", "server", "client", "producer", "consumer")


@dataclass(frozen=True)
class Span:
    """A span as it came."""

    service: str
    proto: trace_pb2.Span

    @property
    def name(self) -> str:
        return self.proto.name

    @property
    def kind(self) -> str:
        return KINDS[self.proto.kind]

    @property
    def trace(self) -> bytes:
        return self.proto.trace_id

    @property
    def links(self) -> set[bytes]:
        """The spans that it is linked to."""
        return {link.span_id for link in self.proto.links}

    @property
    def failed(self) -> bool:
        return self.proto.status.code == trace_pb2.Status.STATUS_CODE_ERROR

    @property
    def attributes(self) -> dict[str, object]:
        return {
            each.key: getattr(each.value, each.value.WhichOneof("value")) for each in self.proto.attributes
        }


@dataclass
class Collector(TraceServiceServicer):
    """What has been exported to `endpoint`."""

    endpoint: str = ""
    spans: list[Span] = field(default_factory=list)

    def Export(
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        for resource in request.resource_spans:
            names = [
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            ]
            self.spans += [Span(names[0], span) for scope in resource.scope_spans for span in scope.spans]
        return ExportTraceServiceResponse()

    def named(self, *words: str) -> list[Span]:
        """The spans in whose name one of the words is, in the order in which they began."""
        found = [span for span in self.spans if any(word in span.name for word in words)]
        return sorted(found, key=lambda span: span.proto.start_time_unix_nano)

    def one(self, word: str) -> Span:
        """The only span with the word in its name."""
        (found,) = self.named(word)
        return found

    def parent(self, span: Span) -> Span | None:
        """The span above."""
        return next((each for each in self.spans if each.proto.span_id == span.proto.parent_span_id), None)

    def way(self, span: Span) -> list[str]:
        """The names from the root of a trace down to the span."""
        above = self.parent(span)
        return [*(self.way(above) if above else ()), span.name]

    def await_span(self, word: str, service: str = "", seconds: float = 20.0) -> Span:
        """The first span with the word in its name, of a service or of any, once it is here."""
        deadline = time.monotonic() + seconds
        while not (found := [each for each in self.named(word) if service in ("", each.service)]):
            assert time.monotonic() < deadline, f"no span {word!r} among {[each.name for each in self.spans]}"
            time.sleep(0.02)
        return found[0]


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """A collector under way."""
    server = grpc.server(ThreadPoolExecutor(2))
    collector = Collector()
    add_TraceServiceServicer_to_server(collector, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    collector.endpoint = f"http://127.0.0.1:{bound}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()


@contextmanager
def application(collector: Collector, name: str = "shop") -> Iterator[TracerProvider]:
    """The tracer provider of a program that uses the SDK; all its spans are exported at the end."""
    provider = TracerProvider(resource=Resource.create({"service.name": name}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector.endpoint)))
    try:
        yield provider
    finally:
        provider.shutdown()
