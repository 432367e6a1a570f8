"""Questions about people through gRPC, on a real database: what the server says is what the pure functions say of the same events."""

import random
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.integration.history import Happened, commit
from tests.unit.query.behaviour.happening import LATER, Event, answered, question, step
from tests.unit.query.test_filter import compared
from tidemark.v1 import query_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.query_pb2_grpc import QueryServiceStub

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
END = START + timedelta(days=5)
R = q.RetentionQuestion
FUNNEL = q.FunnelQuestion(
    steps=[step("a"), step("b"), step("c", display_name="Last")], group_by="properties.plan", top=2
)
RETENTION = R(start=step("a"), back=step("b"), periods=4)
LIFECYCLE = q.LifecycleQuestion(activity=step(filter=compared("properties.plan", "EXISTS")))


def lived(count: int = 400, seed: int = 7) -> list[Event]:
    """What a few people did before, in and after the range, often in the same instant."""
    chance = random.Random(seed)
    return [
        Event(
            at=START + timedelta(minutes=20 * chance.randrange(-700, 700)),
            id=i,
            name=chance.choice("abcd"),
            user=chance.choice(["ann", "bob", "çem", "dan", "eve", None]),
            session=chance.choice([None, None, "s1", "s2"]),
            plan=chance.choice([None, "free", "paid", "Ünï", "trial"]),
        )
        for i in range(count)
    ]


def stored(events: list[Event]) -> list[Happened]:
    return [
        Happened(
            each.at,
            each.name,
            each.user,
            {} if each.plan is None else {"plan": each.plan},
            event_id=uuid.UUID(int=each.id),
            session_id=each.session,
            partition=each.id % 3,
        )
        for each in events
    ]


@asynccontextmanager
async def asking(suite: Suite, database: str, events: list[Event]) -> AsyncIterator[Served]:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, stored(events))
        yield served


def over(start: datetime = START, end: datetime = END, **given: object) -> q.Query:
    found = q.Query(time_zone="Europe/Berlin", **given)  # type: ignore[arg-type]
    found.time_range.start.FromDatetime(start)
    found.time_range.end.FromDatetime(end)
    return found


async def run(served: Served, asked: q.Query, **others: object) -> pb.RunQueryResponse:
    request = pb.RunQueryRequest(query=asked, **others)  # type: ignore[arg-type]
    return await QueryServiceStub(served.channel).RunQuery(request, metadata=served.key("viewer"))


ASKED = {
    "funnel": over(funnel=FUNNEL),
    "funnel of sessions": over(funnel=q.FunnelQuestion(steps=[step(), step()], group_by="session_id")),
    "funnel by type": over(funnel=q.FunnelQuestion(steps=[step("a"), step()], group_by="type")),
    "retention": over(retention=RETENTION),
    "retention by plan": over(retention=R(periods=3, group_by="properties.plan", entry=R.START_EVERY, top=1)),
    "retention by weeks": over(retention=R(period=q.Interval.UNIT_WEEK, periods=2, mode=R.MODE_ON_OR_AFTER)),
    "lifecycle": over(lifecycle=LIFECYCLE),
    "sessions": over(sessions=q.SessionsQuestion()),
    "sessions with": over(sessions=q.SessionsQuestion(filter=compared("name", "EQUAL", "a"), top=2)),
    "paths": over(paths=q.PathsQuestion(start=step("a"), top=2)),
    "paths to": over(paths=q.PathsQuestion(start=step("a"), backwards=True, step_by="properties.plan")),
}


async def test_answers_are_those_of_the_events_themselves(suite: Suite, database: str) -> None:
    events = lived()
    async with asking(suite, database, events) as served:
        for name, asked in ASKED.items():
            answer = await run(served, asked)
            kind = answer.WhichOneof("result")
            expected, notes = answered(question(asked, START, END), events, LATER)
            assert str(getattr(answer, kind)) == str(expected), name
            assert tuple(answer.metadata.notes) == notes


@pytest.mark.parametrize(
    "group",
    [
        {"did": step("a")},
        {"funnel": q.FunnelPeople(funnel=FUNNEL, step=1)},
        {"retention": R()},
        {"lifecycle": LIFECYCLE},
    ],
    ids=["did", "funnel", "retention", "lifecycle"],
)
async def test_the_people_behind_a_figure_come_page_by_page(suite: Suite, database: str, group: dict) -> None:
    midnight = over(datetime(2026, 3, 1, 23, tzinfo=UTC)).time_range.start
    if "retention" in group:
        group = {"retention": q.RetentionPeople(retention=RETENTION, start=midnight, offset=1)}
    if "lifecycle" in group:
        group = {"lifecycle": q.LifecyclePeople(lifecycle=LIFECYCLE, start=midnight, state=2)}
    async with asking(suite, database, lived()) as served:
        asked = over(people=q.PeopleQuestion(**group))
        whole = await run(served, asked)
        people = list(whole.people.people)
        assert whole.people.total == len(people) > 0
        assert not whole.next_page_token
        seen = [each.last_seen.ToNanoseconds() for each in people]
        assert seen == sorted(seen, reverse=True)
        found: list[q.Person] = []
        token = ""
        while token or not found:
            page = await run(served, asked, page_size=1, page_token=token)
            found.extend(page.people.people)
            token = page.next_page_token
        assert found == people


async def test_a_recent_funnel_says_who_may_still_convert(suite: Suite, database: str) -> None:
    now = datetime.now(UTC)
    events = [Event(now - timedelta(days=1), 1, "a", "ann"), Event(now - timedelta(days=30), 2, "a", "bob")]
    async with asking(suite, database, events) as served:
        answer = await run(served, over(now - timedelta(days=40), now, funnel=FUNNEL))
        assert list(answer.metadata.notes) == ["the window of 50 % of the people has not ended yet"]


async def test_what_is_wrong_is_refused_with_its_field(suite: Suite) -> None:
    async with suite(query) as served:
        refused = await refusal(run(served, over(funnel=q.FunnelQuestion(steps=[step("a")]))))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["query.funnel.steps"])


async def test_a_forged_page_is_refused(suite: Suite) -> None:
    async with suite(query) as served:
        asked = over(people=q.PeopleQuestion(did=step("a")))
        refused = await refusal(run(served, asked, page_token="AAAA"))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["page_token"])
