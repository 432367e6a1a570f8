"""Errors and security events reach those who follow them once they are durable, with no writer at work."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc.aio
from redis.asyncio import Redis

from services.ingest import validate
from services.ingest.critical import messages
from services.ingest.service import ingest
from services.ingest.stream import Log
from services.kit.keys import critical_key
from services.kit.settings import Settings
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.ingesting import NOW_US, event, event_batch
from tidemark.v1 import event_pb2
from tidemark.v1.ingest_pb2 import PublishBatchRequest
from tidemark.v1.ingest_pb2_grpc import IngestServiceStub
from tidemark.v1.query_pb2 import WatchCriticalRequest, WatchCriticalResponse
from tidemark.v1.query_pb2_grpc import QueryServiceStub

ERROR, SECURITY = event_pb2.EVENT_TYPE_ERROR_EVENT, event_pb2.EVENT_TYPE_SECURITY_EVENT
SOON = 10.0
HOUR = 3600


class Follower:
    """An open stream, read with a deadline."""

    def __init__(self, served: Served, key: str = "viewer", **asked: Any) -> None:
        request = WatchCriticalRequest(**asked)
        self._call = QueryServiceStub(served.channel).WatchCritical(request, metadata=served.key(key))

    async def read(self) -> WatchCriticalResponse:
        """The next message."""
        message = await asyncio.wait_for(self._call.read(), SOON)
        assert message is not grpc.aio.EOF, await self._call.code()
        return message

    async def names(self, count: int) -> list[str]:
        """The names of the next `count` events."""
        found: list[str] = []
        while len(found) < count:
            found += [each.event.name for each in (await self.read()).events]
        return found

    async def code(self) -> str:
        """The code under which the stream ends."""
        return (await asyncio.wait_for(self._call.code(), SOON)).name


async def publish(
    served: Served, *events: event_pb2.Event, sequence: int = 1, producer: str = "web-1"
) -> None:
    batch = event_batch(*events, name=producer, sequence=sequence)
    await IngestServiceStub(served.channel).PublishBatch(
        PublishBatchRequest(batch=batch), metadata=served.key("ingest")
    )


def named(*names: str, kind: int = ERROR, **fields: Any) -> list[event_pb2.Event]:
    return [event(number, type=kind, name=name, **fields) for number, name in enumerate(names)]


async def test_a_follower_sees_errors_and_security_events_and_no_others(suite: Suite) -> None:
    async with suite(ingest, query) as served:
        follower = Follower(served)
        first = await follower.read()
        assert first.cursor
        assert not first.events
        assert not first.gap
        others = [event(9, name="clicked")]
        failed = named("checkout_failed", user_id="ann", properties_json=b'{"amount":5}')
        await publish(served, *others, *failed, *named("login_denied", kind=SECURITY))
        message = await follower.read()
        assert [each.event.name for each in message.events] == ["checkout_failed", "login_denied"]
        found = message.events[0]
        assert found.producer_id == "web-1"
        assert found.received_at.seconds > 0
        assert found.event == failed[0]


async def test_a_follower_goes_on_behind_its_cursor(suite: Suite) -> None:
    async with suite(ingest, query) as served:
        follower = Follower(served)
        await follower.read()
        await publish(served, *named("first"))
        seen = await follower.read()
        for sequence, name in enumerate(["second", "third"], 2):
            await publish(served, *named(name), sequence=sequence)
        again = Follower(served, cursor=seen.cursor)
        assert await again.names(2) == ["second", "third"]


async def test_the_last_hour_can_be_asked_for(suite: Suite) -> None:
    async with suite(ingest, query) as served:
        await publish(served, *named("before"))
        asked = WatchCriticalRequest()
        asked.since.seconds = HOUR
        assert await Follower(served, since=asked.since).names(1) == ["before"]
        asked.since.seconds = HOUR + 1
        stub = QueryServiceStub(served.channel)
        refused = await refusal(stub.WatchCritical(asked, metadata=served.key("viewer")).read())
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["since"])


async def test_a_cursor_of_somebody_else_is_refused(suite: Suite) -> None:
    async with suite(ingest, query) as served:
        for cursor in ("x", "e30", "MC0w", "\u2028"):
            assert await Follower(served, cursor=cursor).code() == "INVALID_ARGUMENT"


async def test_a_batch_sent_again_is_told_once(suite: Suite) -> None:
    async with suite(ingest, query) as served:
        follower = Follower(served)
        await follower.read()
        for _ in range(2):
            await publish(served, *named("once"))
        await publish(served, *named("next"), sequence=2)
        assert await follower.names(2) == ["once", "next"]


async def test_the_stream_keeps_its_size_and_tells_who_missed_something(
    suite: Suite, settings: Settings
) -> None:
    async with suite(ingest, query) as served, Redis.from_url(settings.redis_url) as redis:
        follower = Follower(served)
        cursor = (await follower.read()).cursor
        big = b'{"text":"' + b"x" * 60_000 + b'"}'
        for sequence in range(1, 101):
            await publish(served, *named(f"number {sequence}", properties_json=big), sequence=sequence)
        sizes = [await redis.memory_usage(critical_key(p, 1)) or 0 for p in range(8)]
        assert 3 << 20 < max(sizes) < 6 << 20
        again = Follower(served, cursor=cursor)
        assert (await again.read()).gap
        assert (await again.names(1)) != ["number 1"]


async def test_what_is_appended_at_once_is_kept_whole(settings: Settings) -> None:
    async with Redis.from_url(settings.redis_url) as redis:
        log = Log(redis)
        await log.prepare()
        told = [b"x" * (1 << 20)] * 6
        await log.append(1, (1, "web-1", 1, 1), (0, 0), 1, (b"head", b"rows"), critical=told)
        assert await redis.xlen(critical_key(1, 1)) == 6
        await log.append(1, (1, "web-1", 1, 2), (0, 0), 1, (b"head", b"rows"), critical=[b"y"])
        assert await redis.xlen(critical_key(1, 1)) == 4


async def test_a_token_lets_one_batch_in(settings: Settings) -> None:
    async with Redis.from_url(settings.redis_url) as redis:
        log = Log(redis)
        await log.prepare()
        outcomes = [
            (await log.append(1, (1, "otlp:web", 1, 0), None, 1, (b"head", b"rows"), once=token)).outcome
            for token in ("a", "b", "a")
        ]
        assert outcomes == ["appended", "appended", "repeated"]


async def test_followers_end_with_a_cursor_to_go_on_with_when_the_server_drains(suite: Suite) -> None:
    async with suite(ingest, query) as served:
        follower = Follower(served)
        await follower.read()
        served.resources.draining.set()
        assert await follower.code() == "UNAVAILABLE"


def test_messages_hold_what_is_critical_in_order() -> None:
    events: Sequence[event_pb2.Event] = [*named(*"abc"), event(7), *named(*"de", kind=SECURITY)]
    for number, each in enumerate(events):
        each.event_id = bytes([number]) * 16
    rows = validate.events(event_batch(*events), NOW_US).rows
    told = [WatchCriticalResponse.FromString(each) for each in messages(rows, "web-1", NOW_US)]
    assert [each.event for message in told for each in message.events] == [*events[:3], *events[4:]]
    assert not messages(rows.slice(3, 1), "web-1", NOW_US)
