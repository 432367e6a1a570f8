"""From a question about people to its answer: `scan` says which rows it takes, `result` makes the answer of them.

Both are called by `services.query.source`, which reads the rows in between. A scan is as narrow as its question allows: only
events that can matter, from the span in which they can.
"""

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa

from services.kit.calendar import Span
from services.kit.instant import EPOCH
from services.query.behaviour import funnel, lifecycle, paths, retention, sessions
from services.query.behaviour.question import (
    Behaviour,
    Came,
    Did,
    Funnel,
    Lifecycle,
    Lived,
    Paths,
    People,
    Retention,
    Returned,
    Sessions,
)
from services.query.behaviour.timeline import Timeline
from services.query.columnar.scan import Column, Flag, Scan, Text
from services.query.fields import Field, field
from services.query.filter import EVERYTHING, All, Any, Comparison, Condition, Members, both
from tidemark.v1 import question_pb2 as pb

Result = pb.FunnelResult | pb.RetentionResult | pb.LifecycleResult | pb.SessionsResult | pb.PathsResult
Timed = Funnel | Retention | Lifecycle


def scan(question: Behaviour) -> Scan:
    """The rows that a question takes."""
    match question:
        case Funnel() | Retention() | Lifecycle():
            parts = _parts(question)
            limit = EVERYTHING if isinstance(question, Lifecycle) else question.filter
            condition = both(limit, either(*parts.values()))
            # What holds of every row that is read needs no column.
            flags = {name: part for name, part in parts.items() if part != condition}
            return Scan(_reach(question), condition, _columns(flags, _group(question)), cuts=_cuts(question))
        case Sessions():
            start, end = (
                max(question.span.start - sessions.MARGIN, EPOCH),
                question.span.end + sessions.MARGIN,
            )
            texts = {"name": _field("name"), "session": _field("session_id")}
            return Scan(
                Span(start, end), EVERYTHING, _columns({"fits": question.filter}, texts), anonymous=True
            )
        case Paths():
            columns = _columns({"start": question.start}, {"step": question.field})
            return Scan(question.span, question.filter, columns)
        case People():
            return _people(question)


def result(
    question: Funnel | Retention | Lifecycle | Sessions | Paths, table: pa.Table, now: datetime
) -> tuple[Result, tuple[str, ...]]:
    """The answer, of the table of the question's scan, and what people should know before they use it."""
    timeline = Timeline(table)
    match question:
        case Funnel():
            return funnel.result(question, timeline, now)
        case Retention():
            return retention.result(question, timeline, now), ()
        case Lifecycle():
            return lifecycle.result(question, timeline, now)
        case Sessions():
            return sessions.result(question, timeline)
        case Paths():
            return paths.result(question, timeline), ()


def _people(question: People) -> Scan:
    """All events of the time range, for what is told of each person, and those that tell who they are."""
    match question.group:
        case Did(condition):
            return Scan(question.span, EVERYTHING, _columns({"did": condition}))
        case Members() as members:
            return Scan(question.span, members)
        case Came(asked) | Returned(asked) | Lived(asked):
            limit = EVERYTHING if isinstance(asked, Lifecycle) else asked.filter
            flags = {name: both(limit, part) for name, part in _parts(asked).items()}
            reach = _reach(asked)
            span = Span(min(reach.start, question.span.start), max(reach.end, question.span.end))
            condition = either(within(question.span), *flags.values())
            cuts: tuple[datetime, ...] = ()
            if isinstance(asked, Lifecycle):
                cuts = (*(each for each in asked.edges if each < question.span.start), question.span.start)
            return Scan(span, condition, _columns(flags, _group(asked)), cuts=cuts)


def _parts(question: Timed) -> dict[str, Condition]:
    """What is told of each row, by the name of its column."""
    match question:
        case Funnel(steps=steps):
            return {f"step{i}": step.condition for i, step in enumerate(steps)}
        case Retention(start=start, back=back):
            return {"start": start, "back": back}
        case Lifecycle(activity=activity):
            return {"active": activity}


def _reach(question: Timed) -> Span:
    """The span from which events matter."""
    match question:
        case Funnel(span=span, window=window):
            return Span(span.start, span.end + window)
        case Retention(span=span, edges=edges):
            return Span(span.start, edges[-1])
        case Lifecycle(edges=edges):
            return Span(EPOCH, edges[-1])


def _group(question: Timed) -> dict[str, Field]:
    if isinstance(question, Lifecycle) or question.group is None:
        return {}
    return {"group": question.group}


def _cuts(question: Timed) -> tuple[datetime, ...]:
    match question:
        case Lifecycle(edges=edges):
            return edges
        case Retention(edges=edges, group=None):
            return tuple(sorted({*edges, question.span.end}))
        case _:
            # The order of steps matters, and so does what the first start of somebody was like.
            return ()


def _columns(flags: Mapping[str, Condition], texts: Mapping[str, Field] | None = None) -> tuple[Column, ...]:
    kept = [Flag(name, condition) for name, condition in flags.items() if condition != EVERYTHING]
    return (*kept, *(Text(name, each) for name, each in (texts or {}).items()))


def either(*conditions: Condition) -> Condition:
    """At least one of the conditions."""
    different = tuple(dict.fromkeys(conditions))
    if EVERYTHING in different:
        return EVERYTHING
    return different[0] if len(different) == 1 else Any(different)


def within(span: Span) -> Condition:
    """That an event lies in a span."""
    at = _field("occurred_at")
    return All(
        (
            Comparison(at, pb.OPERATOR_GREATER_OR_EQUAL, (span.start,)),
            Comparison(at, pb.OPERATOR_LESS, (span.end,)),
        )
    )


def _field(path: str) -> Field:
    return field(path, pb.SOURCE_EVENTS, path)
