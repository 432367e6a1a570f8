"""Findings in plain words: figures come in, one-sentence titles and descriptions of some sentences go out. Pure.

Times are those of the project's time zone. A figure has three significant digits, thousands are set apart by a space.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tidemark.v1 import insight_pb2 as pb

WIDTHS = {60: "a minute", 3600: "an hour", 86_400: "a day", 604_800: "a week"}
_SPANS = {60: "minute", 3600: "hour", 86_400: "day", 604_800: "week"}
_CAUSES = {
    pb.CAUSE_DATA_INCIDENT: "The pipeline's own facts explain it: it is a data incident, not a change of the business.",
    pb.CAUSE_BUSINESS_CHANGE: "The pipeline's own facts tell nothing that would explain it.",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a series is called, and how its values are read."""

    subject: str
    """As a sentence begins, as in `“signup” events`."""
    seconds: int
    """The length of a bucket."""
    unit: str = ""
    counts: bool = True
    """Whether values are so many for each bucket."""

    def value(self, value: float) -> str:
        """A value with its unit."""
        text = number(value)
        if self.unit:
            text += f" {self.unit}"
        return f"{text} {WIDTHS.get(self.seconds, 'a bucket')}" if self.counts else text


def number(value: float) -> str:
    """A figure as people read it, as in 1 230, 0.0456 or 3.2 million."""
    if not math.isfinite(value):
        return "nothing"
    size = abs(value)
    for scale, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if size >= scale:
            return f"{value / scale:.3g} {name}" if size < 1e15 else f"{value:.3g}"
    if size >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ")
    if size and size < 1e-4:
        return f"{value:.2e}"
    return f"{float(f'{value:.3g}'):g}"


def percent(share: float) -> str:
    """A share as a percentage, as in 43 %."""
    return f"{number(100 * abs(share))} %"


def moment(at: datetime, zone: ZoneInfo, seconds: int = 60) -> str:
    """When something was, as in `14:00 on Tuesday, 3 March`; of days and weeks the date alone."""
    local = at.astimezone(zone)
    day = f"{local:%A}, {local.day} {local:%B}"
    return day if seconds >= 86_400 else f"{local:%H:%M} on {day}"


def lasting(seconds: float) -> str:
    """How long something was, as in `3 hours`."""
    for width in (86_400, 3600, 60):
        if seconds >= width:
            count = round(seconds / width)
            return f"{count} {_SPANS[width]}{'' if count == 1 else 's'}"
    return f"{max(1, round(seconds))} seconds"


def change(words: Words, value: float, relative: float, direction: pb.Direction) -> str:
    """What has happened, without when: `Sign-ups fell by 43 % to 120 an hour`."""
    verb = {pb.DIRECTION_UP: "rose", pb.DIRECTION_DOWN: "fell"}.get(direction, "changed")
    if value == 0 and words.counts and direction == pb.DIRECTION_DOWN:
        return f"{words.subject} stopped"
    by = f" by {percent(relative)}" if math.isfinite(relative) and abs(relative) < 10 else ""
    if math.isfinite(relative) and relative >= 10:
        by = f" {number(1 + relative)}-fold"
    return f"{words.subject} {verb}{by} to {words.value(value)}"


def band(words: Words, lower: float, upper: float) -> str:
    """What was expected, as a part of a sentence; empty where that is not known."""
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return ""
    if words.counts:
        lower = max(0.0, lower)
    if lower <= 0 and words.counts:
        return f"at most {words.value(upper)} were expected"
    return f"between {number(lower)} and {words.value(upper)} were expected"


def anomaly(
    words: Words,
    insight: pb.Insight,
    zone: ZoneInfo,
    figures: tuple[float, float, float, float],
    relative: float,
) -> None:
    """Says in title and description what an anomaly is; `figures` are value, expected, lower and upper."""
    value, expected, lower, upper = figures
    start = insight.start_time.ToDatetime(tzinfo=UTC)
    what = change(words, value, relative, insight.direction)
    when = f"{'on' if words.seconds >= 86_400 else 'at'} {moment(start, zone, words.seconds)}"
    usual = band(words, lower, upper)
    insight.title = f"{what} {when}" + (f"; {usual}" if usual else "")
    first = f"{what} {when}"
    if math.isfinite(expected):
        first += f", where {words.value(expected)} would have been usual"
    insight.description = " ".join([sentence(first), *reasons(insight)])


def threshold(words: Words, insight: pb.Insight, zone: ZoneInfo, value: float, limit: float) -> None:
    """Says that an indicator is beyond its threshold."""
    start = insight.start_time.ToDatetime(tzinfo=UTC)
    side = "above" if insight.direction == pb.DIRECTION_UP else "below"
    when = f"{'on' if words.seconds >= 86_400 else 'at'} {moment(start, zone, words.seconds)}"
    insight.title = f"{words.subject} went {side} {words.value(limit)}: {words.value(value)} {when}"
    insight.description = " ".join(
        [
            f"{words.subject} was {words.value(value)} {when}, {side} the threshold of {words.value(limit)}.",
            *reasons(insight),
        ]
    )


def reasons(insight: pb.Insight) -> list[str]:
    """How sure an insight is, and why it may be: sentences that close every description."""
    found = [f"The probability that this is no chance finding is {percent(insight.confidence)}."]
    if insight.cause in _CAUSES:
        found.append(_CAUSES[insight.cause])
    if insight.facts and insight.cause == pb.CAUSE_DATA_INCIDENT:
        found.append(sentence(insight.facts[0].text))
    elif insight.contributions:
        first = insight.contributions[0]
        parts = " and ".join(
            f"{field.rpartition('.')[2]} {value or '(none)'}"
            for field, value in zip(first.fields, first.values)
        )
        found.append(f"{percent(first.share)} of the change comes from {parts}.")
    return found


def sentence(text: str) -> str:
    """A text that ends like a sentence."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
