from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.duration_pb2 import Duration

from services.kit.calendar import Span, edges
from services.kit.calendar import Step as Width
from services.kit.errors import Invalid
from services.query.behaviour.question import Funnel, Lifecycle, Paths, Retention, Sessions, named
from services.query.filter import EVERYTHING, Members
from tests.unit.query.behaviour.happening import BERLIN, LATER, NOON, question, step
from tests.unit.query.test_filter import compared, every
from tidemark.v1 import question_pb2 as q

DAY = timedelta(days=1)
R = q.RetentionQuestion


def asked(days: float = 7, now: datetime = LATER, **given):
    return question(q.Query(**given), NOON, NOON + days * DAY, now=now)


def funnel(*names: str, **others) -> q.FunnelQuestion:
    return q.FunnelQuestion(steps=[step(name) for name in names or "ab"], **others)


def test_what_is_left_out_is_as_the_contract_says() -> None:
    found = asked(funnel=funnel())
    assert isinstance(found, Funnel)
    assert (found.window, found.filter, found.group, found.top) == (14 * DAY, EVERYTHING, None, 5)
    sessions = asked(sessions=q.SessionsQuestion())
    assert isinstance(sessions, Sessions)
    assert (sessions.gap, sessions.top, len(sessions.edges)) == (timedelta(minutes=30), 10, 7 * 8 + 1)
    paths = asked(paths=q.PathsQuestion())
    assert isinstance(paths, Paths)
    assert (paths.depth, paths.top, paths.field.path, paths.gap) == (4, 6, "name", timedelta(minutes=30))


@pytest.mark.parametrize(
    ("unit", "periods"),
    [(0, 8), (q.Interval.UNIT_DAY, 8), (q.Interval.UNIT_WEEK, 8), (q.Interval.UNIT_MONTH, 6)],
)
def test_a_retention_follows_so_many_periods_after_each_of_the_range(
    unit: q.Interval.Unit, periods: int
) -> None:
    found = asked(retention=R(period=unit), days=45)
    assert isinstance(found, Retention)
    assert found.periods == periods
    width = Width(unit or q.Interval.UNIT_DAY, 1)
    within = edges(Span(NOON, NOON + 45 * DAY), width, BERLIN, 1000)
    assert found.rows == len(within) - 1
    assert found.edges[: len(within)] == within
    assert len(found.edges) == len(within) + periods
    assert found.edges == edges(Span(NOON, found.edges[-1]), width, BERLIN, 1000)


def test_days_that_a_zone_has_skipped_are_no_periods() -> None:
    apia = ZoneInfo("Pacific/Apia")
    for days in range(1, 5):
        start = datetime(2011, 12, 30 - days, 10, tzinfo=UTC)
        found = question(q.Query(retention=R(periods=days)), start, start + DAY, zone=apia)
        assert isinstance(found, Retention)
        assert len(found.edges) == found.rows + days + 1
        assert all(before < after for before, after in pairwise(found.edges))


def test_an_unbounded_retention_reaches_until_now() -> None:
    found = asked(retention=R(mode=R.MODE_ON_OR_AFTER, periods=2), now=NOON + 100 * DAY)
    assert isinstance(found, Retention)
    assert found.edges[-2] < NOON + 100 * DAY <= found.edges[-1]
    assert found.edges == edges(Span(NOON, found.edges[-1]), Width(q.Interval.UNIT_DAY, 1), BERLIN, 1000)
    assert asked(retention=R(mode=R.MODE_ON_OR_AFTER), now=NOON) == asked(retention=R(mode=2), now=NOON + DAY)


def test_a_lifecycle_knows_the_period_before_the_range() -> None:
    found = asked(lifecycle=q.LifecycleQuestion(period=q.Interval.UNIT_MONTH))
    assert isinstance(found, Lifecycle)
    assert [each.astimezone(BERLIN).isoformat()[:10] for each in found.edges] == [
        "2026-02-01",
        "2026-03-01",
        "2026-04-01",
    ]


def test_names_that_can_change_an_answer() -> None:
    only_x = compared("name", "EQUAL", "x")
    assert named(asked(funnel=funnel("a", "b"))) == {"a", "b"}
    assert named(asked(funnel=funnel("a", ""))) is None
    assert named(asked(funnel=funnel("a", "", filter=only_x))) == {"x"}
    assert named(asked(retention=R(start=step("a"), back=step(filter=only_x)))) == {"a", "x"}
    assert named(asked(lifecycle=q.LifecycleQuestion(activity=step("a")))) == {"a"}
    assert named(asked(paths=q.PathsQuestion(start=step("a")))) is None
    assert named(asked(paths=q.PathsQuestion(filter=only_x))) == {"x"}
    assert named(asked(sessions=q.SessionsQuestion(filter=only_x))) is None
    assert named(asked(people=q.PeopleQuestion(did=step("a")))) is None


def test_a_cohort_is_looked_up() -> None:
    buyers = Members("projects/p/cohorts/buyers", ("ann",), "1")
    given = q.Query(funnel=funnel(filter=q.Filter(cohort=buyers.cohort)))
    found = question(given, NOON, NOON + DAY, people={buyers.cohort: buyers})
    assert isinstance(found, Funnel)
    assert found.filter == buyers
    with pytest.raises(Invalid) as caught:
        question(given, NOON, NOON + DAY)
    assert caught.value.field == "query.funnel.filter.cohort"


