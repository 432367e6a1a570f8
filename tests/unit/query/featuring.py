"""Features in plain Python, for tests: events as records, the table that a scan of them gives, and what every column should hold,
computed event by event from the words of docs/features.md.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from services.kit.instant import us_of
from services.query.behaviour.timeline import Timeline
from services.query.columnar.scan import Scan, Text
from services.query.features.reading import scan
from services.query.features.request import read
from services.query.features.table import NEVER, Table
from services.query.filter import All, Comparison, Condition, Members
from services.query.filter import Any as Either
from tidemark.v1 import feature_pb2 as pb
from tidemark.v1 import question_pb2 as q

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = datetime(2028, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Event:
    """Something that happened; of two in the same instant, that with the greater id came later."""

    at: datetime
    id: int = 0
    name: str = "a"
    user: str = "ann"
    session: str | None = None
    properties: dict[str, Any] = field(default_factory=dict, hash=False)

    def value(self, path: str) -> str | None:
        """A field as text; missing where it is empty."""
        if path.startswith("properties."):
            found = self.properties.get(path.removeprefix("properties."))
            return (
                (str(found).lower() if isinstance(found, bool) else str(found))
                if found not in (None, "")
                else None
            )
        return {"name": self.name, "session_id": self.session, "type": "1"}[path] or None


def holds(condition: Condition, event: Event) -> bool:
    """Whether a condition of the kinds that tests use is true of an event."""
    match condition:
        case All(conditions):
            return all(holds(each, event) for each in conditions)
        case Either(conditions):
            return any(holds(each, event) for each in conditions)
        case Members(users=users):
            return event.user in users
        case Comparison(each, q.OPERATOR_EQUAL, values):
            return event.value(each.path) in values
        case Comparison(_, q.OPERATOR_GREATER_OR_EQUAL, (instant,)):
            return event.at >= instant
        case Comparison(_, q.OPERATOR_LESS, (instant,)):
            return event.at < instant
    raise AssertionError(condition)


def table(asked: Scan, events: Iterable[Event]) -> pa.Table:
    """The table of a scan."""
    rows = [each for each in events if asked.span.start <= each.at < asked.span.end]
    rows = sorted(
        (each for each in rows if holds(asked.condition, each)),
        key=lambda each: (each.user, each.at, each.id),
    )
    made: dict[str, Any] = {
        "user": _texts([row.user for row in rows]),
        "at": pa.array([us_of(row.at) for row in rows], pa.int64()),
    }
    for column in asked.columns:
        if isinstance(column, Text):
            made[column.name] = _texts([row.value(column.field.path) for row in rows])
        else:
            made[column.name] = pa.array([holds(column.condition, row) for row in rows], pa.bool_())
    return pa.table(made)


def featured(
    spec: pb.FeatureSpec,
    events: Iterable[Event],
    *,
    watermark: datetime | None = LATER,
    zone: ZoneInfo = BERLIN,
    **request: Any,
) -> pa.Table:
    """The table of features of some events."""
    made = built(spec, events, watermark=watermark, zone=zone, **request)
    return pa.Table.from_batches(list(made.batches()), made.schema)


def built(
    spec: pb.FeatureSpec,
    events: Iterable[Event],
    *,
    watermark: datetime | None = LATER,
    zone: ZoneInfo = BERLIN,
    **request: Any,
) -> Table:
    """The same before its rows are computed."""
    wanted = read(pb.ReadFeaturesRequest(spec=spec, **request), zone, LATER)
    return Table(
        wanted, Timeline(table(scan(wanted), events)), zone, us_of(watermark) if watermark else NEVER
    )


def spec(
    *cuts: datetime,
    points: str = "",
    over: tuple[datetime, datetime] | None = None,
    history: timedelta | None = None,
    did: str | None = None,
    window: timedelta | None = None,
    match: Sequence[str] = (),
    **others: Any,
) -> pb.FeatureSpec:
    """A spec of cuts, or of the events named `points` in a span."""
    made = pb.FeatureSpec(**others)
    for cut in cuts:
        made.cuts.cuts.add().FromDatetime(cut)
    if over is not None:
        made.events.event.name = points
        made.events.time_range.start.FromDatetime(over[0])
        made.events.time_range.end.FromDatetime(over[1])
    if history is not None:
        made.history.FromTimedelta(history)
    if did is not None:
        made.outcome.did.name = did
        made.outcome.match.extend(match)
    if window is not None:
        made.outcome.window.FromTimedelta(window)
    return made


class Reference:
    """What a spec of cuts or event points gives, computed the slow way."""

    def __init__(self, asked: pb.FeatureSpec, events: Iterable[Event], watermark: datetime = LATER) -> None:
        self.spec, self.watermark = asked, watermark
        self.events = sorted(events, key=lambda each: (each.user, each.at, each.id))
        self.history = asked.history.ToTimedelta() if asked.HasField("history") else 365 * DAY

    def rows(self) -> list[dict[str, Any]]:
        """All rows, in order."""
        if self.spec.HasField("cuts"):
            cuts = sorted({each.ToDatetime(UTC) for each in self.spec.cuts.cuts})
            found = [
                (cut, user, None)
                for cut in cuts
                for user in sorted({each.user for each in self.events})
                if self._member(user, cut)
            ]
        else:
            start, end = (
                each.ToDatetime(UTC)
                for each in (self.spec.events.time_range.start, self.spec.events.time_range.end)
            )
            found = [
                (each.at, each.user, each)
                for each in self.events
                if self._point(each) and start <= each.at < end
            ]
            found.sort(key=lambda row: (row[0], row[1]))
        return [self._row(*each) for each in found]

    def _member(self, user: str, cut: datetime) -> bool:
        within = (
            self.spec.cuts.member_within.ToTimedelta()
            if self.spec.cuts.HasField("member_within")
            else self.history
        )
        name = self.spec.cuts.member.name
        return any(
            e.user == user and name in ("", e.name) and cut - within <= e.at < cut for e in self.events
        )

    def _point(self, event: Event) -> bool:
        return self.spec.events.event.name in ("", event.name)

    def _row(self, at: datetime, user: str, own: Event | None) -> dict[str, Any]:
        row: dict[str, Any] = {"user_id": user, "point": at}
        if self.spec.HasField("outcome"):
            row["outcome"] = self._outcome(at, user, own)
        before = [e for e in self.events if e.user == user and at - self.history <= e.at < at]
        if not self.spec.without_history:
            row |= self._deeds(before, at, "")
            row["distinct_names"] = len({e.name for e in before})
            row["sessions"] = self._sessions(before)
            for name in self.spec.event_names:
                row |= self._deeds([e for e in before if e.name == name], at, f"({name})")
            for path in self.spec.sum_fields:
                row |= self._sums(before, at, path)
            if own is not None:
                row |= self._earlier([e for e in before if self._point(e)], at)
        for path in self.spec.fields:
            if path == self.spec.outcome.field:
                continue
            values = (
                [own.value(path)] if own else [e.value(path) for e in before if e.value(path) is not None]
            )
            row[path] = values[-1] if values else None
        return row

    def _windows(self) -> dict[str, timedelta]:
        days = {f"_{n}d": n * DAY for n in (1, 7, 30, 90) if n * DAY < self.history}
        return {**days, "": self.history}

    def _deeds(self, before: list[Event], at: datetime, of: str) -> dict[str, Any]:
        row: dict[str, Any] = {
            f"count{name}{of}": sum(e.at >= at - length for e in before)
            for name, length in self._windows().items()
        }
        days = sorted({e.at.astimezone(BERLIN).date() for e in before})
        gaps = [(b - a).days for a, b in pairwise(days)]
        row[f"recency_days{of}"] = (at - before[-1].at) / DAY if before else None
        row[f"age_days{of}"] = (at - before[0].at) / DAY if before else None
        row[f"active_days{of}"] = len(days)
        row[f"gap_mean_days{of}"] = statistics.fmean(gaps) if gaps else None
        row[f"gap_deviation_days{of}"] = statistics.pstdev(gaps) if len(gaps) > 1 else None
        row[f"trend{of}"] = None
        if before:
            middle = before[0].at + (at - before[0].at) / 2
            late = sum(e.at >= middle for e in before)
            row[f"trend{of}"] = (2 * late - len(before)) / len(before)
        return row

    def _sessions(self, before: list[Event]) -> int:
        count = int(bool(before))
        for one, other in pairwise(before):
            if one.session and other.session:
                count += one.session != other.session
            else:
                count += other.at - one.at >= timedelta(minutes=30)
        return count

    def _sums(self, before: list[Event], at: datetime, path: str) -> dict[str, Any]:
        found = [(e.at, float(v)) for e in before if (v := e.value(path)) is not None and _number(v)]
        row: dict[str, Any] = {
            f"sum{name}({path})": math.fsum(v for t, v in found if t >= at - length)
            for name, length in self._windows().items()
        }
        row[f"mean({path})"] = statistics.fmean(v for _, v in found) if found else None
        row[f"last({path})"] = found[-1][1] if found else None
        return row

    def _earlier(self, before: list[Event], at: datetime) -> dict[str, Any]:
        row: dict[str, Any] = {
            "earlier_points": len(before),
            "previous_point_days": (at - before[-1].at) / DAY if before else None,
        }
        if self.spec.outcome.HasField("did"):
            window = self.spec.outcome.window.ToTimedelta()
            had = [self._had(e.at, e.user, e) for e in before if e.at + window <= at]
            row["earlier_outcomes"] = sum(had)
            row["earlier_outcome_share"] = sum(had) / len(had) if had else None
            row["last_outcome"] = float(had[-1]) if had else None
        return row

    def _outcome(self, at: datetime, user: str, own: Event | None) -> bool | None:
        if self.spec.outcome.HasField("field"):
            value = own.value(self.spec.outcome.field) if own else None
            return (
                None if value is None else (value.lower() in ("true", "1", "yes")) != self.spec.outcome.negate
            )
        known = at + self.spec.outcome.window.ToTimedelta() <= self.watermark
        return self._had(at, user, own) if known else None

    def _had(self, at: datetime, user: str, own: Event | None) -> bool:
        asked = self.spec.outcome
        found = any(
            e.user == user
            and e is not own
            and asked.did.name in ("", e.name)
            and at <= e.at < at + asked.window.ToTimedelta()
            and all(own is not None and e.value(path) == own.value(path) for path in asked.match)
            for e in self.events
        )
        return found != asked.negate


def _number(text: str) -> bool:
    try:
        return abs(float(text)) < 1e300
    except ValueError:
        return False


def _texts(values: Sequence[object]) -> pa.Array:
    return pa.array(values, pa.string()).dictionary_encode().cast(pa.dictionary(pa.int32(), pa.string()))
