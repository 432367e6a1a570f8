"""Wiring of the targets `ingest` and `writer`."""

import os
import socket
from functools import partial

from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import add_LogsServiceServicer_to_server
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    add_MetricsServiceServicer_to_server,
)

from services.ingest.backlog import Backlog
from services.ingest.definitions.source import Definitions
from services.ingest.erasure.store import Store as ErasureStore
from services.ingest.intake import Intake
from services.ingest.letters.servicer import DeadLetters
from services.ingest.letters.store import Store as LetterStore
from services.ingest.otlp.servicer import Logs, Metrics
from services.ingest.retention.servicer import Retention
from services.ingest.retention.store import Store as RetentionStore
from services.ingest.retention.worker import Remover
from services.ingest.rules import stream as sessions
from services.ingest.rules.servicer import Rules
from services.ingest.rules.store import Store as RuleStore
from services.ingest.schemas.servicer import Schemas
from services.ingest.schemas.store import Store as SchemaStore
from services.ingest.servicer import Ingest
from services.ingest.stream import Commits, Log
from services.ingest.windows.servicer import Windows
from services.ingest.windows.store import Store as WindowStore
from services.ingest.writer import Writer
from services.kit import redis
from services.kit.service import Resources, Service, Servicer
from tidemark.v1 import (
    ingest_pb2_grpc,
    letter_pb2_grpc,
    retention_pb2_grpc,
    rule_pb2_grpc,
    schema_pb2_grpc,
    window_pb2_grpc,
)

_COUNT = "SELECT count(*) FROM partitions"


async def ingest(resources: Resources) -> Service:
    """The servicer of IngestService, and the loops that watch backlog, commits and definitions."""
    wait_for_disk = await redis.durability(resources.redis) != "always"
    log = Log(resources.redis, wait_for_disk=wait_for_disk)
    await log.prepare()
    await sessions.prepare(resources.redis)
    async with resources.pool.connection() as connection:
        row = await (await connection.execute(_COUNT)).fetchone()
    partitions = int(row[0]) if row else 0
    backlog = Backlog(log, resources.settings, partitions)
    commits = Commits(resources.redis)
    definitions = Definitions(resources.pool)
    intake = Intake(log, commits, backlog, definitions, resources.pool, resources.redis, partitions)
    return Service(
        ports=[resources.settings.otlp_port] if resources.settings.otlp_port else [],
        servicers=[
            Servicer(
                ingest_pb2_grpc.add_IngestServiceServicer_to_server,
                Ingest(intake, definitions, resources.draining),
            ),
            Servicer(
                schema_pb2_grpc.add_SchemaServiceServicer_to_server, Schemas(SchemaStore(resources.pool))
            ),
            Servicer(rule_pb2_grpc.add_RuleServiceServicer_to_server, Rules(RuleStore(resources.pool))),
            Servicer(
                letter_pb2_grpc.add_DeadLetterServiceServicer_to_server,
                DeadLetters(LetterStore(resources.pool), intake, log, resources.redis),
            ),
            Servicer(
                retention_pb2_grpc.add_RetentionServiceServicer_to_server,
                Retention(RetentionStore(resources.pool), ErasureStore(resources.pool), log, partitions),
            ),
            Servicer(
                window_pb2_grpc.add_WindowServiceServicer_to_server, Windows(WindowStore(resources.pool))
            ),
            Servicer(add_LogsServiceServicer_to_server, Logs(intake)),
            Servicer(add_MetricsServiceServicer_to_server, Metrics(intake)),
        ],
        workers=[
            partial(backlog.watch, resources.draining),
            partial(commits.listen, resources.draining),
            partial(definitions.watch, resources.draining),
        ],
    )


async def writer(resources: Resources) -> Service:
    """The loop that owns partitions, and the one that removes what is not kept."""
    settings, draining = resources.settings, resources.draining
    name = f"{socket.gethostname()}:{os.getpid()}"
    return Service(
        workers=[
            Writer(Log(resources.redis), settings, name, draining).run,
            Remover(resources.redis, settings, draining).run,
        ]
    )
