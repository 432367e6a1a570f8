"""When a schedule runs: a cron expression comes in and is checked, its slots in a zone and its words go out. Pure.

The times of an expression are those of the clocks on the wall, and each of them is one slot, whatever the clocks do: a time that a change
leaves out runs when they have changed, together with one that is then due anyway; one that comes twice runs when it comes first.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from services.kit.errors import Invalid

MAX_LENGTH = 100
LEAST_MINUTES = 5
"""Between two slots."""
_FIELDS, _SOME_DAY, _SECOND = 5, datetime(2024, 1, 1), timedelta(seconds=1)  # noqa: DTZ001 - on the wall


def read(text: str, at: str) -> str:
    """The expression as it is kept; raises `Invalid` with the part that is wrong."""
    if len(text) > MAX_LENGTH:
        raise Invalid(at, f"has {len(text)} characters; write at most {MAX_LENGTH}")
    fields = text.split()
    if len(fields) != _FIELDS:
        raise Invalid(
            at,
            f"is {text!r}, which has {len(fields)} fields; write five, minute, hour, day of the month, month and day of the week, "
            "as in 0 7 * * MON-FRI",
        )
    try:
        parsed = CronSim(text, _SOME_DAY)
    except CronSimError as error:
        part = str(error).removeprefix("Bad ").replace("-", " ")
        raise Invalid(
            at, f"is {text!r}, where the {part} cannot be read; write as in 0 7 * * MON-FRI"
        ) from error
    if next(parsed, None) is None:
        raise Invalid(at, f"is {text!r}, which never comes; give days that its months have")
    if (minutes := _distance(parsed)) < LEAST_MINUTES:
        raise Invalid(
            at, f"is {text!r}, which comes within {minutes} min of itself; leave at least {LEAST_MINUTES} min"
        )
    return " ".join(fields)


def slots(text: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The slots of an expression that was read, from behind `after` on."""
    last = after
    for shown in CronSim(text, after.astimezone(zone).replace(tzinfo=None)):
        slot = _instant(shown, zone)
        if slot > last:
            last = slot
            yield slot


def following(text: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first slot behind `after`; None where none comes for decades."""
    return next(slots(text, zone, after), None)


def words(text: str) -> str:
    """What the expression says, as in `at 07:00 on Monday through Friday`."""
    said = CronSim(text, _SOME_DAY).explain()
    return said[:1].lower() + said[1:]


def _distance(parsed: CronSim) -> int:
    """The least minutes from one time to the next; midnight counts as a neighbour of the hour before, whatever the day."""
    minutes, hours = sorted(parsed.minutes), parsed.hours
    found = [later - earlier for earlier, later in pairwise(minutes)]
    if any((hour + 1) % 24 in hours for hour in hours):
        found.append(60 + minutes[0] - minutes[-1])
    return min(found, default=60)


def _instant(shown: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks show this first; where they leave it out, when they have changed."""
    found = shown.replace(tzinfo=zone).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == shown:
        return found
    # Read by the clocks after the change it lies before it, and the other way round: the change is between the two.
    before = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)
    changed = found.astimezone(zone).utcoffset()
    while found - before > _SECOND:
        middle = before + (found - before) // 2 // _SECOND * _SECOND
        if middle.astimezone(zone).utcoffset() == changed:
            found = middle
        else:
            before = middle
    return found
