"""Which of the findings of continuous work are told: over a day, at most a stated share of them may be false. Pure.

Each task has a control of its own, so that what is told by all of them together keeps the rate as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.insights.detect.discovery import Day
from services.insights.watch.judge import Found

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Held:
    """A finding that is told."""

    found: Found
    q_value: float
    """The rate at which it would just have been told; 0 where no chance is at work."""


@dataclass(frozen=True, slots=True)
class Control:
    """How many findings of a day (of UTC) were told so far."""

    date: str = ""
    told: int = 0

    def held(
        self, found: Sequence[Found], series: int, now: datetime, rate: float
    ) -> tuple[list[Held], "Control"]:
        """Those that may be told, of findings in so many series, and how it stands then.

        What goes on and what crossed a threshold passes: the one adds nothing but length, the other owes nothing to chance.
        """
        date = f"{now.astimezone(UTC):%Y-%m-%d}"
        told = self.told if date == self.date else 0
        passed = []
        for each in sorted(found, key=lambda one: (one.start, one.p_value)):
            buckets = max(1, DAY_SECONDS // each.watched.words.seconds)
            day = Day(planned=max(1, series) * buckets, told=told)
            if not each.alarm or each.detector == "threshold":
                passed.append(Held(each, 0.0))
                continue
            q_value = day.q_value(each.p_value)
            if day.tells(each.p_value, rate):
                passed.append(Held(each, q_value))
                told = day.told
        return passed, Control(date, told)

    def plain(self) -> list[object]:
        """As JSON holds it."""
        return [self.date, self.told]

    @classmethod
    def of(cls, plain: Sequence[object]) -> "Control":
        """What `plain` has made."""
        date, told = plain
        return cls(str(date), int(str(told)))
