"""RuleService through gRPC on a real database: versions, trials, what comes of events, and sessions in a real Redis."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import psycopg
import pytest
from google.protobuf.json_format import ParseDict
from redis.asyncio import Redis

from services.ingest.rules import stream
from services.ingest.service import ingest, writer
from services.kit.errors import Unavailable
from services.kit.instant import at
from services.kit.keys import visit_key
from services.kit.settings import Settings
from tests.conftest import Served, Suite, refusal
from tests.ingesting import MINUTE_US, NOW_US, event, event_batch
from tests.polling import until
from tests.ruling import rows
from tidemark.v1 import ingest_pb2
from tidemark.v1 import rule_pb2 as pb
from tidemark.v1.event_pb2 import EVENT_TYPE_UNSPECIFIED
from tidemark.v1.ingest_pb2_grpc import IngestServiceStub
from tidemark.v1.rule_pb2_grpc import RuleServiceStub
from tidemark.v1.schema_pb2 import ENFORCEMENT_DEAD_LETTER, ENFORCEMENT_REJECT, Schema

DEMO = "projects/demo"
RULES = f"{DEMO}/rules"
PLAN = {"ruleId": "plan", "set": {"field": "properties.plan", "value": "free", "onlyMissing": True}}
WHOLE = {
    "ruleId": "whole",
    "cast": {"field": "properties.n", "to": "TYPE_INTEGER"},
    "onFailure": "FAILURE_DEAD_LETTER",
}
STRICT = '{"properties": {"n": {"type": "integer", "maximum": 5}}}'
HALF_AN_HOUR = timedelta(minutes=30)


class Rules:
    """RuleService with one key."""

    def __init__(self, served: Served, key: str = "admin") -> None:
        self._stub, self._key = RuleServiceStub(served.channel), served.key(key)

    def __getattr__(self, name: str):
        request = getattr(pb, f"{name}Request")
        return lambda **fields: getattr(self._stub, name)(request(**fields), metadata=self._key)

    async def update(self, *rules: dict[str, Any], **fields: Any) -> pb.Rules:
        return (await self.UpdateRules(rules=written(*rules, name=RULES, **fields))).rules


def written(*rules: dict[str, Any], **fields: Any) -> pb.Rules:
    return ParseDict({"rules": rules}, pb.Rules(**fields))


async def publish(served: Served, *events: Any, sequence: int = 0) -> ingest_pb2.PublishBatchResponse:
    request = ingest_pb2.PublishBatchRequest(
        batch=event_batch(*events, sequence=sequence), ack_mode=ingest_pb2.ACK_MODE_COMMITTED
    )
    return await IngestServiceStub(served.channel).PublishBatch(request, metadata=served.key("ingest"))


async def applies(served: Served, version: int) -> bool:
    """Whether ingest applies this version of the rules now."""
    request = ingest_pb2.ValidateEventsRequest(events=[event(0)])
    answer = await IngestServiceStub(served.channel).ValidateEvents(request, metadata=served.key("ingest"))
    return answer.trials[0].judgement.rules_version == version


def of(number: int, **properties: Any) -> Any:
    return event(number, properties_json=orjson.dumps(properties))


async def stored(settings: Settings, column: str = "properties") -> list[Any]:
    async with await psycopg.AsyncConnection.connect(settings.database_url) as connection:
        cursor = await connection.execute("SELECT * FROM tidemark.events ORDER BY event_id")
        names = [each.name for each in cursor.description or ()]
        return [row[names.index(column)] for row in await cursor.fetchall()]


async def test_a_project_begins_without_rules_and_every_change_is_a_version(suite: Suite) -> None:
    async with suite(ingest) as served:
        rules = Rules(served)
        assert (await rules.GetRules(name=RULES)).rules == pb.Rules(name=RULES, etag="0")
        first = await rules.update(PLAN, etag="0")
        assert (first.version, first.etag, [each.rule_id for each in first.rules]) == (1, "1", ["plan"])
        second = await rules.update(PLAN, WHOLE, etag=first.etag)
        third = await rules.update()
        assert (second.version, third.version, list(third.rules)) == (2, 3, [])
        assert third.update_time.ToNanoseconds() > first.update_time.ToNanoseconds()
        assert (await rules.GetRules(name=RULES)).rules == third
        assert (await rules.GetRules(name=RULES, version=1)).rules == first
        assert (await refusal(rules.GetRules(name=RULES, version=9))).code == "NOT_FOUND"
        page = await rules.ListRulesVersions(name=RULES, page_size=2)
        assert list(page.rules) == [third, second]
        rest = await rules.ListRulesVersions(name=RULES, page_size=2, page_token=page.next_page_token)
        assert (list(rest.rules), rest.next_page_token) == ([first], "")


async def test_of_two_changes_at_once_one_reads_again(suite: Suite) -> None:
    async with suite(ingest) as served:
        rules = Rules(served)
        await rules.update(PLAN)
        found = await asyncio.gather(
            *(rules.update(WHOLE, etag="1") for _ in range(4)), return_exceptions=True
        )
        assert sum(isinstance(each, pb.Rules) for each in found) == 1
        refused = await refusal(rules.update(PLAN, etag="1"))
        assert (refused.code, refused.reason) == ("ABORTED", "ETAG_MISMATCH")
        assert (await rules.GetRules(name=RULES)).rules.version == 2


async def test_rules_that_cannot_be_applied_are_refused_with_their_place(suite: Suite) -> None:
    async with suite(ingest) as served:
        rules = Rules(served)
        for rule, field in [
            ({"ruleId": "r", "set": {"field": "event_id", "value": 1}}, "rules.rules[0].set.field"),
            (PLAN | {"when": "nothing == 1"}, "rules.rules[0].when"),
        ]:
            refused = await refusal(rules.update(rule))
            assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [field])
            refused = await refusal(rules.TryRules(name=RULES, rules=written(rule)))
            assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [field])
        for name in ("", DEMO, "projects/demo/rules/1", "projects/x"):
            assert (await refusal(rules.GetRules(name=name))).code == "INVALID_ARGUMENT"
        assert (await rules.GetRules(name=RULES)).rules.version == 0


async def test_large_rules_come_page_by_page(suite: Suite) -> None:
    async with suite(ingest) as served:
        rules = Rules(served)
        large = {"ruleId": "large", "set": {"field": "properties.a", "value": "x" * 1_000_000}}
        for _ in range(4):
            await rules.update(large)
        first = await rules.ListRulesVersions(name=RULES)
        assert [each.version for each in first.rules] == [4, 3]
        rest = await rules.ListRulesVersions(name=RULES, page_token=first.next_page_token)
        assert ([each.version for each in rest.rules], rest.next_page_token) == ([2, 1], "")


async def test_a_change_is_applied_within_a_second_and_stored_with_its_version(
    suite: Suite, settings: Settings
) -> None:
    async with suite(ingest, writer) as served:
        await publish(served, of(0, n=1))
        await Rules(served).update(PLAN, WHOLE, {"ruleId": "who", "hash": {"field": "user_id"}})
        await until(lambda: applies(served, version=1), seconds=1.0)
        taken = await publish(served, of(1, n="5"), of(2, n="five"), event(3, user_id="ann"))
        assert (taken.accepted_count, len(taken.rejections)) == (3, 0)
        assert await stored(settings) == [{"n": 1}, {"n": 5, "plan": "free"}, {"plan": "free"}]
        (hashed,) = {user for user in await stored(settings, "user_id") if user}
        assert len(hashed) == 64
        async with await psycopg.AsyncConnection.connect(settings.database_url) as connection:
            cursor = await connection.execute(
                "SELECT rules_version, stored, dead_lettered FROM tidemark.batches ORDER BY batch_id"
            )
            assert await cursor.fetchall() == [(0, 1, 0), (1, 2, 1)]
            cursor = await connection.execute("SELECT reason, field, content FROM tidemark.dead_letters")
            ((reason, field, content),) = await cursor.fetchall()
        assert (reason, field, orjson.loads(content)["properties"]) == ("RULE", "properties.n", {"n": "five"})


async def test_rules_are_tried_on_events_that_are_given(suite: Suite) -> None:
    async with suite(ingest) as served:
        rules = Rules(served)
        schema = Schema(event_name="clicked", document=STRICT, enforcement=ENFORCEMENT_REJECT)
        given = [of(0, n="5"), of(1, n="x"), of(2, n="9"), event(3, type=EVENT_TYPE_UNSPECIFIED)]
        tried = await rules.TryRules(name=RULES, rules=written(WHOLE, PLAN), schemas=[schema], events=given)
        assert [each.before for each in tried.trials] == given
        assert [each.judgement.outcome for each in tried.trials] == [1, 3, 4, 4]
        assert [each.judgement.field for each in tried.trials] == ["", "properties.n", "properties.n", "type"]
        assert [each.HasField("after") for each in tried.trials] == [True, False, False, False]
        assert orjson.loads(tried.trials[0].after.properties_json) == {"n": 5, "plan": "free"}
        assert list(tried.trials[0].changed_fields) == ["properties.n", "properties.plan"]
        assert list(tried.trials[1].judgement.failed_rules) == ["whole"]
        counts = [(e.rule_id, e.applied_count, e.changed_count, e.failed_count) for e in tried.effects]
        assert counts == [("whole", 3, 2, 1), ("plan", 2, 2, 0)]
        assert tried.effects[0].first_failure == 'properties.n: is "x", of which no whole number can be made'
        assert (await rules.GetRules(name=RULES)).rules.version == 0


async def test_rules_are_tried_on_the_newest_stored_events(suite: Suite, settings: Settings) -> None:
    async with suite(ingest, writer) as served:
        rules = Rules(served)
        assert list((await rules.TryRules(name=RULES, rules=written(PLAN))).trials) == []
        events = [event(n, at_us=NOW_US + n * MINUTE_US, name=("a", "b")[n % 2]) for n in range(30)]
        await publish(served, *events)
        tried = await rules.TryRules(name=RULES, rules=written(PLAN))
        assert [each.before for each in tried.trials] == events[:9:-1]
        assert {each.after.properties_json for each in tried.trials} == {b'{"plan":"free"}'}
        tried = await rules.TryRules(name=RULES, rules=written(PLAN), event_name="a", sample_size=3)
        assert [each.before for each in tried.trials] == [events[28], events[26], events[24]]
        assert len(await stored(settings)) == 30
        assert set(await stored(settings)) == {None}


async def test_the_present_rules_and_schemas_are_tried_where_none_are_given(suite: Suite) -> None:
    async with suite(ingest) as served:
        rules = Rules(served)
        await rules.update(WHOLE, PLAN)
        tried = await rules.TryRules(name=RULES, events=[of(0, n=7)])
        assert (tried.trials[0].judgement.outcome, tried.trials[0].judgement.rules_version) == (1, 1)
        draft = Schema(event_name="clicked", document=STRICT, enforcement=ENFORCEMENT_DEAD_LETTER)
        tried = await rules.TryRules(name=RULES, events=[of(0, n=7)], schemas=[draft], rules=pb.Rules())
        assert (tried.trials[0].judgement.outcome, tried.trials[0].judgement.rules_version) == (3, 0)
        assert list(tried.effects) == []


async def test_a_trial_has_its_limits(suite: Suite) -> None:
    async with suite(ingest) as served:
        rules = Rules(served)
        for fields, field in [
            ({"events": [event(0)] * 1001}, "events"),
            ({"sample_size": 1001}, "sample_size"),
            ({"sample_size": -1}, "sample_size"),
            ({"events": [event(0)], "event_name": "a"}, "event_name"),
            (
                {"events": [event(n, properties_json=b'{"a":"%s"}' % (b"x" * 60_000)) for n in range(40)]},
                "events",
            ),
            ({"schemas": [Schema(event_name="a", document="[")]}, "schemas[0].document"),
            ({"schemas": [Schema(document="{}")]}, "schemas[0].event_name"),
        ]:
            refused = await refusal(rules.TryRules(name=RULES, **fields))
            assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [field]), refused


async def test_a_viewer_reads_rules_and_changes_none(suite: Suite) -> None:
    async with suite(ingest) as served:
        viewer = Rules(served, "viewer")
        assert (await viewer.GetRules(name=RULES)).rules.version == 0
        for call in (viewer.update(PLAN), viewer.TryRules(name=RULES)):
            assert (await refusal(call)).code == "PERMISSION_DENIED"


async def sessions(redis: Redis, *events: tuple[str | None, float], given: str | None = None) -> list[Any]:
    """The sessions of events, each of a person so many minutes after the first instant of 2026."""
    batch = rows(
        *(
            {
                "user_id": user,
                "session_id": given,
                "occurred_at": at(NOW_US + int(minute * MINUTE_US)).replace(tzinfo=None),
            }
            for user, minute in events
        )
    )
    found = await stream.sessions(redis, 1, HALF_AN_HOUR, batch)
    assert found.drop_columns("session_id") == batch.drop_columns("session_id")
    return found["session_id"].to_pylist()


async def test_a_session_ends_when_nothing_comes_for_a_while(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        first, again, other, new = await sessions(redis, ("ann", 0), ("ann", 30), ("bob", 31), ("ann", 60.1))
        assert first == again
        assert len({first, other, new}) == 3
        assert all(len(each) == 32 for each in (first, other, new))
        running, bobs, later = await sessions(redis, ("ann", 61), ("bob", 62), ("ann", 200))
        assert running == new
        assert len({first, other, new, bobs, later}) == 5


async def test_a_session_goes_on_from_batch_to_batch_and_over_a_lost_function(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        first = await sessions(redis, ("ann", 0))
        await redis.function_flush()
        assert await sessions(redis, ("ann", 29)) == first
        assert await sessions(redis, ("ann", 58)) == first
        assert await sessions(redis, ("ann", 89)) != first


async def test_the_order_within_a_batch_does_not_matter(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        a, b, c, d = await sessions(redis, ("ann", 100), ("ann", 0), ("ann", 110), ("ann", 20))
        assert (a, b) == (c, d)
        assert a != b


async def test_what_comes_late_joins_the_running_session_or_has_its_own(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        running = await sessions(redis, ("ann", 100))
        assert await sessions(redis, ("ann", 75)) == running
        assert await sessions(redis, ("ann", 50)) == running
        early, near = await sessions(redis, ("ann", 0), ("ann", 10))
        assert early == near != running[0]
        assert await sessions(redis, ("ann", 129)) == running


async def test_a_batch_sent_again_has_the_same_sessions(redis_url: str) -> None:
    events = (("ann", 0), ("ann", 5), ("bob", 7), ("ann", 60), ("ann", 65), ("ann", 150))
    async with Redis.from_url(redis_url) as redis:
        first = await sessions(redis, *events)
        assert await sessions(redis, *events) == first


async def test_sessions_are_given_to_people_without_one(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        assert await sessions(redis, (None, 0)) == [None]
        assert await sessions(redis, ("ann", 0), given="mine") == ["mine"]
        assert await redis.keys("tm:visit:*") == []
        await sessions(redis, ("ann", 0))
        key = visit_key(1, "ann")
        assert await redis.keys("tm:visit:*") == [key.encode()]
        assert 3590 < await redis.ttl(key) <= 3600


async def test_sessions_are_of_one_project(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        batch = rows({"user_id": "ann"})
        ours, theirs = [
            (await stream.sessions(redis, project, HALF_AN_HOUR, batch))["session_id"].to_pylist()
            for project in (1, 2)
        ]
        assert ours != theirs


async def test_where_redis_is_away_the_producer_comes_again() -> None:
    async with Redis(port=1) as redis:
        with pytest.raises(Unavailable, match="the sessions of the events cannot be told; retry"):
            await sessions(redis, ("ann", 0))


async def test_published_events_have_sessions(suite: Suite, settings: Settings) -> None:
    async with suite(ingest, writer) as served:
        await Rules(served).update({"ruleId": "visits", "sessionize": {"inactivity": "600s"}})
        events = [event(n, user_id="ann", at_us=NOW_US + n * 4 * MINUTE_US) for n in range(3)]
        await publish(served, *events, event(9, user_id="ann", at_us=NOW_US + 60 * MINUTE_US), event(10))
        found = await until(lambda: stored(settings, "session_id"))
        assert found[0] == found[1] == found[2] != found[3]
        assert found[4] is None
