"""A state of the data: what a snapshot says of itself comes in, a text that names it goes out with the answer; callers bring that back
as `as_of`, and it becomes the facts of then again. Pure.

Batches are numbered in each partition in the order in which they are committed, so that how many there are in each tells which rows
were there: a row belongs to a state when the number of its batch is below that of its partition (decision record 0029).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from services.kit import opaque
from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.kit.instant import at, us_of
from services.kit.keys import MAX_PARTITIONS
from services.kit.period import LAST_END

Counts = tuple[int, ...]
"""A number for each partition."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a snapshot of the database says about itself; or what one said that has passed."""

    at: datetime
    """The database's clock."""
    versions: Counts
    """How often each partition was committed to."""
    batches: Counts
    """The batches committed."""
    watermark: datetime | None
    """The event time up to which every partition is believed complete."""
    totals: Counts = ()
    """Events and points of the project ever committed: every commit that holds some makes one grow."""
    received_hour: int = 0
    """Of those: received in the last hour; 0 where nobody needs to know."""
    removals: int = 0
    """How often the data changed without anything received: rows removed, by retention or with a person; windows changed; repairs."""
    removed: int = 0
    """How often of those rows were removed."""
    project_id: int = 0
    in_flight: int | None = None
    """What has passed only: events and points that the log held beside; None where that was not known."""
    passed: bool = False
    """Whether it is a state that an answer was given of before."""
    told_at: datetime | None = None
    """What has passed only: when the database told of it again."""
    gone: int = 0
    """What has passed only: how often rows were removed since."""
    behind: float | None = None
    """How many seconds behind the primary that server may be which tells; None where it is the primary."""

    @property
    def received(self) -> int:
        """Events and points of the project ever committed."""
        return sum(self.totals)

    @property
    def version(self) -> str:
        """Names this state of the project's data; other projects do not change it."""
        gone = (self.gone,) if self.gone else ()
        return opaque.sealed(orjson.dumps((*self.totals, self.removals, *gone)))

    def since(self, then: "Facts") -> "Facts":
        """The facts of a state that has passed, as this snapshot can still tell of it; raises `Invalid` where it never came to be."""
        if not self.reached(then):
            raise Invalid("as_of", "is a state that this database has not come to; ask without it")
        return replace(then, told_at=self.at, gone=self.removed - then.removed, behind=self.behind)

    def reached(self, then: "Facts") -> bool:
        """Whether this snapshot holds all that a state held which has passed."""
        for before, now in ((then.batches, self.batches), (then.totals, self.totals)):
            if len(before) > len(now) or any(old > new for old, new in zip(before, now)):
                return False
        return then.at <= self.at and then.removed <= self.removed

    def unchanged(self, then: "Facts") -> bool:
        """Whether nothing has come into the project since a state."""
        return (self.totals, self.removals - self.removed) == (then.totals, then.removals - then.removed)


@dataclass(frozen=True, slots=True)
class Until:
    """What belongs to a state that has passed."""

    batches: Counts
    """How many batches of each partition do."""
    changed: tuple[Span, ...] | None
    """When that happened which came since; None where nobody knows any more."""

    def limit(self, span: Span) -> Counts:
        """How many batches count of what happened in a span; none are named where all do."""
        known = self.changed is not None and not any(span.overlaps(each) for each in self.changed)
        return () if known else self.batches


def name(facts: Facts, in_flight: int | None) -> str:
    """The text that names a state to callers."""
    watermark = None if facts.watermark is None else us_of(facts.watermark)
    told = (
        facts.project_id, us_of(facts.at), watermark, facts.versions, facts.batches, facts.totals, facts.received_hour,
        facts.removals, facts.removed, in_flight,
    )  # fmt: skip
    return opaque.sealed(orjson.dumps(told))


def read(text: str, project_id: int) -> Facts | None:
    """The facts of a state by its name; None where none is named. Raises `Invalid` for a text that names no state of the project."""
    if not text:
        return None
    try:
        project, given, watermark, versions, batches, totals, hour, removals, removed, waiting = orjson.loads(
            opaque.opened(text)
        )
        found = Facts(
            at=_instant(given),
            versions=_counts(versions),
            batches=_counts(batches),
            watermark=None if watermark is None else _instant(watermark),
            totals=_counts(totals),
            received_hour=_count(hour),
            removals=_count(removals),
            removed=_count(removed),
            project_id=_count(project),
            in_flight=None if waiting is None else _count(waiting),
            passed=True,
        )
    except (TypeError, ValueError) as error:
        raise _unknown(text) from error
    if found.project_id != project_id or not 0 < len(found.batches) <= MAX_PARTITIONS:
        raise _unknown(text)
    return found


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(value)
    return value


def _counts(values: Iterable[object]) -> Counts:
    return tuple(map(_count, values))


def _instant(value: object) -> datetime:
    if _count(value) > us_of(LAST_END):
        raise ValueError(value)
    return at(_count(value))


def _unknown(text: str) -> Invalid:
    return Invalid(
        "as_of",
        f"is {text[:40]!r}, which names no state of this project's data; give `metadata.as_of` of one of its answers",
    )
