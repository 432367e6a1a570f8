"""Answers GetPlatformAnalytics, of one project or of all: `services/query/servicer.py` hands the request in.

What is committed is read in one snapshot, and the log is asked after it: what it had taken in by then, the snapshot may not hold.
"""

import time
from datetime import UTC, datetime, timedelta

import psutil

import tidemark
from services.kit.calendar import Span, ceil, floor
from services.kit.call import INSTALLATION, Project
from services.kit.errors import Invalid
from services.query.accounts import analytics, ledger, store
from services.query.accounts.ledger import Account, Amounts
from services.query.store import Store
from services.query.stream import Log
from tidemark.v1 import query_pb2 as pb


async def of_project(
    store_: Store, log: Log, project: Project, asked: pb.QueryAnalytics, seconds: float
) -> pb.GetPlatformAnalyticsResponse:
    """The answer for one project, within so many seconds; `asked` is what is asked of this process."""
    async with store_.snapshot(project.project_id, seconds) as snapshot:
        facts = await snapshot.facts()
        stored, latencies = await store.progress(snapshot)
        partitions = await store.partitions(snapshot)
        total, _ = await store.total(snapshot, Account(project.project_id, _last_day(datetime.now(UTC))))
        server = await store.server(snapshot)
    received = await log.received(project.project_id, len(partitions))
    appended = await log.appended(len(partitions))
    waiting = await log.waiting([partition.last_id for partition in partitions])
    last_day = ledger.entry(total, max(0, received - facts.received))
    processing = analytics.processing(stored, last_day, latencies, partitions, appended, waiting)
    system = await _system(log, len(partitions), *server)
    response = pb.GetPlatformAnalyticsResponse(processing=processing, query=asked, system=system)
    response.measured_at.FromDatetime(facts.at)
    return response


async def of_all(
    store_: Store,
    log: Log,
    request: pb.GetPlatformAnalyticsRequest,
    asked: pb.QueryAnalytics,
    seconds: float,
) -> pb.GetPlatformAnalyticsResponse:
    """The same for all projects together; services ask this every few seconds."""
    now = datetime.now(UTC)
    span = _receipts(request, now)
    amounts: Amounts | None = None
    received: list[int] = []
    async with store_.snapshot(INSTALLATION.project_id, seconds, patient=True) as snapshot:
        stored, latencies = await store.progress(snapshot, of_all=True)
        partitions = await store.partitions(snapshot)
        if span is not None:
            amounts = await store.total_of_all(snapshot, _last_day(now))
            received = await store.received_of_all(snapshot, span)
        server = await store.server(snapshot)
    appended = await log.appended(len(partitions))
    waiting = await log.waiting([partition.last_id for partition in partitions])
    processing = analytics.processing(stored, None, latencies, partitions, appended, waiting, totals=True)
    if amounts is not None:
        in_flight = sum(partition.backlog_events for partition in processing.partitions)
        processing.last_day.CopyFrom(ledger.entry(amounts, in_flight))
        processing.received.extend(received)
    system = await _system(log, len(partitions), *server)
    response = pb.GetPlatformAnalyticsResponse(processing=processing, query=asked, system=system)
    response.measured_at.FromDatetime(now)
    return response


def _last_day(now: datetime) -> Span:
    return Span(floor(now - timedelta(days=1), 60), ceil(now, 60))


def _receipts(request: pb.GetPlatformAnalyticsRequest, now: datetime) -> Span | None:
    """The whole buckets of receipt that a request asks about, up to the one under way."""
    if not request.HasField("received_since"):
        return None
    since, width = request.received_since.ToDatetime(UTC), analytics.RECEIVED_SECONDS
    if not now - analytics.LONGEST_RECEIVED <= since <= now:
        raise Invalid(
            "received_since",
            f"is {since:%Y-%m-%dT%H:%M:%SZ}; give an instant of the last {analytics.LONGEST_RECEIVED.days} days",
        )
    return Span(floor(since, width), ceil(now, width))


async def _system(
    log: Log, partitions: int, database_bytes: int, postgresql: str, timescaledb: str
) -> pb.SystemAnalytics:
    """What it runs on."""
    process = psutil.Process()
    times, memory = process.cpu_times(), process.memory_info().rss
    this = analytics.Process(times.user + times.system, time.time() - process.create_time(), memory)
    versions = (tidemark.__version__, postgresql, timescaledb, await log.version())
    return analytics.system(database_bytes, await log.memory(partitions), this, versions)
