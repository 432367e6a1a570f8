from datetime import UTC, datetime, timedelta

from services.query.behaviour.answer import scan
from services.query.behaviour.question import People
from services.query.columnar.scan import Flag, Text
from services.query.filter import EVERYTHING, Any
from tests.unit.query.behaviour.happening import BERLIN, EPOCH, MINUTE, NOON, question, step
from tests.unit.query.test_filter import compared
from tidemark.v1 import question_pb2 as q

HOUR = 60 * MINUTE
DAY = timedelta(days=1)


def asked(**given) -> q.Query:
    return q.Query(**given)


def test_a_funnel_reads_events_of_its_steps_alone_until_the_window_ends() -> None:
    funnel = q.FunnelQuestion(steps=[step("a"), step("b")], group_by="properties.plan")
    funnel.window.FromTimedelta(DAY)
    found = scan(question(asked(funnel=funnel), NOON, NOON + HOUR))
    assert (found.span.start, found.span.end) == (NOON, NOON + HOUR + DAY)
    assert isinstance(found.condition, Any)
    assert [(type(each), each.name) for each in found.columns] == [
        (Flag, "step0"),
        (Flag, "step1"),
        (Text, "group"),
    ]
    assert not found.cuts


def test_what_holds_of_every_row_needs_no_column() -> None:
    lifecycle = scan(question(asked(lifecycle=q.LifecycleQuestion(activity=step("a"))), NOON, NOON + DAY))
    assert lifecycle.columns == ()
    retention = scan(
        question(asked(retention=q.RetentionQuestion(start=step("a"), back=step("a"))), NOON, NOON + DAY)
    )
    assert retention.columns == ()
    paths = scan(question(asked(paths=q.PathsQuestion()), NOON, NOON + DAY))
    assert [each.name for each in paths.columns] == ["step"]
    assert paths.condition == EVERYTHING


def test_a_lifecycle_reads_from_the_beginning_one_row_of_each_person_and_day() -> None:
    found = scan(question(asked(lifecycle=q.LifecycleQuestion()), NOON, NOON + DAY))
    midnight = NOON.astimezone(BERLIN).replace(hour=0)
    assert (found.span.start, found.span.end) == (EPOCH, midnight + 2 * DAY)
    assert found.cuts == (midnight - DAY, midnight, midnight + DAY, midnight + 2 * DAY)


def test_a_retention_with_groups_needs_the_row_where_people_began() -> None:
    plain = q.RetentionQuestion(start=step("a"), periods=2)
    assert scan(question(asked(retention=plain), NOON, NOON + DAY)).cuts[-1] == datetime(
        2026, 3, 5, 23, tzinfo=UTC
    )
    plain.group_by = "properties.plan"
    assert not scan(question(asked(retention=plain), NOON, NOON + DAY)).cuts


def test_sessions_are_looked_for_a_day_around_the_range() -> None:
    found = scan(question(asked(sessions=q.SessionsQuestion()), NOON, NOON + HOUR))
    assert (found.span.start, found.span.end) == (NOON - DAY, NOON + HOUR + DAY)
    assert found.anonymous
    assert [each.name for each in found.columns] == ["name", "session"]
    assert scan(question(asked(sessions=q.SessionsQuestion()), EPOCH, EPOCH + HOUR)).span.start == EPOCH


def test_people_are_told_of_by_all_their_events_of_the_range() -> None:
    funnel = q.FunnelQuestion(steps=[step("a"), step()], filter=compared("properties.plan", "EQUAL", "free"))
    came = asked(people=q.PeopleQuestion(funnel=q.FunnelPeople(funnel=funnel)))
    found = scan(question(came, NOON, NOON + HOUR))
    assert [each.name for each in found.columns] == ["step0", "step1"]
    assert isinstance(found.condition, Any)
    did = question(asked(people=q.PeopleQuestion(did=step("a"))), NOON, NOON + HOUR)
    assert isinstance(did, People)
    assert scan(did).condition == EVERYTHING
