"""The answers to questions about people, as plain frozen dataclasses; `records.py` and `tables.py` have the other ones.

Shares are 0 to 1, times of conversions are seconds, and what was not measured is NaN or None.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from tidemark.plain import Metadata, Rows, instant, seconds, utc
from tidemark.tables import label
from tidemark.v1 import question_pb2


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step, and the people who came to it."""

    display_name: str
    people: int
    of_first: float
    of_previous: float
    median_time: float | None
    mean_time: float | None

    @classmethod
    def of(cls, message: question_pb2.FunnelStep) -> "FunnelStep":
        median, mean = _length(message, "median_time"), _length(message, "mean_time")
        return cls(message.display_name, message.people, message.of_first, message.of_previous, median, mean)


@dataclass(frozen=True, slots=True)
class TimeToConvert:
    """How long it takes from the first step to the last: a histogram, whose bars lie between `edges`."""

    median: float | None
    p90: float | None
    edges: tuple[float, ...]
    people: tuple[int, ...]

    @classmethod
    def of(cls, message: question_pb2.TimeToConvert) -> "TimeToConvert":
        median, p90 = _length(message, "median"), _length(message, "p90")
        return cls(median, p90, tuple(message.edges), tuple(message.people))


@dataclass(frozen=True, slots=True)
class FunnelGroup:
    """The funnel of some people."""

    label: str
    steps: tuple[FunnelStep, ...]
    time_to_convert: TimeToConvert

    @classmethod
    def of(cls, message: question_pb2.FunnelGroup) -> "FunnelGroup":
        steps = tuple(FunnelStep.of(step) for step in message.steps)
        return cls(_named(message), steps, TimeToConvert.of(message.time_to_convert))


@dataclass(frozen=True, slots=True)
class Funnel(Rows):
    """How many people do one step after the other: all of them first, then group by group."""

    groups: tuple[FunnelGroup, ...]
    metadata: Metadata | None = None

    @classmethod
    def of(cls, message: question_pb2.FunnelResult, metadata: Metadata) -> "Funnel":
        return cls(tuple(FunnelGroup.of(group) for group in message.groups), metadata)

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each step of each group."""
        return [
            {"group": group.label, "step": place, **asdict(step)}
            for group in self.groups
            for place, step in enumerate(group.steps)
        ]


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those who began in one period, and how many of them were `back` by offset; the first `complete` offsets cannot grow."""

    start: datetime
    people: int
    back: tuple[int, ...]
    complete: int

    @classmethod
    def of(cls, message: question_pb2.RetentionRow) -> "Cohort":
        return cls(utc(message.start), message.people, tuple(message.back), message.complete)

    @property
    def shares(self) -> tuple[float, ...]:
        """Which share of them was back, by offset."""
        return tuple(back / self.people if self.people else float("nan") for back in self.back)


@dataclass(frozen=True, slots=True)
class RetentionGroup:
    """The retention of some people; `mean` by offset."""

    label: str
    cohorts: tuple[Cohort, ...]
    mean: tuple[float, ...]

    @classmethod
    def of(cls, message: question_pb2.RetentionGroup) -> "RetentionGroup":
        return cls(_named(message), tuple(Cohort.of(row) for row in message.rows), tuple(message.mean))


@dataclass(frozen=True, slots=True)
class Retention(Rows):
    """How many people come back: all of them first, then group by group."""

    groups: tuple[RetentionGroup, ...]
    metadata: Metadata | None = None

    @classmethod
    def of(cls, message: question_pb2.RetentionResult, metadata: Metadata) -> "Retention":
        return cls(tuple(RetentionGroup.of(group) for group in message.groups), metadata)

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each offset of each period."""
        return [
            {
                "group": group.label,
                "start": cohort.start,
                "people": cohort.people,
                "offset": offset,
                "back": back,
                "complete": offset < cohort.complete,
            }
            for group in self.groups
            for cohort in group.cohorts
            for offset, back in enumerate(cohort.back)
        ]


@dataclass(frozen=True, slots=True)
class Lifecycle(Rows):
    """Who is new, returning, resurrecting and dormant, by period."""

    starts: tuple[datetime, ...]
    new: tuple[int, ...]
    returning: tuple[int, ...]
    resurrecting: tuple[int, ...]
    dormant: tuple[int, ...]
    metadata: Metadata | None = None

    @classmethod
    def of(cls, message: question_pb2.LifecycleResult, metadata: Metadata) -> "Lifecycle":
        starts = tuple(map(utc, message.starts))
        return cls(
            starts,
            tuple(message.new),
            tuple(message.returning),
            tuple(message.resurrecting),
            tuple(message.dormant),
            metadata,
        )

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each period."""
        return _columns(self, "start", self.starts, ("new", "returning", "resurrecting", "dormant"))


