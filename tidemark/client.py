"""The asyncio client: `track` and `record` go to the producers; how it asks is in `asking.py`."""

import asyncio
import logging
import os
import re
import socket
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import grpc.aio
import orjson

from tidemark import columns, errors, spelling
from tidemark.admin import Admin, resource
from tidemark.alerts import Alerts
from tidemark.asking import Asking
from tidemark.batch import Identity, Stats
from tidemark.buffer import Limits
from tidemark.channel import Metadata, Tls, answered, connect, healthy
from tidemark.cohorts import Cohorts
from tidemark.dashboards import DashboardChange, Dashboards
from tidemark.deliveries import Deliveries
from tidemark.editions import Editions
from tidemark.forecasts import Forecasts
from tidemark.ids import Minter
from tidemark.insights import Insights
from tidemark.letters import DeadLetters
from tidemark.models import Models
from tidemark.operations import Operations
from tidemark.pipeline import Pipeline
from tidemark.privacy import Privacy
from tidemark.producer import Producer
from tidemark.records import AckMode, EventType, MetricKind, Rejection
from tidemark.reports import Reports
from tidemark.rules import Rules
from tidemark.schedules import Schedules
from tidemark.schemas import Schemas
from tidemark.spool import Spool
from tidemark.tracing import Tracing
from tidemark.v1 import (
    dashboard_pb2,
    event_pb2,
    ingest_pb2,
    ingest_pb2_grpc,
    metric_pb2,
    query_pb2_grpc,
    rule_pb2,
)
from tidemark.windows import Windows
from tidemark.wire import CRITICAL, EVENTS, POINTS

if TYPE_CHECKING:
    import pyarrow
    from opentelemetry.trace import TracerProvider

_log = logging.getLogger("tidemark")
_dumps = orjson.dumps
_Event, _Point = event_pb2.Event, metric_pb2.MetricPoint
_clock = time.time_ns
_CRITICAL = {EventType.ERROR_EVENT, EventType.SECURITY_EVENT}
_HURRIED_SECONDS = 0.002


