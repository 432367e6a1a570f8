"""Judges errors and security events as they are received: bursts of errors, and kinds of security events never seen before. Pure.

Events come in from `stream`, findings go out. Errors are counted by the minute in which they happened and told beside what is usual in
a minute; what happened long before it was received is no burst.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from scipy import stats

from services.insights.findings import text
from services.insights.findings.insight import Draft, Finding, made
from services.insights.findings.severity import Weight
from services.insights.findings.text import Words
from services.kit.instant import at
from tidemark.v1 import event_pb2, query_pb2
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1.question_pb2 import OPERATOR_EQUAL

MINUTE_US = 60_000_000
LEAST = 10
"""Fewer errors in a minute are no burst."""
MANY = 100
"""So many are critical."""
RARE = 1e-7
"""The chance of a burst in a minute where nothing is wrong: once in 20 years of one project."""
STALE = timedelta(minutes=5)
"""What happened longer than this before it was received does not count."""
KINDS, MINUTES, IDS = 2000, 30, 5000
"""Kinds, minutes and ids of events that are remembered."""
SURE = 0.99
APART = timedelta(minutes=10)
EXAMPLES = 3
WORDS = Words("Errors", 60)


@dataclass(slots=True)
class State:
    """What is remembered of the critical events of a project. `judged` changes it in place."""

    cursor: str = ""
    """Where the stream goes on."""
    mean: float = math.nan
    """Errors in a minute, by the minutes of the last day."""
    variance: float = math.nan
    usual_at: float = 0.0
    """When these were asked for, in seconds since 1970."""
    kinds: dict[str, int] = field(default_factory=dict)
    """Names of security events, and when they were seen last, in seconds since 1970."""
    minutes: dict[int, int] = field(default_factory=dict)
    """Errors by the minute in which they happened."""
    told: dict[int, int] = field(default_factory=dict)
    """Minutes that were told, with the errors they had then."""
    ids: list[str] = field(default_factory=list)
    """Of the last events: one may come again."""

    def encode(self) -> bytes:
        """As bytes, to be stored."""
        return orjson.dumps(
            {
                "cursor": self.cursor,
                "mean": self.mean,
                "variance": self.variance,
                "usual_at": self.usual_at,
                "kinds": self.kinds,
                "minutes": list(self.minutes.items()),
                "told": list(self.told.items()),
                "ids": self.ids,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> "State":
        """What `encode` has made; the first state of nothing."""
        if not data:
            return cls()
        found = orjson.loads(data)
        mean, variance = (
            math.nan if found[name] is None else float(found[name]) for name in ("mean", "variance")
        )
        return cls(
            found["cursor"],
            mean,
            variance,
            usual_at=found["usual_at"],
            kinds=found["kinds"],
            minutes=dict(map(tuple, found["minutes"])),
            told=dict(map(tuple, found["told"])),
            ids=found["ids"],
        )


def usual(state: State, counts: Sequence[float], now: float) -> None:
    """Learns what is usual from the errors of each minute of the last day."""
    known = [count for count in counts if math.isfinite(count)]
    state.usual_at = now
    state.mean = sum(known) / len(known) if known else 0.0
    state.variance = sum((count - state.mean) ** 2 for count in known) / len(known) if known else 0.0


def chance(state: State, count: int) -> float:
    """The chance of so many errors in a minute: a negative binomial law with mean and variance of the past, never narrower than Poisson's.

    A minute of the future is one more that the past may not have had, so half an error is added to the mean.
    """
    mean = (0.0 if math.isnan(state.mean) else state.mean) + 0.5
    variance = max(mean * 1.2, 0.0 if math.isnan(state.variance) else state.variance)
    size = mean**2 / (variance - mean)
    return float(stats.nbinom.sf(count - 1, size, size / (size + mean)))


def judged(state: State, events: Sequence[query_pb2.CriticalEvent], now: datetime) -> list[Draft]:
    """What was found in events that are new, in the order in which they came."""
    known = set(state.ids)
    fresh = [each for each in events if each.event.event_id.hex() not in known]
    state.ids = [*state.ids, *(each.event.event_id.hex() for each in fresh)][-IDS:]
    drafts = _kinds(state, fresh, now)
    counted = set()
    names: dict[int, dict[str, int]] = {}
    for each in fresh:
        late = each.received_at.ToMicroseconds() - each.event.occurred_at.ToMicroseconds()
        if each.event.type != event_pb2.EVENT_TYPE_ERROR_EVENT or late > STALE.total_seconds() * 1e6:
            continue
        minute = each.event.occurred_at.ToMicroseconds() // MINUTE_US
        state.minutes[minute] = state.minutes.get(minute, 0) + 1
        counted.add(minute)
        of_minute = names.setdefault(minute, {})
        of_minute[each.event.name] = of_minute.get(each.event.name, 0) + 1
    for minute in sorted(counted):
        # Told once, and again when it is twice as much.
        count = state.minutes[minute]
        if count < LEAST or count < 2 * state.told.get(minute, 0):
            continue
        likely = chance(state, count)
        if likely <= RARE:
            state.told[minute] = count
            drafts.append(_burst(state, minute, likely, names[minute], now))
    for remembered in (state.minutes, state.told):
        for minute in sorted(remembered)[:-MINUTES]:
            del remembered[minute]
    return drafts


def _kinds(state: State, fresh: Sequence[query_pb2.CriticalEvent], now: datetime) -> list[Draft]:
    drafts = []
    for each in fresh:
        event = each.event
        if event.type != event_pb2.EVENT_TYPE_SECURITY_EVENT:
            continue
        if event.name not in state.kinds:
            drafts.append(_new_kind(event, now))
        state.kinds[event.name] = max(state.kinds.get(event.name, 0), event.occurred_at.seconds)
    for name in sorted(state.kinds, key=lambda one: state.kinds[one])[: max(0, len(state.kinds) - KINDS)]:
        del state.kinds[name]
    return drafts


def _new_kind(event: event_pb2.Event, now: datetime) -> Draft:
    start = at(event.occurred_at.ToMicroseconds())
    words = Words(f"“{event.name}” security events", 60)
    finding = Finding(
        type=pb.INSIGHT_TYPE_ANOMALY,
        detector="new-security-event",
        direction=pb.DIRECTION_UP,
        start=start,
        end=start + timedelta(minutes=1),
        effect=1.0,
        relative=math.nan,
        confidence=SURE,
        statistics={"count": 1.0},
        method="The first security event of this name in 30 days.",
    )
    insight = made(finding, words, Weight(bad=pb.DIRECTION_UP), now)
    who = f" of {event.user_id}" if event.user_id else ""
    insight.title = f"A new kind of security event: “{event.name}”"
    insight.description = f"“{event.name}”{who} is the first security event of this name in 30 days."
    _asked(insight, "SECURITY_EVENT", event.name)
    return Draft(f"security/{event.name}", insight, APART)


def _burst(state: State, minute: int, likely: float, names: Mapping[str, int], now: datetime) -> Draft:
    count, start = state.minutes[minute], at(minute * MINUTE_US)
    expected = 0.0 if math.isnan(state.mean) else state.mean
    finding = Finding(
        type=pb.INSIGHT_TYPE_ANOMALY,
        detector="burst",
        direction=pb.DIRECTION_UP,
        start=start,
        end=start + timedelta(minutes=1),
        effect=count - expected,
        relative=(count - expected) / expected if expected else math.nan,
        confidence=SURE,
        statistics={"p_value": likely, "count": float(count), "expected": expected},
        method="Errors of a minute beside a negative binomial law of the last day's minutes.",
    )
    insight = made(finding, WORDS, Weight(whole=count >= MANY, bad=pb.DIRECTION_UP), now)
    most = sorted(names.items(), key=lambda each: (-each[1], each[0]))[:EXAMPLES]
    insight.title = f"{text.number(count)} errors within a minute, where {text.number(expected)} are usual"
    listed = ", ".join(f"“{name}” ({number})" for name, number in most)
    insight.description = (
        f"The most frequent of those that came last: {listed}. They may not be committed yet."
    )
    _asked(insight, "ERROR_EVENT", "")
    return Draft("burst", insight, APART)


def _asked(insight: pb.Insight, kind: str, name: str) -> None:
    """The question that gives the events."""
    query = insight.evidence.query
    query.time_range.start.CopyFrom(insight.start_time)
    query.time_range.end.CopyFrom(insight.end_time)
    condition = query.events.filter.all
    for path, value in (("type", kind), ("name", name)):
        if value:
            one = condition.filters.add().comparison
            one.field, one.operator = path, OPERATOR_EQUAL
            one.values.add(string_value=value)