@dataclass(frozen=True, slots=True)
class Sessions(Rows):
    """What people do in one go, by the bucket in which it begins, and over the whole time."""

    starts: tuple[datetime, ...]
    sessions: tuple[int, ...]
    mean_seconds: tuple[float, ...]
    bounce_share: tuple[float, ...]
    mean_events: tuple[float, ...]
    total: Mapping[str, float]
    """sessions, people, mean_seconds, median_seconds, bounce_share and mean_events."""
    entries: Mapping[str, int]
    exits: Mapping[str, int]
    metadata: Metadata | None = None

    @classmethod
    def of(cls, message: question_pb2.SessionsResult, metadata: Metadata) -> "Sessions":
        total = message.total
        return cls(
            starts=tuple(map(utc, message.bucket_starts)),
            sessions=tuple(message.sessions),
            mean_seconds=tuple(message.mean_seconds),
            bounce_share=tuple(message.bounce_share),
            mean_events=tuple(message.mean_events),
            total={
                "sessions": total.sessions,
                "people": total.people,
                "mean_seconds": seconds(total.mean),
                "median_seconds": seconds(total.median),
                "bounce_share": total.bounce_share,
                "mean_events": total.mean_events,
            },
            entries={each.value: each.count for each in message.entries},
            exits={each.value: each.count for each in message.exits},
            metadata=metadata,
        )

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each bucket."""
        names = ("sessions", "mean_seconds", "bounce_share", "mean_events")
        return _columns(self, "start", self.starts, names)


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that is done at one step of paths."""

    step: int
    value: str
    other: bool
    paths: int
    ended: int

    @property
    def label(self) -> str:
        """What people call it."""
        return label((self.value,), other=self.other)


@dataclass(frozen=True, slots=True)
class Link:
    """How many paths go from one node to another."""

    begin: Node
    end: Node
    paths: int


@dataclass(frozen=True, slots=True)
class Paths(Rows):
    """The ways that people take."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    paths: int
    metadata: Metadata | None = None

    @classmethod
    def of(cls, message: question_pb2.PathsResult, metadata: Metadata) -> "Paths":
        nodes = tuple(
            Node(each.step, each.value, each.other, each.paths, each.ended) for each in message.nodes
        )
        links = tuple(
            Link(nodes[getattr(each, "from")], nodes[each.to], each.paths) for each in message.links
        )
        return cls(nodes, links, message.paths, metadata)

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each link."""
        return [
            {"step": link.begin.step, "value": link.begin.label, "next": link.end.label, "paths": link.paths}
            for link in self.links
        ]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, and their events of the time asked about."""

    user_id: str
    first_seen: datetime | None
    last_seen: datetime | None
    events: int


@dataclass(frozen=True, slots=True)
class People(Rows):
    """A page of people, who were active last first; `total` counts those of all pages."""

    people: tuple[Person, ...]
    total: int
    metadata: Metadata | None = None
    next_page_token: str = ""

    @classmethod
    def of(
        cls, message: question_pb2.PeopleResult, metadata: Metadata, next_page_token: str = ""
    ) -> "People":
        people = tuple(
            Person(each.user_id, instant(each.first_seen), instant(each.last_seen), each.events)
            for each in message.people
        )
        return cls(people, message.total, metadata, next_page_token)

    def __iter__(self) -> Iterator[Person]:
        return iter(self.people)

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each of them."""
        return [asdict(person) for person in self.people]


def _columns(
    answer: object, lead: str, starts: Sequence[datetime], names: Sequence[str]
) -> list[dict[str, Any]]:
    columns = [getattr(answer, name) for name in names]
    return [
        {lead: start, **dict(zip(names, values, strict=True))}
        for start, *values in zip(starts, *columns, strict=True)
    ]


def _named(group: question_pb2.FunnelGroup | question_pb2.RetentionGroup) -> str:
    return label(() if group.all else (group.group,), other=group.other, otherwise="all")


def _length(message: Message, name: str) -> float | None:
    return seconds(getattr(message, name)) if message.HasField(name) else None
