"""What is read for a question about a window: the question and the window come in, a `Reading` goes out to `sql` and `shape`. Pure."""

from dataclasses import dataclass
from datetime import datetime

from services.kit import window as kit
from services.kit.calendar import Step, edges, fitting, seconds_of
from services.kit.errors import Invalid
from services.kit.instant import at, us_of
from services.kit.sketch import QUANTILE_ERROR, UNIQUES_ERROR
from services.query.trust import Origin
from services.query.windows.question import Window
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.window_pb2 import Window as Kept
from tidemark.v1.window_pb2 import WindowAggregate

MAX_BUCKETS, MAX_VALUES = 10_000, 400_000
"""As for series: the answer stays below the 4 MiB that gRPC clients take by default."""
_MINUTE = Step(pb.Interval.UNIT_MINUTE, 1)
_ERRORS = {kit.UNIQUES: UNIQUES_ERROR, kit.QUANTILE: QUANTILE_ERROR}


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read of a window, and how it is shown."""

    question: Window
    number: int
    window: Kept
    aggregates: tuple[tuple[int, WindowAggregate], ...]
    """Those shown, with their places in the window, from 1."""
    starts: tuple[datetime, ...]
    """When windows begin or, of sessions, buckets of those that begin in them."""

    @property
    def session(self) -> bool:
        """Whether it is of sessions."""
        return self.window.HasField("session")

    @property
    def keyed(self) -> bool:
        """Whether keys must be chosen: there may be many, and the question names none."""
        return bool(self.window.key) and not self.question.key

    @property
    def mergeable(self) -> bool:
        """Whether each event is in one window, so that there is a total."""
        return not self.window.HasField("hopping")

    @property
    def origin(self) -> Origin:
        """Where the answer comes from, and how exact it is."""
        bound = max(_ERRORS.get(each.aggregation, 0.0) for _, each in self.aggregates)
        return Origin(pb.DATA_SOURCE_ROLLUP, bound)


def read(question: Window, number: int, window: Kept) -> Reading:
    """What is read of the window with this number; raises `Invalid` for what it has not."""
    places = {each.id: (place, each) for place, each in enumerate(window.aggregates, 1)}
    for i, name in enumerate(question.aggregates):
        if name not in places:
            raise Invalid(
                f"query.window.aggregates[{i}]",
                f"is {name[:100]!r}; aggregates of the window are {', '.join(places)}",
            )
    if question.key and len(question.key) != len(window.key):
        fields = ", ".join(window.key) or "none"
        raise Invalid(
            "query.window.key",
            f"has {len(question.key)} values; give one for each field of the window: {fields}",
        )
    shown = tuple(places[name] for name in question.aggregates or places)
    lines = len(shown) * (question.top + 1 if window.key and not question.key else 1)
    most = min(MAX_BUCKETS, MAX_VALUES // lines)
    starts = _buckets(question, most) if window.HasField("session") else _begins(question, window, most)
    return Reading(question, number, window, shown, starts)


def _begins(question: Window, window: Kept, most: int) -> tuple[datetime, ...]:
    """When windows begin in the span."""
    every, start, end = kit.every_us(window), us_of(question.span.start), us_of(question.span.end)
    found = range(-(-start // every) * every, end, every)
    if len(found) > most:
        raise Invalid(
            "query.time_range",
            f"has {len(found)} windows, and {most} are shown at most; ask for a shorter range",
        )
    return tuple(map(at, found))


def _buckets(question: Window, most: int) -> tuple[datetime, ...]:
    step = fitting(question.span.length)
    found = edges(question.span, step if seconds_of(step) >= 60 else _MINUTE, question.zone, most + 1)
    if found[-1] < question.span.end:
        raise Invalid("query.time_range", f"has more than {most} buckets; ask for a shorter range")
    return found[:-1]
