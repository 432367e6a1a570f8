"""The asyncio client: `track` and `record` go to the producers, questions go to the query server and come back as records."""

import asyncio
import logging
import os
import random
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import grpc.aio
import orjson

from tidemark import columns, errors, questions
from tidemark.admin import Admin
from tidemark.buffer import Limits
from tidemark.channel import Tls, answered, connect, healthy
from tidemark.ids import Minter
from tidemark.producer import Identity, Producer, Stats
from tidemark.questions import Condition, Instant, Span
from tidemark.records import AckMode, Analytics, Change, Event, Events, EventType, Ledger, MetricKind, Rejection, Series
from tidemark.records import Metadata as AnswerMetadata
from tidemark.spool import Spool
from tidemark.v1 import event_pb2, metric_pb2, query_pb2, query_pb2_grpc, question_pb2
from tidemark.wire import EVENTS, POINTS

if TYPE_CHECKING:
    import pyarrow

_log = logging.getLogger("tidemark")
_dumps = orjson.dumps
_Event, _Point = event_pb2.Event, metric_pb2.MetricPoint
_clock = time.time_ns


class Client:
    """A connection to Tidemark: `async with Client() as tidemark: tidemark.track("order_placed", user_id="ann")`.

    What is not given is read from `TIDEMARK_KEY`, `TIDEMARK_PROJECT`, `TIDEMARK_INGEST_ADDRESS`, `TIDEMARK_QUERY_ADDRESS` and
    `TIDEMARK_TLS_ROOTS_FILE`. `project` is needed only with a key of the whole installation. With `spool`, a folder, what is
    tracked survives a crash of this process.
    """

    def __init__(
        self,
        ingest: str = "",
        query: str = "",
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
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._ingest_address = ingest or environment.get("TIDEMARK_INGEST_ADDRESS", "127.0.0.1:50051")
        self._query_address = query or environment.get("TIDEMARK_QUERY_ADDRESS", "127.0.0.1:50052")
        key = key or environment.get("TIDEMARK_KEY", "")
        self._metadata = (("authorization", f"Bearer {key}"),) if key else ()
        self.project = _resource(project or environment.get("TIDEMARK_PROJECT", ""))
        roots = environment.get("TIDEMARK_TLS_ROOTS_FILE", "")
        self._tls = (Tls(roots_file=roots) if tls or (tls is None and roots) else None) if not isinstance(tls, Tls) else tls
        self._timeout, self._close_timeout = timeout, close_timeout
        self._minter = Minter()
        self._mint = self._minter.mint
        self._limits = limits or Limits()
        self.producer_id = producer_id or _kept_id(spool)
        self.stats = Stats()
        self._events, self._points = (
            Producer(
                lane,
                Identity(producer_id=self.producer_id + suffix, project=self.project, ack_mode=ack_mode),
                limits=self._limits,
                stats=self.stats,
                spool=Spool(Path(spool) / lane.noun, limit=spool_bytes, fsync=spool_fsync) if spool else None,
                on_rejection=on_rejection,
                on_error=on_error,
            )
            for lane, suffix in ((EVENTS, ""), (POINTS, ".metrics"))
        )
        self._add_event, self._add_point = self._events.buffer.add, self._points.buffer.add
        self._channels: dict[str, grpc.aio.Channel] = {}