def people(**group) -> q.PeopleQuestion:
    return q.PeopleQuestion(**group)


def at(instant: datetime):
    found = q.TimeRange()
    found.start.FromDatetime(instant)
    return found.start


MIDNIGHT = at(datetime(2026, 3, 1, 23, tzinfo=UTC))
NAN_STEP = compared("properties.x", "EQUAL", float("nan"))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"funnel": funnel("a")}, "funnel.steps"),
        ({"funnel": funnel(*"abcdefghijk")}, "funnel.steps"),
        ({"funnel": funnel("a", "b\0")}, "funnel.steps[1].name"),
        ({"funnel": q.FunnelQuestion(steps=[step("a", display_name="x" * 201), step()])}, "funnel.steps[0].display_name"),
        ({"funnel": q.FunnelQuestion(steps=[step("a", filter=NAN_STEP), step()])}, "funnel.steps[0].filter.comparison.values[0]"),
        ({"funnel": funnel(window=Duration())}, "funnel.window"),
        ({"funnel": funnel(window=Duration(seconds=-1))}, "funnel.window"),
        ({"funnel": funnel(window=Duration(seconds=367 * 86400))}, "funnel.window"),
        ({"funnel": funnel(filter=every())}, "funnel.filter.all.filters"),
        ({"funnel": funnel(group_by="nope")}, "funnel.group_by"),
        ({"funnel": funnel(group_by="occurred_at")}, "funnel.group_by"),
        ({"funnel": funnel(top=26)}, "funnel.top"),
        ({"funnel": funnel(top=-1)}, "funnel.top"),
        ({"retention": R(period=q.Interval.UNIT_HOUR)}, "retention.period"),
        ({"retention": R(periods=61)}, "retention.periods"),
        ({"retention": R(mode=9)}, "retention.mode"),
        ({"retention": R(entry=9)}, "retention.entry"),
        ({"retention": R(group_by="x")}, "retention.group_by"),
        ({"retention": R(top=26)}, "retention.top"),
        ({"retention": R(periods=60, group_by="name", top=25), "days": 300}, "retention.period"),
        ({"retention": R(start=step("x" * 201))}, "retention.start.name"),
        ({"retention": R(back=step("x" * 201))}, "retention.back.name"),
        ({"lifecycle": q.LifecycleQuestion(period=q.Interval.UNIT_MINUTE)}, "lifecycle.period"),
        ({"lifecycle": q.LifecycleQuestion(), "days": 10_001}, "lifecycle.period"),
        ({"sessions": q.SessionsQuestion(gap=Duration(seconds=86_401))}, "sessions.gap"),
        ({"sessions": q.SessionsQuestion(interval=q.Interval())}, "sessions.interval.unit"),
        ({"sessions": q.SessionsQuestion(interval=q.Interval(unit=q.Interval.UNIT_WEEK, count=2))}, "sessions.interval.count"),
        ({"sessions": q.SessionsQuestion(interval=q.Interval(unit=q.Interval.UNIT_SECOND))}, "sessions.interval"),
        ({"sessions": q.SessionsQuestion(top=101)}, "sessions.top"),
        ({"paths": q.PathsQuestion(depth=11)}, "paths.depth"),
        ({"paths": q.PathsQuestion(top=21)}, "paths.top"),
        ({"paths": q.PathsQuestion(step_by="tags.x")}, "paths.step_by"),
        ({"paths": q.PathsQuestion(gap=Duration(nanos=-1))}, "paths.gap"),
        ({"people": people()}, "people"),
        ({"people": people(did=step("\0"))}, "people.did.name"),
        ({"people": people(cohort="projects/p/cohorts/x")}, "people.cohort"),
        ({"people": people(funnel=q.FunnelPeople(funnel=funnel("a")))}, "people.funnel.funnel.steps"),
        ({"people": people(funnel=q.FunnelPeople(funnel=funnel(), step=2))}, "people.funnel.step"),
        ({"people": people(funnel=q.FunnelPeople(funnel=funnel(), step=0, lost=True))}, "people.funnel.step"),
        ({"people": people(funnel=q.FunnelPeople(funnel=funnel(), group="x"))}, "people.funnel.group"),
        ({"people": people(retention=q.RetentionPeople(start=at(NOON)))}, "people.retention.start"),
        ({"people": people(retention=q.RetentionPeople(start=MIDNIGHT, offset=9))}, "people.retention.offset"),
        ({"people": people(retention=q.RetentionPeople(start=MIDNIGHT, lost=True))}, "people.retention.offset"),
        ({"people": people(lifecycle=q.LifecyclePeople(start=at(NOON), state=1))}, "people.lifecycle.start"),
        ({"people": people(lifecycle=q.LifecyclePeople(start=MIDNIGHT))}, "people.lifecycle.state"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(given: dict, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        asked(**given)
    assert caught.value.field == f"query.{field}"
