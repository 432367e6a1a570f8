"""What follows from what people have said of insights. Pure.

A false alarm makes its detector ten times as strict on the same series, a confirmation takes one of those back. What was expected is
not told again of its series at the same hour of the week, by whatever detector.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from tidemark.v1 import insight_pb2 as pb

STRICTER = 10.0
MOST = 6
"""More false alarms than these count no more."""


@dataclass(frozen=True, slots=True)
class Said:
    """What people have said about the series of a project."""

    false: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By series and detector, false alarms beyond those confirmed."""
    expected: frozenset[tuple[str, int]] = frozenset()
    """Series, and hours of the week at which something of them is expected."""
    judged: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By detector, how many of its findings were true, and how many false."""

    def about(self, detector: str) -> tuple[int, int]:
        """How many findings of a detector were true, and how many false."""
        return self.judged.get(detector, (0, 0))

    def silences(self, series: str, start: datetime, zone: ZoneInfo) -> bool:
        """Whether what begins then is expected."""
        return (series, hour_of_week(start, zone)) in self.expected

    def charged(self, series: str, detector: str, p_value: float) -> float:
        """The p-value by which a finding is judged: `STRICTER` times as large for each false alarm."""
        return min(1.0, p_value * STRICTER ** self.false.get((series, detector), 0))


def said(rows: Iterable[tuple[str, str, int, int]]) -> Said:
    """Out of series, detector, feedback and hour of each insight that somebody has judged."""
    false: Counter[tuple[str, str]] = Counter()
    judged: dict[str, tuple[int, int]] = {}
    expected = set()
    for series, detector, feedback, hour in rows:
        true, wrong = judged.get(detector, (0, 0))
        nothing = feedback == pb.FEEDBACK_FALSE_ALARM
        judged[detector] = true + (not nothing), wrong + nothing
        if feedback == pb.FEEDBACK_FALSE_ALARM:
            false[series, detector] += 1
        elif feedback == pb.FEEDBACK_CONFIRMED:
            false[series, detector] -= 1
        elif feedback == pb.FEEDBACK_EXPECTED:
            expected.add((series, hour))
    stricter = {key: min(count, MOST) for key, count in false.items() if count > 0}
    return Said(stricter, frozenset(expected), judged)


def hour_of_week(instant: datetime, zone: ZoneInfo) -> int:
    """From 0, the hour after midnight of Monday, to 167."""
    local = instant.astimezone(zone)
    return 24 * local.weekday() + local.hour


def state_after(insight: pb.Insight, feedback: int) -> pb.Insight.State:
    """How an insight stands once somebody has judged it."""
    if feedback == pb.FEEDBACK_FALSE_ALARM:
        return pb.Insight.STATE_DISMISSED
    return insight.state if insight.state == pb.Insight.STATE_EXPIRED else pb.Insight.STATE_ACKNOWLEDGED
