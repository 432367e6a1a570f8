"""What the pipeline knows about two spans: plain figures that `source` gathers, `account` counts, and `loss` and `facts` judge. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from services.kit.calendar import Span

Floats = npt.NDArray[np.float64]
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What became of what was received in a span."""

    stored: float = 0.0
    duplicate: float = 0.0
    rejected: float = 0.0
    dead: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Sender:
    """A producer. Arrays hold what was received of it, minute by minute of receipt."""

    producer_id: str
    before: Floats
    lead: Floats
    """The time right up to the change: how regularly it sends."""
    after: Floats
    was: Amounts = field(default_factory=Amounts)
    """Of the span before, scaled to one as long as that after."""
    now: Amounts = field(default_factory=Amounts)
    part_before: float = 0.0
    """Its part of the series before, 0 to 1."""
    part_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of a definition, 0 for none or where nothing is known."""

    what: str
    """`schema` or `rules`."""
    before: int
    after: int
    link: str


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Everything known. All amounts are those of events, for each bucket in the mean, unless they say otherwise."""

    before: float
    """The series before, for each bucket in the mean, in its own unit."""
    after: float
    events_before: float
    """How many events of its name there were, whatever the filter, or points of the metric."""
    events_after: float
    span: Span
    """Of the change."""
    buckets: float
    """How many buckets that has."""
    event: str = ""
    """The name of the event or metric; empty for all events."""
    seen_before: float = 1.0
    """Which part of them the series saw: those that its filter let pass, and that had the field which it reads."""
    seen_after: float = 1.0
    senders: tuple[Sender, ...] = ()
    stored_before: float = 0.0
    """Events and points of the project stored."""
    dead_part: float = 1.0
    """Which part of the dead letters of the project are of the event, 0 to 1."""
    rejected_part: float = 1.0
    moved: float = 0.0
    """Events under names that were not there before."""
    completeness: float = 1.0
    """Of the answer after, 0 to 1; NaN where it is not known."""
    watermark: datetime | None = None
    in_flight: float = 0.0
    """In all, not for each bucket: events of the project that are durable and not committed."""
    lag: timedelta = timedelta()
    """How long the oldest of them has been waiting."""
    paused: tuple[str, ...] = ()
    """Why partitions are paused."""
    versions: tuple[Versions, ...] = ()

    @property
    def change(self) -> float:
        """What has to be explained."""
        return self.after - self.before

    @property
    def worth(self) -> float:
        """What one event of the name is worth in the series."""
        if self.events_before > 0:
            return self.before / self.events_before
        return self.after / self.events_after if self.events_after > 0 else 0.0
