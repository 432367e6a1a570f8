"""Query, as insights reads it: all data of projects comes in here, by the RPCs that everybody has.

Calls carry the key that this process has made for itself, so whoever asks insights for something is checked by the servicer
first. Errors of query come out as our own. Next: `series.py` makes arrays of answers.
"""

import asyncio
import itertools
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import grpc
import grpc.aio
import pyarrow as pa
from google.protobuf.duration_pb2 import Duration

from services.kit import errors
from services.kit.peer import channels
from services.kit.service import Pool
from services.kit.servicekey import ServiceKey
from services.kit.settings import Settings
from tidemark import errors as told
from tidemark.channel import answered
from tidemark.v1 import (
    feature_pb2,
    feature_pb2_grpc,
    pipeline_pb2,
    pipeline_pb2_grpc,
    query_pb2,
    query_pb2_grpc,
    question_pb2,
)

SECONDS = 30.0
"""How long a question may take where the caller says nothing."""
FEATURE_SECONDS = 600.0
CRITICAL_SINCE = timedelta(minutes=5)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Features:
    """What people did up to points in time: the columns of docs/features.md."""

    table: pa.Table
    metadata: feature_pb2.FeatureMetadata


class Query:
    """The servers of the target query; they have turns."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        here = f"insights on {socket.gethostname()}, port {settings.insights_port}"
        self._key = ServiceKey(pool, here if settings.insights_port else f"{here}, process {os.getpid()}")
        self._channels = channels(settings.query_address, settings.query_port, settings)
        self._turns = itertools.cycle(range(len(self._channels)))

    async def run(
        self,
        project: str,
        query: question_pb2.Query,
        *,
        page_size: int = 0,
        page_token: str = "",
        max_staleness: timedelta | None = None,
        timeout: float = SECONDS,
    ) -> query_pb2.RunQueryResponse:
        """The answer to a question; `project` is `projects/{project}`."""
        request = query_pb2.RunQueryRequest(
            project=project, query=query, page_size=page_size, page_token=page_token
        )
        if max_staleness is not None:
            request.max_staleness.FromTimedelta(max_staleness)
        return await self._call(lambda stub: stub.RunQuery, request, timeout)

    async def suggest(self, project: str, kind: int, **chosen: Any) -> list[query_pb2.Suggestion]:
        """Names, fields or values of a project, the most frequent first; `chosen` are fields of `SuggestRequest`."""
        request = query_pb2.SuggestRequest(project=project, kind=kind, **chosen)  # type: ignore[arg-type]
        return list((await self._call(lambda stub: stub.Suggest, request, SECONDS)).suggestions)

    async def ledger(self, project: str, **chosen: Any) -> query_pb2.GetLedgerResponse:
        """The account of what was received; `chosen` are fields of `GetLedgerRequest`."""
        request = query_pb2.GetLedgerRequest(project=project, **chosen)
        return await self._call(lambda stub: stub.GetLedger, request, SECONDS)

    async def analytics(self, project: str) -> query_pb2.GetPlatformAnalyticsResponse:
        """How the platform is doing."""
        request = query_pb2.GetPlatformAnalyticsRequest(project=project)
        return await self._call(lambda stub: stub.GetPlatformAnalytics, request, SECONDS)

    async def quality(
        self, project: str, time_range: question_pb2.TimeRange | None = None, **chosen: Any
    ) -> list[pipeline_pb2.EventQuality]:
        """Events with their volume and quality, the most frequent first; one page of them."""
        request = pipeline_pb2.ListEventQualityRequest(project=project, time_range=time_range, **chosen)
        answer = await self._call(lambda stub: stub.ListEventQuality, request, SECONDS, _pipeline)
        return list(answer.events)

    async def properties(
        self, project: str, event_name: str, time_range: question_pb2.TimeRange | None = None
    ) -> pipeline_pb2.GetEventQualityResponse:
        """The properties of an event's sample."""
        request = pipeline_pb2.GetEventQualityRequest(
            project=project, event_name=event_name, time_range=time_range
        )
        return await self._call(lambda stub: stub.GetEventQuality, request, SECONDS, _pipeline)

    async def lineage(self, project: str, **chosen: Any) -> pipeline_pb2.GetLineageResponse:
        """Where an event or a bucket comes from; `chosen` are fields of `GetLineageRequest`."""
        request = pipeline_pb2.GetLineageRequest(project=project, **chosen)
        return await self._call(lambda stub: stub.GetLineage, request, SECONDS, _pipeline)

    async def producers(self, project: str, **chosen: Any) -> pipeline_pb2.ListProducersResponse:
        """Who sends; one page of them."""
        request = pipeline_pb2.ListProducersRequest(project=project, **chosen)
        return await self._call(lambda stub: stub.ListProducers, request, SECONDS, _pipeline)

    async def features(
        self,
        project: str,
        spec: feature_pb2.FeatureSpec,
        user_ids: Sequence[str] = (),
        max_rows: int = 0,
        timeout: float = FEATURE_SECONDS,
    ) -> Features:
        """The table of features that a spec asks for."""
        request = feature_pb2.ReadFeaturesRequest(
            project=project, spec=spec, user_ids=user_ids, max_rows=max_rows
        )
        parts: list[bytes] = []
        metadata = feature_pb2.FeatureMetadata()

        async def read(stub: Any, bearer: Any) -> None:
            parts.clear()
            try:
                async for answer in stub.ReadFeatures(request, metadata=bearer, timeout=timeout):
                    parts.append(answer.chunk)
                    if answer.HasField("metadata"):
                        metadata.CopyFrom(answer.metadata)
            except grpc.aio.AioRpcError as error:
                raise told.from_rpc(error) from error

        await self._tried(read, _features)
        # In a thread: a table of a million rows takes a while to read.
        return Features(await asyncio.to_thread(_table, parts), metadata)

    async def watch_critical(
        self, project: str, cursor: str = ""
    ) -> AsyncIterator[query_pb2.WatchCriticalResponse]:
        """Errors and security events as they are received, from the cursor on; ends with `Unavailable` when query does."""
        since = Duration()
        since.FromTimedelta(CRITICAL_SINCE)
        request = query_pb2.WatchCriticalRequest(
            project=project, cursor=cursor, since=None if cursor else since
        )
        stub = _query(self._channel())
        try:
            async for answer in stub.WatchCritical(request, metadata=await self._bearer()):
                yield answer
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                self._key.forget()
            raise ours(told.from_rpc(error)) from error

    async def _call(
        self,
        method: Callable[[Any], Callable[..., Awaitable[T]]],
        request: Any,
        timeout: float,
        made: Callable[[grpc.aio.Channel], Any] | None = None,
    ) -> T:
        async def ask(stub: Any, bearer: Any) -> T:
            return await answered(method(stub)(request, metadata=bearer, timeout=timeout))

        return await self._tried(ask, made or _query)

    async def _tried(
        self, ask: Callable[[Any, Any], Awaitable[T]], made: Callable[[grpc.aio.Channel], Any]
    ) -> T:
        """What `ask` gives, asked once more with a new key where the first was refused."""
        for last in (False, True):
            try:
                return await ask(made(self._channel()), await self._bearer())
            except told.Unauthenticated as error:
                self._key.forget()
                if last:
                    raise errors.Unavailable(f"query refuses our own key: {error}") from error
            except told.Error as error:
                raise ours(error) from error
        raise AssertionError("the second attempt returns or raises")

    def _channel(self) -> grpc.aio.Channel:
        return self._channels[next(self._turns)]

    async def _bearer(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {await self._key.text()}"),)


def ours(error: told.Error) -> errors.Error:
    """The error that our own callers see for one of query."""
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
            return errors.Unavailable(f"query cannot answer: {error}", reason="QUERY_UNAVAILABLE")


def _query(channel: grpc.aio.Channel) -> Any:
    return query_pb2_grpc.QueryServiceStub(channel)  # type: ignore[no-untyped-call]


def _pipeline(channel: grpc.aio.Channel) -> Any:
    return pipeline_pb2_grpc.PipelineServiceStub(channel)  # type: ignore[no-untyped-call]


def _features(channel: grpc.aio.Channel) -> Any:
    return feature_pb2_grpc.FeatureServiceStub(channel)  # type: ignore[no-untyped-call]


def _table(parts: list[bytes]) -> pa.Table:
    return pa.ipc.open_stream(pa.BufferReader(b"".join(parts))).read_all()
