"""A browser's session in front of real RPCs: it stands for its key, and grants no more."""

import asyncio
import time

import grpc.aio
import pytest

from services.admin.service import admin
from services.kit.identity import FRESH_SECONDS
from services.kit.session import Sessions, digest_of
from tests.conftest import Served, Suite, refusal
from tests.contract import rpcs
from tests.integration.answering import answering, call
from tidemark.v1 import admin_pb2, query_pb2
from tidemark.v1.admin_pb2_grpc import AdminServiceStub

Metadata = tuple[tuple[str, str], ...]
OURS = ("x-requested-with", "tidemark")
DEMO = "projects/demo"


def key_id(served: Served, name: str) -> str:
    return served.secrets[name].split("_")[1]


async def opened(served: Served, name: str = "viewer", seconds: int = 600) -> str:
    """The token of a new session."""
    ends_at = int(time.time()) + seconds
    token, _ = await Sessions(served.resources.redis).open(key_id(served, name), ends_at, idle_seconds=300)
    return token


def cookie(token: str, *more: tuple[str, str]) -> Metadata:
    return (("cookie", f"tidemark_session={token}"), *more)


def get_demo(served: Served, metadata: Metadata):
    return AdminServiceStub(served.channel).GetProject(
        admin_pb2.GetProjectRequest(name=DEMO), metadata=metadata
    )


def watch(served: Served, metadata: Metadata):
    """A stream that goes on until it is ended."""
    return served.channel.unary_stream(
        "/tidemark.v1.QueryService/WatchQuery",
        request_serializer=query_pb2.WatchQueryRequest.SerializeToString,
        response_deserializer=query_pb2.WatchQueryResponse.FromString,
    )(query_pb2.WatchQueryRequest(cursor="for ever"), metadata=metadata)


async def rest(stream) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass


@pytest.mark.parametrize("header", [OURS, ("x-grpc-web", "1")])
async def test_a_cookie_stands_for_its_key(suite: Suite, header):
    async with suite(admin) as served:
        answer = await get_demo(served, cookie(await opened(served), header))
        assert answer.project.name == DEMO


async def test_a_cookie_grants_exactly_what_its_key_grants(suite: Suite):
    async with suite(answering) as served:
        for name in served.secrets:
            metadata = cookie(await opened(served, name), OURS)
            for rpc in rpcs():
                by_key = await call(served.channel, rpc, served.key(name))
                assert await call(served.channel, rpc, metadata) == by_key, (rpc.full_name, name)


async def test_a_cookie_that_another_page_may_have_sent_is_refused(suite: Suite):
    async with suite(admin) as served:
        refused = await refusal(get_demo(served, cookie(await opened(served))))
        assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "HEADER_MISSING")


async def test_a_key_goes_before_a_cookie(suite: Suite):
    async with suite(admin) as served:
        good = cookie(await opened(served), OURS)
        for bad in ("Bearer nonsense", "Basic dXNlcjpwYXNz", ""):
            refused = await refusal(get_demo(served, (*good, ("authorization", bad))))
            assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "KEY_INVALID")


async def test_a_session_that_is_none_or_over_is_refused(suite: Suite):
    async with suite(admin) as served:
        over = await opened(served, seconds=-1)
        for token in ("A" * 43, over):
            refused = await refusal(get_demo(served, cookie(token, OURS)))
            assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "SESSION_ENDED")
        assert (await refusal(get_demo(served, cookie("short", OURS)))).reason == "KEY_INVALID"


async def test_the_record_of_a_call_names_the_key(suite: Suite):
    async with suite(admin) as served:
        await get_demo(served, cookie(await opened(served, "admin"), OURS))
        async with served.resources.pool.connection() as connection:
            rows = await connection.execute("SELECT actor FROM audit_log WHERE action LIKE '%%GetProject'")
            assert await rows.fetchall() == [(f"{DEMO}/keys/{key_id(served, 'admin')}",)]


async def test_a_session_is_refused_within_five_seconds_of_its_end(suite: Suite, monkeypatch):
    monkeypatch.setattr("services.kit.identity.FRESH_SECONDS", 0.2)
    async with suite(admin) as served:
        token = await opened(served)
        await get_demo(served, cookie(token, OURS))
        await Sessions(served.resources.redis).end(digest_of(token))

        async def use_for_ever() -> None:
            while True:
                await get_demo(served, cookie(token, OURS))

        refused = await refusal(asyncio.wait_for(use_for_ever(), FRESH_SECONDS))
        assert refused.reason == "SESSION_ENDED"


async def test_an_open_stream_ends_with_its_session_and_with_no_other(suite: Suite, monkeypatch):
    monkeypatch.setattr("services.kit.identity.FRESH_SECONDS", 0.2)
    async with suite(answering) as served:
        ending, staying = await opened(served), await opened(served)
        streams = [watch(served, cookie(token, OURS)) for token in (ending, staying)]
        for stream in streams:
            assert await stream.read()
        await Sessions(served.resources.redis).end(digest_of(ending))
        refused = await refusal(asyncio.wait_for(rest(streams[0]), FRESH_SECONDS))
        assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "SESSION_ENDED")
        assert not streams[1].done()
        streams[1].cancel()


async def test_an_open_stream_ends_when_its_session_is_over(suite: Suite, monkeypatch):
    monkeypatch.setattr("services.kit.identity.FRESH_SECONDS", 0.2)
    async with suite(answering) as served:
        stream = watch(served, cookie(await opened(served, seconds=2), OURS))
        refused = await refusal(asyncio.wait_for(rest(stream), FRESH_SECONDS))
        assert refused.reason == "SESSION_ENDED"


async def test_an_open_stream_keeps_its_session_from_being_idle(suite: Suite, monkeypatch):
    monkeypatch.setattr("services.kit.identity.FRESH_SECONDS", 0.2)
    async with suite(answering) as served:
        token, redis = await opened(served), served.resources.redis
        stream = watch(served, cookie(token, OURS))
        assert await stream.read()
        name = f"tm:session:{digest_of(token)}"
        await redis.expire(name, 20)
        deadline = time.monotonic() + FRESH_SECONDS
        while await redis.ttl(name) <= 20:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        stream.cancel()


async def test_the_word_of_the_edge_about_a_caller_is_on_record_and_of_nobody_else(suite: Suite):
    async with suite(admin, edge_secret="known to both") as served:
        claimed = ("x-forwarded-for", "203.0.113.9")
        for shown in ("known to both", "a guess"):
            await get_demo(served, (*served.key("viewer"), claimed, ("x-tidemark-edge", shown)))
        async with served.resources.pool.connection() as connection:
            rows = await connection.execute(
                "SELECT peer FROM audit_log WHERE action LIKE '%%GetProject' ORDER BY sequence"
            )
            edge, direct = [peer for (peer,) in await rows.fetchall()]
        assert edge == "203.0.113.9"
        assert direct.startswith("ipv4:127.0.0.1:")
