"""When the tasks of continuous work are done, and how far back they look. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.insights.watch.series import SECONDS
from services.kit.calendar import beginning, floor
from tidemark.v1.question_pb2 import Interval

UNITS = {"minutes": Interval.UNIT_MINUTE, "hours": Interval.UNIT_HOUR, "days": Interval.UNIT_DAY}
"""The tasks that look at series, and the width of the buckets that they look at."""
HISTORY: dict[int, timedelta] = {
    Interval.UNIT_MINUTE: timedelta(days=2),
    Interval.UNIT_HOUR: timedelta(days=56),
    Interval.UNIT_DAY: timedelta(days=400),
    Interval.UNIT_WEEK: timedelta(days=728),
}
"""What a series is learnt from; also the longest gap that is caught up with bucket by bucket, beyond which it is learnt anew."""
LONGER: dict[int, timedelta] = {**HISTORY, Interval.UNIT_MINUTE: timedelta(days=6)}
"""What the daily look reads of indicators."""
AFTER = {
    "minutes": timedelta(seconds=3),
    "hours": timedelta(seconds=90),
    "days": timedelta(minutes=30),
}
"""How long after the end of a bucket it is looked at."""
AGAIN = {"minutes": timedelta(seconds=5), "hours": timedelta(minutes=1)}
"""How long is waited for a bucket that was not finished then; for half of its width at most, and then with the next one."""


def edge(start: datetime, unit: Interval.Unit, zone: ZoneInfo) -> datetime:
    """When the bucket of an instant begins."""
    if SECONDS[unit] <= SECONDS[Interval.UNIT_HOUR]:
        return floor(start, SECONDS[unit])
    return beginning(start, unit, zone)


def due(task: str, now: datetime, zone: ZoneInfo, *, finished: bool) -> datetime:
    """When a task is done again; `finished` says whether the last bucket that had ended was."""
    if task == "days":
        return beginning(now + timedelta(days=1), Interval.UNIT_DAY, zone) + AFTER[task]
    width = timedelta(seconds=SECONDS[UNITS[task]])
    bucket = floor(now, SECONDS[UNITS[task]])
    if not finished and now < bucket + width / 2:
        return now + AGAIN[task]
    return bucket + width + AFTER[task]
