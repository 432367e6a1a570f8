"""LogsService and MetricsService of OpenTelemetry: a request comes in, is read by `logs` or `metrics`, and its parts go to `intake`.

A request sent again is taken once: events are known by their ids, and what has none, as points, by a token of all that the
request holds. What cannot be taken is told in the answer, as a partial success; a full backlog or quota is RESOURCE_EXHAUSTED
with the time to come back, and what of the request was taken before is known when it does.
"""

import asyncio
import time
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import grpc.aio
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_api
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_api
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc

from services.ingest.intake import Intake
from services.ingest.otlp import logs, metrics
from services.ingest.otlp.parts import Part, Report, events, parts, points
from services.kit import identity
from services.kit.errors import Invalid
from tidemark.v1.ingest_pb2 import ACK_MODE_DURABLE

SOURCE = "otlp"

Request = logs_api.ExportLogsServiceRequest | metrics_api.ExportMetricsServiceRequest


class Logs(logs_service_pb2_grpc.LogsServiceServicer):
    """Log records become events."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def Export(
        self,
        request: logs_api.ExportLogsServiceRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> logs_api.ExportLogsServiceResponse:
        rows = logs.rows(request, time.time_ns() // 1000)
        report = Report()
        await _take(self._intake, request, parts(rows, events), report)
        response = logs_api.ExportLogsServiceResponse()
        if message := report.message("log_records"):
            response.partial_success.rejected_log_records = len(report.faults)
            response.partial_success.error_message = message
        return response


class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    """Data points become metric points."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def Export(
        self,
        request: metrics_api.ExportMetricsServiceRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> metrics_api.ExportMetricsServiceResponse:
        report = Report()
        await _take(self._intake, request, parts(metrics.rows(request, report), points), report)
        response = metrics_api.ExportMetricsServiceResponse()
        if message := report.message("data_points"):
            response.partial_success.rejected_data_points = len(report.faults)
            response.partial_success.error_message = message
        return response


async def _take(intake: Intake, request: Request, made: Iterator[Part[Any]], report: Report) -> None:
    """Takes all parts of a request, each once; what of them is rejected goes into the report."""
    if identity.caller().project_slug is None:
        raise Invalid("authorization", "the key belongs to no single project; send one that does")
    project = await identity.project("")
    digest = blake2b(request.SerializeToString(deterministic=True), digest_size=16).hexdigest()
    number = 0
    # Made in a thread: a large request takes longer than other callers shall wait.
    while (part := await asyncio.to_thread(next, made, None)) is not None:
        once = "" if part.known_again else f"{digest}:{number}"
        taken = await intake.take(
            project, part.batch, mode=ACK_MODE_DURABLE, patience=0.0, source=SOURCE, once=once
        )
        for rejection in taken.rejections:
            field = rejection.field.partition(".")[2]
            report.refuse(part.places[rejection.index], f"{field} {rejection.message}")
        number += 1
