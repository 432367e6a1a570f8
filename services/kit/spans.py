"""Where spans go: settings come in, a tracer provider of OpenTelemetry's SDK goes out to `tracing.py`, which imports this only where there is one to make.

Spans are handed to a thread that exports them; where its queue is full they are dropped, the oldest first.
"""

import os
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link

from services.kit import metrics
from services.kit.errors import BadSetting
from services.kit.settings import Settings
from tidemark import __version__


def provider(target: str, settings: Settings) -> TracerProvider:
    """What makes and exports the spans of a process; raises `BadSetting`."""
    endpoint, ratio = settings.tracing_endpoint, settings.tracing_ratio
    if urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).netloc:
        raise BadSetting(
            f"TIDEMARK_TRACING_ENDPOINT is {endpoint!r}; write http://host:port or https://host:port"
        )
    if not 0 <= ratio <= 1:
        raise BadSetting(f"TIDEMARK_TRACING_RATIO is {ratio}; write a number from 0 to 1")
    about = {
        "service.name": f"tidemark-{target}",
        "service.version": __version__,
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
    }
    made = TracerProvider(sampler(ratio), Resource.create(about), shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(_Counted(endpoint)))
    return made


def sampler(ratio: float) -> Sampler:
    """Follows the parent of a span; where there is none, keeps the share `ratio`."""
    return ParentBased(_Rooted(ratio))


class _Rooted(Sampler):
    """Of spans without a parent the share `ratio`; one that is linked to others is kept where any of those is."""

    def __init__(self, ratio: float) -> None:
        self._share = TraceIdRatioBased(ratio)

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        chosen: Sampler = self._share
        if links:
            chosen = ALWAYS_ON if any(link.context.trace_flags.sampled for link in links) else ALWAYS_OFF
        return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"Rooted{{{self._share.get_description()}}}"


class _Counted(OTLPSpanExporter):
    """Counts what became of spans."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        outcome = "exported" if result is SpanExportResult.SUCCESS else "failed"
        metrics.SPANS.labels(outcome).inc(len(spans))
        return result
