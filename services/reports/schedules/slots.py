"""What becomes of slots that have come: instants come in with the clock and the policy, what runs and what is left out goes out. Pure.

`worker` writes a run for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidemark.v1.schedule_pb2 import Schedule

ON_TIME = timedelta(minutes=5)
"""A slot that is found so late at most is not missed: servers are started anew, and clocks differ."""
WINDOW, LONGEST_WINDOW = timedelta(days=7), timedelta(days=31)
TOLD = 100
"""Slots left out that the history tells of at once, the newest."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An instant at which a schedule runs, or why it does not."""

    at: datetime
    left_out: str = ""


def judged(come: Sequence[datetime], catch_up: int, window: timedelta, now: datetime) -> list[Slot]:
    """Slots that have come since somebody looked last, earliest first: which of them run."""
    found = [Slot(at, _left_out(at, at == come[-1], catch_up, window, now)) for at in come]
    forgotten = set([each for each in found if each.left_out][:-TOLD])
    return [each for each in found if each not in forgotten]


def _left_out(at: datetime, last: bool, catch_up: int, window: timedelta, now: datetime) -> str:
    late = now - at
    if late <= ON_TIME and (last or catch_up != Schedule.CATCH_UP_UNSPECIFIED):
        return ""
    if catch_up == Schedule.CATCH_UP_NONE:
        return "missed: nothing ran at its time, and it is not caught up with"
    if catch_up == Schedule.CATCH_UP_UNSPECIFIED and not last:
        return "missed: nothing ran at its time, and only the last slot is caught up with"
    if late > window:
        return f"missed: nothing ran at its time, which is longer ago than the {_length(window)} that are caught up with"
    return ""


def _length(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours >= 48 and hours % 24 == 0 else f"{hours:g} hours"