class Client(Asking):
    """A connection to Tidemark: `async with Client() as tidemark: tidemark.track("order_placed", user_id="ann")`.

    What is not given is read from `TIDEMARK_KEY`, `TIDEMARK_PROJECT`, `TIDEMARK_INGEST_ADDRESS`, `TIDEMARK_QUERY_ADDRESS`,
    `TIDEMARK_INSIGHTS_ADDRESS`, `TIDEMARK_REPORTS_ADDRESS` and `TIDEMARK_TLS_ROOTS_FILE`. `project` is needed only with a key of the
    whole installation. With `spool`, a folder, what is tracked survives a crash of this process. With `tracer_provider`, of OpenTelemetry, batches
    and calls are spans below those that are current (`tidemark[tracing]`).
    """

    def __init__(
        self,
        ingest: str = "",
        query: str = "",
        insights: str = "",
        reports: str = "",
        *,
        key: str = "",
        project: str = "",
        tls: Tls | bool | None = None,
        producer_id: str = "",
        ack_mode: AckMode = AckMode.DURABLE,
        limits: Limits | None = None,
        spool: str | Path | None = None,
        spool_bytes: int = 1 << 30,
        spool_fsync: bool = False,
        timeout: float = 30.0,
        close_timeout: float = 10.0,
        on_rejection: Callable[[Rejection], None] | None = None,
        on_error: Callable[[errors.Error], None] | None = None,
        tracer_provider: "TracerProvider | None" = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._ingest_address = ingest or environment.get("TIDEMARK_INGEST_ADDRESS", "127.0.0.1:50051")
        self._query_address = query or environment.get("TIDEMARK_QUERY_ADDRESS", "127.0.0.1:50052")
        self._insights_address = insights or environment.get("TIDEMARK_INSIGHTS_ADDRESS", "127.0.0.1:50053")
        self._reports_address = reports or environment.get("TIDEMARK_REPORTS_ADDRESS", "127.0.0.1:50054")
        key = key or environment.get("TIDEMARK_KEY", "")
        self._metadata = (("authorization", f"Bearer {key}"),) if key else ()
        self.project = resource(project or environment.get("TIDEMARK_PROJECT", ""))
        given = Tls.given(environment)
        self._tls = given if tls is None else (given or Tls()) if tls is True else tls or None
        self._timeout, self._close_timeout = timeout, close_timeout
        self._tracing = Tracing(tracer_provider) if tracer_provider else None
        self._minter = Minter()
        self._mint = self._minter.mint
        self._limits = limits or Limits()
        folder = Path(spool) if spool else None
        self.producer_id = producer_id or _producer_id(folder)
        self.stats = Stats()
        self._spooled = folder is not None
        # Errors and security events do not queue behind the others, and wait for company only a moment.
        hurried = replace(self._limits, batch_seconds=min(_HURRIED_SECONDS, self._limits.batch_seconds))
        self._producers = self._events, self._critical, self._points = [
            Producer(
                lane,
                Identity(producer_id=self.producer_id + suffix, project=self.project, ack_mode=ack_mode),
                limits=limits,
                stats=self.stats,
                spool=Spool(folder / place, limit=spool_bytes, fsync=spool_fsync) if folder else None,
                tracing=self._tracing,
                on_rejection=on_rejection,
                on_error=on_error,
            )
            for lane, place, suffix, limits in (
                (EVENTS, "events", "", self._limits),
                (CRITICAL, "critical", ".critical", hurried),
                (POINTS, "points", ".metrics", self._limits),
            )
        ]
        self._add_event, self._add_critical, self._add_point = (
            self._tracing.noting(producer.buffer.add) if self._tracing else producer.buffer.add
            for producer in self._producers
        )
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._started = self._closed = False

    # Sending.

    def track(
        self,
        name: str,
        *,
        type: int = EventType.USER_ACTION,  # noqa: A002 - the contract's word
        user_id: str = "",
        session_id: str = "",
        properties: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        occurred_at: datetime | None = None,
        event_id: bytes | UUID | None = None,
    ) -> bytes:
        """Takes an event and returns its id at once; it is on its way within `Limits.batch_seconds`. Thread-safe.

        Raises `BufferFull` when too much is unacknowledged: await `ready()`, or drop. Give `event_id` together with
        `occurred_at` when the same event may be tracked again; both identify it.
        """
        now = _clock()
        if event_id is None:
            event_id = self._mint(now)
        elif isinstance(event_id, UUID):
            event_id = event_id.bytes
        if occurred_at is None:
            seconds, nanos = divmod(now, 1_000_000_000)
            at: Any = {"seconds": seconds, "nanos": nanos}
        else:
            at = spelling.timestamp(occurred_at)
        event = _Event(
            event_id=event_id,
            type=type,  # type: ignore[arg-type]
            name=name,
            occurred_at=at,
            user_id=user_id,
            session_id=session_id,
            properties_json=_dumps(properties) if properties else b"",
            context_json=_dumps(context) if context else b"",
        )
        add = self._add_critical if type in _CRITICAL else self._add_event
        add(event.SerializeToString())
        return event_id

    def record(
        self,
        name: str,
        value: float,
        *,
        kind: int = MetricKind.GAUGE,
        tags: Mapping[str, str] | None = None,
        unit: str = "",
        observed_at: datetime | None = None,
    ) -> None:
        """Takes a metric point, as `track` takes an event. Thread-safe."""
        if observed_at is None:
            seconds, nanos = divmod(_clock(), 1_000_000_000)
            at: Any = {"seconds": seconds, "nanos": nanos}
        else:
            at = spelling.timestamp(observed_at)
        point = _Point(name=name, value=value, kind=kind, observed_at=at, tags=tags, unit=unit)  # type: ignore[arg-type]
        self._add_point(point.SerializeToString())

    async def publish(self, data: "pyarrow.RecordBatch | pyarrow.Table") -> int:
        """Takes a table of events (see `columns.py`), waiting for room as needed; says how many. Needs `tidemark[arrow]`."""
        for count, body in columns.bodies(data, self._minter, self._limits.batch_bytes):
            await self._events.ready()
            self._events.buffer.add_batch(count, body, self._tracing.origin() if self._tracing else None)
        return int(data.num_rows)

    async def ready(self) -> None:
        """Waits until the buffers have room."""
        self.start()
        for producer in self._producers:
            await producer.ready()

    async def flush(self) -> None:
        """Waits until everything tracked and recorded so far is acknowledged; raises what keeps the server from taking it."""
        self.start()
        await asyncio.gather(*(producer.flush() for producer in self._producers))

    @property
    def unacknowledged(self) -> int:
        """Events and points taken and not yet acknowledged."""
        return sum(producer.unacknowledged for producer in self._producers)

    @property
    def last_error(self) -> errors.Error | None:
        """What keeps the server from acknowledging, while something does."""
        return next((each.last_error for each in self._producers if each.last_error), None)

    def start(self) -> None:
        """Begins to send; `async with` does it."""
        if not self._started:
            self._started = True
            channel = self._channel(self._ingest_address)
            for producer in self._producers:
                producer.start(channel, self._metadata)

    async def close(self, timeout: float | None = None) -> None:
        """Sends what is left, for `close_timeout` seconds at most, and disconnects; raises `Undelivered` naming the rest."""
        if self._closed:
            return
        self._closed = True
        failure: Exception | None = None
        try:
            if self._started:
                await asyncio.wait_for(self.flush(), self._close_timeout if timeout is None else timeout)
        except (errors.Error, TimeoutError) as error:
            failure = self.last_error or error
        finally:
            left = [(await producer.close(), producer.noun) for producer in self._producers]
            for channel in self._channels.values():
                await channel.close()
        if rest := " and ".join(f"{count} {noun}" for count, noun in left if count):
            where = "stay in the spool" if self._spooled else "are lost"
            raise errors.Undelivered(
                f"{rest} were not acknowledged and {where}: {failure or 'nothing was sent'}"
            )

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.close()
        except errors.Undelivered as undelivered:
            if error is None:
                raise
            _log.error("%s", undelivered)  # The error on its way says more.

    async def health(self) -> dict[str, bool]:
        """Whether each server answers that it serves, by its address."""
        addresses = list(dict.fromkeys((self._ingest_address, self._query_address)))
        states = await asyncio.gather(*(healthy(self._channel(address)) for address in addresses))
        return dict(zip(addresses, states, strict=True))

    @property
    def tls(self) -> Tls | None:
        """How servers are trusted; None without TLS."""
        return self._tls

    @property
    def addresses(self) -> dict[str, str]:
        """Where each target is looked for."""
        return {
            "ingest": self._ingest_address,
            "query": self._query_address,
            "insights": self._insights_address,
            "reports": self._reports_address,
        }

    async def serving(self) -> dict[str, bool]:
        """Whether each target answers that it serves."""
        places = self.addresses
        states = await asyncio.gather(*(healthy(self._channel(place)) for place in places.values()))
        return dict(zip(places, states, strict=True))

    @cached_property
    def admin(self) -> Admin:
        """Projects, keys and the audit log."""
        return Admin(self._channel(self._query_address), self._metadata, self._timeout)

    @cached_property
    def cohorts(self) -> Cohorts:
        """The cohorts of the project."""
        return Cohorts(self._channel(self._query_address), self.project, self._metadata, self._timeout)

    @cached_property
    def dashboards(self) -> Dashboards:
        """The dashboards of the project."""
        return Dashboards(self._channel(self._query_address), self.project, self._metadata, self._timeout)

    @cached_property
    def schemas(self) -> Schemas:
        """What the properties of events must look like."""
        return Schemas(*self._at_ingest())

    @cached_property
    def rules(self) -> Rules:
        """What is done to events before they are stored."""
        return Rules(*self._at_ingest())

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """What could not be stored, and its repair."""
        return DeadLetters(*self._at_ingest())

    @cached_property
    def windows(self) -> Windows:
        """Aggregates kept as events are committed."""
        return Windows(*self._at_ingest())

    @cached_property
    def privacy(self) -> Privacy:
        """How long data is kept, and the removal of people."""
        return Privacy(*self._at_ingest())

    @cached_property
    def pipeline(self) -> Pipeline:
        """Where events come from and how good they are."""
        return Pipeline(self._channel(self._query_address), self.project, self._metadata, self._timeout)

    @cached_property
    def operations(self) -> Operations:
        """Long work that other calls have begun."""
        return Operations(self._channel(self._query_address), self.project, self._metadata, self._timeout)

    @cached_property
    def insights(self) -> Insights:
        """What has changed, why, and what to do."""
        return Insights(*self._at_insights())

    @cached_property
    def alerts(self) -> Alerts:
        """Rules that watch series, incidents, and whom to tell."""
        return Alerts(*self._at_insights())

    @cached_property
    def forecasts(self) -> Forecasts:
        """How series go on."""
        return Forecasts(*self._at_insights())

    @cached_property
    def models(self) -> Models:
        """What people are going to do."""
        return Models(*self._at_insights())

    @cached_property
    def reports(self) -> Reports:
        """Definitions of reports, and templates."""
        return Reports(*self._at_reports())

    @cached_property
    def editions(self) -> Editions:
        """Reports that are made, proven and kept."""
        return Editions(*self._at_reports())

    @cached_property
    def schedules(self) -> Schedules:
        """When reports are made, and for whom."""
        return Schedules(*self._at_reports())

    @cached_property
    def deliveries(self) -> Deliveries:
        """Where editions are brought, and what came of it."""
        return Deliveries(*self._at_reports())

    async def validate(self, events: Iterable[event_pb2.Event]) -> list[rule_pb2.Trial]:
        """What would become of events; nothing is stored."""
        stub = ingest_pb2_grpc.IngestServiceStub(self._channel(self._ingest_address))  # type: ignore[no-untyped-call]
        request = ingest_pb2.ValidateEventsRequest(project=self.project, events=events)
        call = stub.ValidateEvents(request, metadata=self._metadata, timeout=self._timeout)
        return list((await answered(call)).trials)

    def watch_dashboard(
        self, dashboard: str | dashboard_pb2.Dashboard, **chosen: Any
    ) -> AsyncGenerator[DashboardChange, None]:
        """All tiles of a dashboard and their changes, for ever; arguments as for `Dashboards.watch`."""
        return self.dashboards.watch(dashboard, **chosen)

    @cached_property
    def _query(self) -> query_pb2_grpc.QueryServiceStub:
        return query_pb2_grpc.QueryServiceStub(self._channel(self._query_address))  # type: ignore[no-untyped-call]

    def _at_ingest(self) -> tuple[grpc.aio.Channel, str, Metadata, float, grpc.aio.Channel]:
        """What the resources that the ingest server answers for are made with."""
        ingest, query = self._channel(self._ingest_address), self._channel(self._query_address)
        return ingest, self.project, self._metadata, self._timeout, query

    def _at_insights(self) -> tuple[grpc.aio.Channel, str, Metadata, float, grpc.aio.Channel]:
        """What the resources that the insights server answers for are made with."""
        insights, query = self._channel(self._insights_address), self._channel(self._query_address)
        return insights, self.project, self._metadata, self._timeout, query

    def _at_reports(self) -> tuple[grpc.aio.Channel, str, Metadata, float, grpc.aio.Channel]:
        """What the resources that the reports server answers for are made with."""
        reports, query = self._channel(self._reports_address), self._channel(self._query_address)
        return reports, self.project, self._metadata, self._timeout, query

    def _channel(self, address: str) -> grpc.aio.Channel:
        if address not in self._channels:
            spans = self._tracing.interceptors() if self._tracing else ()
            self._channels[address] = connect(address, self._tls, spans)
        return self._channels[address]


def _producer_id(spool: Path | None) -> str:
    """A name of its own for this client; with a spool, the one that its batches were numbered under."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:40]
    made = f"{host}-{os.getpid()}-{os.urandom(4).hex()}"
    if spool is None:
        return made
    spool.mkdir(parents=True, exist_ok=True)
    kept = spool / "producer"
    if not kept.exists():
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(made)
        fresh.replace(kept)
    return kept.read_text()
