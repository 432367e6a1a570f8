"""How questions are written: texts and plain values come in, as `spelling.py` says; a `tidemark.v1.Query` goes out to `asking.py`.

    series("order_placed", measure="sum properties.amount", by=["properties.country"], interval="day", last="30d")
    table(measure=["count of signup", "count of order_placed"], formulas={"rate": "B / A * 100"}, by=["properties.country"])
    funnel(["signup", "order_placed where properties.amount > 10"], window="7d", during="last month")
    people(funnel(["signup", "order_placed"]), step=1, lost=True)

Every builder takes the time as `last`, `start` and `end`, or `during`; the last 24 hours when none is given. `condition` and
`time_range` are for messages of the contract that callers build themselves. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, Unpack

import orjson

from tidemark import spelling
from tidemark.spelling import Condition, Instant, Measure, Span, Step
from tidemark.spelling import condition as condition
from tidemark.spelling import time_range as time_range
from tidemark.v1 import question_pb2 as pb

_FILLS = {
    "": pb.FILL_UNSPECIFIED,
    "none": pb.FILL_NONE,
    "zero": pb.FILL_ZERO,
    "previous": pb.FILL_PREVIOUS,
    "linear": pb.FILL_LINEAR,
}
_MODES = {"on": pb.RetentionQuestion.MODE_ON, "on or after": pb.RetentionQuestion.MODE_ON_OR_AFTER}
_ENTRIES = {"first": pb.RetentionQuestion.START_FIRST, "every": pb.RetentionQuestion.START_EVERY}
_STATES = {
    "new": pb.LIFECYCLE_STATE_NEW,
    "returning": pb.LIFECYCLE_STATE_RETURNING,
    "resurrecting": pb.LIFECYCLE_STATE_RESURRECTING,
    "dormant": pb.LIFECYCLE_STATE_DORMANT,
}
_NOUNS = {"lifecycle": "a period and a state", "retention": "a period"}


class When(TypedDict, total=False):
    """The time asked about, as `spelling.time_range` takes it, and the zone in which days begin."""

    last: Span | None
    start: Instant | None
    end: Instant | None
    during: str | None
    time_zone: str


def events(
    name: str = "",
    *,
    where: Iterable[Condition] = (),
    **when: Unpack[When],
) -> pb.Query:
    """The events of this name that fit every condition, newest first."""
    named = [spelling.condition(f"name = {orjson.dumps(name).decode()}")] if name else []
    question = pb.EventsQuestion(filter=spelling.every([*named, *_listed(where)]))
    return _query(when, events=question)


def series(
    name: str = "",
    *,
    measure: Measure | Iterable[Measure] = "count",
    source: str = "events",
    by: Iterable[str] = (),
    where: Iterable[Condition] = (),
    formulas: Mapping[str, str] | None = None,
    hide: Iterable[str] = (),
    interval: str = "",
    top: int = 0,
    fill: str = "",
    compare: bool = False,
    **when: Unpack[When],
) -> pb.Query:
    """Measures over time of the events, or `source="metrics"`, of this name; split `by` fields, `top` of them apart.

    `formulas` are computed from the measures, which they call `A`, `B`, … or as in `buyers = uniques of order_placed`; measures
    to `hide` serve formulas alone.
    """
    question = pb.SeriesQuestion(
        measures=_measures(measure, name, source, formulas, hide),
        formulas=_formulas(formulas),
        filter=spelling.every(where),
        interval=spelling.interval(interval),
        group_by=_listed(by),
        top=top,
        fill=spelling.chosen("fill", fill, _FILLS),  # type: ignore[arg-type]
        compare=_compared(compare),
    )
    return _query(when, series=question)


def table(
    name: str = "",
    *,
    measure: Measure | Iterable[Measure] = "count",
    source: str = "events",
    by: Iterable[str] = (),
    where: Iterable[Condition] = (),
    formulas: Mapping[str, str] | None = None,
    hide: Iterable[str] = (),
    top: int = 0,
    order_by: str = "",
    ascending: bool = False,
    compare: bool = False,
    **when: Unpack[When],
) -> pb.Query:
    """Measures of each group over the whole time, largest first; as `series` otherwise."""
    question = pb.TableQuestion(
        measures=_measures(measure, name, source, formulas, hide),
        formulas=_formulas(formulas),
        filter=spelling.every(where),
        group_by=_listed(by),
        top=top,
        order_by=order_by,
        ascending=ascending,
        compare=_compared(compare),
    )
    return _query(when, table=question)


def funnel(
    steps: Iterable[Step],
    *,
    window: Span | None = None,
    by: str = "",
    where: Iterable[Condition] = (),
    top: int = 0,
    **when: Unpack[When],
) -> pb.Query:
    """How many people do one step after the other, the last of them within `window` of the first."""
    question = pb.FunnelQuestion(
        steps=map(spelling.step, steps),
        window=_length(window),
        filter=spelling.every(where),
        group_by=by,
        top=top,
    )
    return _query(when, funnel=question)


def retention(
    began: Step | None = None,
    back: Step | None = None,
    *,
    period: str = "day",
    periods: int = 0,
    mode: str = "on",
    entry: str = "first",
    by: str = "",
    where: Iterable[Condition] = (),
    top: int = 0,
    **when: Unpack[When],
) -> pb.Query:
    """How many of those who `began` in a period come `back`, `on` a later one or `on or after` it."""
    question = pb.RetentionQuestion(
        start=_step(began),
        back=_step(back),
        period=spelling.period(period),
        periods=periods,
        mode=spelling.chosen("mode", mode, _MODES),  # type: ignore[arg-type]
        entry=spelling.chosen("entry", entry, _ENTRIES),  # type: ignore[arg-type]
        group_by=by,
        top=top,
        filter=spelling.every(where),
    )
    return _query(when, retention=question)


def lifecycle(
    activity: Step | None = None,
    *,
    period: str = "day",
    **when: Unpack[When],
) -> pb.Query:
    """Who is new, returning, resurrecting and dormant in each period."""
    question = pb.LifecycleQuestion(activity=_step(activity), period=spelling.period(period))
    return _query(when, lifecycle=question)


def sessions(
    *,
    where: Iterable[Condition] = (),
    gap: Span | None = None,
    interval: str = "",
    top: int = 0,
    **when: Unpack[When],
) -> pb.Query:
    """How long people stay, and where they enter and leave; a `gap` without an event ends a session."""
    question = pb.SessionsQuestion(
        filter=spelling.every(where), gap=_length(gap), interval=spelling.interval(interval), top=top
    )
    return _query(when, sessions=question)


def paths(
    begin: Step | None = None,
    *,
    backwards: bool = False,
    depth: int = 0,
    top: int = 0,
    step_by: str = "",
    where: Iterable[Condition] = (),
    gap: Span | None = None,
    **when: Unpack[When],
) -> pb.Query:
    """The ways that people take from an event or, `backwards`, to it."""
    question = pb.PathsQuestion(
        start=_step(begin),
        backwards=backwards,
        depth=depth,
        top=top,
        step_by=step_by,
        filter=spelling.every(where),
        gap=_length(gap),
    )
    return _query(when, paths=question)


def window(
    window: str,
    *,
    aggregates: Iterable[str] = (),
    key: Iterable[str] = (),
    top: int = 0,
    **when: Unpack[When],
) -> pb.Query:
    """What a window has kept, told by its name `projects/{project}/windows/{window}`; only some aggregates, or only one key."""
    asked = pb.WindowQuestion(window=window, aggregates=_listed(aggregates), key=_listed(key), top=top)
    return _query(when, window=asked)


def people(
    of: pb.Query | Step | None = None,
    *,
    cohort: str = "",
    step: int = 0,
    lost: bool = False,
    group: str | None = None,
    begin: Instant | None = None,
    offset: int = 0,
    state: str = "",
    **when: Unpack[When],
) -> pb.Query:
    """Who they are: those that did something, those of a cohort, or those behind a figure of another question.

    Of a funnel: who came to a `step` from 0, or was `lost` there, perhaps of one `group`. Of a retention: who began in the period
    that begins at `begin` and was back, or `lost`, `offset` periods later. Of a lifecycle: who was in a `state` in that period.
    The time is that of the other question.
    """
    if isinstance(of, pb.Query):
        if given := [name for name, value in when.items() if value]:
            raise ValueError(f"{given[0]}: is given beside a question, which has its own; leave it out")
        group_of = _behind(of, step, lost, group, begin, offset, state)
        return pb.Query(time_range=of.time_range, time_zone=of.time_zone, people=group_of)
    if cohort and of is not None:
        raise ValueError("cohort: is given beside what was done; give one of them")
    who = pb.PeopleQuestion(cohort=cohort) if cohort else pb.PeopleQuestion(did=_did(of))
    return _query(when, people=who)


def _query(when: When, **question: Any) -> pb.Query:
    span = spelling.time_range(when.get("last"), when.get("start"), when.get("end"), when.get("during"))
    return pb.Query(time_range=span, time_zone=when.get("time_zone", ""), **question)


def _behind(
    of: pb.Query, step: int, lost: bool, group: str | None, begin: Instant | None, offset: int, state: str
) -> pb.PeopleQuestion:
    """The people behind a figure of a question."""
    kind = of.WhichOneof("question")
    if kind == "funnel":
        return pb.PeopleQuestion(funnel=pb.FunnelPeople(funnel=of.funnel, step=step, lost=lost, group=group))
    if kind not in _NOUNS:
        raise ValueError(f"of: is a question for {kind}; give one for a funnel, retention or lifecycle")
    if begin is None:
        raise ValueError(f"begin: is missing; the people of a {kind} belong to {_NOUNS[kind]}")
    if kind == "retention":
        cell = pb.RetentionPeople(
            retention=of.retention, start=spelling.timestamp(begin), offset=offset, lost=lost
        )
        return pb.PeopleQuestion(retention=cell)
    chosen: Any = spelling.chosen("state", state, _STATES)
    return pb.PeopleQuestion(
        lifecycle=pb.LifecyclePeople(lifecycle=of.lifecycle, start=spelling.timestamp(begin), state=chosen)
    )


def _measures(
    asked: Measure | Iterable[Measure],
    name: str,
    source: str,
    formulas: Mapping[str, str] | None,
    hide: Iterable[str],
) -> list[pb.Measure]:
    """The measures; what has no name of its own is called by its text or, for formulas, by a letter."""
    texts = [asked] if isinstance(asked, str | pb.Measure) else list(asked)
    found = [spelling.measure(text, name, spelling.source(source)) for text in texts]  # type: ignore[arg-type]
    for place, (text, each) in enumerate(zip(texts, found, strict=True)):
        if formulas and each.id == text:
            each.id = chr(ord("A") + place)
    unknown = set(hide) - {each.id for each in found}
    if unknown:
        raise ValueError(
            f"hide: {min(unknown)!r} is no measure; they are {', '.join(each.id for each in found)}"
        )
    for each in found:
        each.hidden = each.hidden or each.id in set(hide)
    return found


def _formulas(formulas: Mapping[str, str] | None) -> list[pb.Formula]:
    return [pb.Formula(id=name, expression=text) for name, text in (formulas or {}).items()]


def _listed(given: Iterable[Any]) -> list[Any]:
    """A single text stands for a list of it."""
    return [given] if isinstance(given, str | pb.Filter) else list(given)


def _compared(compare: bool) -> pb.Compare:
    return pb.COMPARE_PREVIOUS_PERIOD if compare else pb.COMPARE_UNSPECIFIED


def _length(given: Span | None) -> Any:
    return None if given is None else spelling.duration(given)


def _step(given: Step | None) -> pb.Step | None:
    return None if given is None else spelling.step(given)


def _did(given: Step | None) -> pb.Step:
    return spelling.step("*" if given is None else given)
