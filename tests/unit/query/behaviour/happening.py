"""Small histories for tests: events as plain records, and the table that a scan of them gives, by the words of `scan.py`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import strategies as st

from services.kit.calendar import Span
from services.query.behaviour.answer import result, scan
from services.query.behaviour.question import Behaviour, read
from services.query.columnar.scan import Scan, Text
from services.query.filter import NOBODY, All, Any, Comparison, Condition, Members, Not, People
from tidemark.v1 import question_pb2 as q

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, order=True)
class Event:
    """Something that happened; of two in the same instant, that with the greater id came later."""

    at: datetime
    id: int
    name: str = "a"
    user: str | None = "ann"
    session: str | None = None
    plan: str | None = None


def happened(
    *given: tuple[int, str] | tuple[int, str, str], start: datetime = NOON, **others: str
) -> list[Event]:
    """Events by minute, name and user."""
    return [
        Event(start + each[0] * MINUTE, i, each[1], each[2] if len(each) == 3 else "ann", **others)
        for i, each in enumerate(given)
    ]


def holds(condition: Condition, event: Event) -> bool:
    """Whether a condition of the kinds that tests use is true of an event."""
    match condition:
        case All(conditions):
            return all(holds(each, event) for each in conditions)
        case Any(conditions):
            return any(holds(each, event) for each in conditions)
        case Not(inner):
            return not holds(inner, event)
        case Members(users=users):
            return event.user in users
        case Comparison(field, q.OPERATOR_EQUAL, values):
            return value(event, field.path) in values
        case Comparison(field, q.OPERATOR_EXISTS):
            return value(event, field.path) is not None
        case Comparison(field, q.OPERATOR_GREATER_OR_EQUAL, (instant,)):
            return event.at >= instant
        case Comparison(field, q.OPERATOR_LESS, (instant,)):
            return event.at < instant
    raise AssertionError(condition)


def value(event: Event, path: str) -> object:
    """A field of an event."""
    values = {"name": event.name, "user_id": event.user, "session_id": event.session, "type": "1"}
    return event.plan if path == "properties.plan" else values[path]


def table(asked: Scan, events: Iterable[Event], *, sparse: bool = False) -> pa.Table:
    """The table of a scan; a sparse one holds no row that its cuts make needless."""
    rows = [
        each
        for each in events
        if asked.span.start <= each.at < asked.span.end
        and (each.user is not None or asked.anonymous)
        and holds(asked.condition, each)
    ]
    rows.sort(key=lambda each: (each.user is None, each.user or "", each.at, each.id))
    columns = {each.name: each for each in asked.columns}
    flags = {
        name: [holds(each.condition, row) for row in rows]
        for name, each in columns.items()
        if not isinstance(each, Text)
    }
    kept = range(len(rows))
    if sparse and asked.cuts:
        pieces = [sum(cut <= row.at for cut in asked.cuts) for row in rows]
        seen: dict[object, int] = {}
        for i, row in enumerate(rows):
            key = (row.user, pieces[i], *(flag[i] for flag in flags.values()))
            seen[i if pieces[i] == len(asked.cuts) else key] = i
        kept = sorted(seen.values())
    made = {
        "user": _texts([rows[i].user for i in kept]),
        "at": pa.array([(rows[i].at - EPOCH) // timedelta(microseconds=1) for i in kept], pa.int64()),
    }
    for name, each in columns.items():
        if isinstance(each, Text):
            made[name] = _texts([value(rows[i], each.field.path) for i in kept])
        else:
            made[name] = pa.array([flags[name][i] for i in kept], pa.bool_())
    return pa.table(made)


def _texts(values: Sequence[object]) -> pa.Array:
    return pa.array(values, pa.string()).dictionary_encode().cast(pa.dictionary(pa.int32(), pa.string()))


def question(
    asked: q.Query,
    start: datetime,
    end: datetime,
    *,
    zone: ZoneInfo = BERLIN,
    now: datetime = LATER,
    people: People = NOBODY,
) -> Behaviour:
    """A question over a span."""
    return read(asked, Span(start, end), zone, now, "query", people)


def answered(
    asked: Behaviour, events: Iterable[Event], now: datetime = LATER, *, sparse: bool = False
) -> tuple:
    """The answer to a question and its notes."""
    return result(asked, table(scan(asked), events, sparse=sparse), now)  # type: ignore[arg-type]


def by_user(events: Iterable[Event]) -> dict[str, list[Event]]:
    """What each person did, in order; events of nobody are left out."""
    known = sorted((each for each in events if each.user is not None), key=lambda each: (each.user, each))
    return {str(user): list(theirs) for user, theirs in groupby(known, key=lambda each: each.user)}


def histories(
    step: timedelta = MINUTE,
    steps: int = 40,
    *,
    most: int = 30,
    anonymous: bool = False,
    start: datetime = NOON,
) -> st.SearchStrategy[list[Event]]:
    """Random histories of few people, names, instants and plans, so that all of them meet."""
    event = st.builds(
        Event,
        at=st.integers(0, steps).map(lambda n: start + n * step),
        id=st.integers(0, 10**9),
        name=st.sampled_from("abc"),
        user=st.sampled_from(["ann", "bob", "cat", None] if anonymous else ["ann", "bob", "cat"]),
        session=st.sampled_from([None, None, "", "s1", "s2"]) if anonymous else st.none(),
        plan=st.sampled_from([None, "", "free", "paid"]),
    )
    return st.lists(event, max_size=most, unique_by=lambda each: each.id)


def step(name: str = "", **others: object) -> q.Step:
    """A step of a funnel, or anything else that somebody does."""
    return q.Step(name=name, **others)  # type: ignore[arg-type]


def local_day(at: datetime) -> date:
    """The day in Berlin."""
    return at.astimezone(BERLIN).date()
