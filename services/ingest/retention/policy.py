"""How long data is kept: the days of a project and the present come in, what to remove from which table goes out to `worker`. Pure.

Every limit is the beginning of a day of UTC, so that a day's rows are there whole or not at all: buckets of each width are counted
anew from all of their rows, or never.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import datetime, time, timedelta

MAX_DAYS = 36_500
RAW, LEDGER = "raw_days", "ledger_days"
DAYS = (RAW, "minute_days", "hour_days", "day_days", LEDGER)
"""What a project decides, in the order of `Policy`."""
TABLES = (
    ("events", "occurred_at", RAW),
    ("metric_points", "observed_at", RAW),
    ("dead_letters", "received_at", RAW),
    ("window_results", "start_at", "hour_days"),
    ("rollups_1m", "bucket", "minute_days"),
    ("rollups_1h", "bucket", "hour_days"),
    ("rollups_1d", "bucket", "day_days"),
    ("ledger", "minute", LEDGER),
    ("quality", "hour", LEDGER),
    ("batches", "received_at", LEDGER),
)
"""Table, the time that its rows are kept by, and how long. Batches come last: theirs must all be gone before them."""
PLAIN = ("dead_letters", "window_results")
"""Of these, the tables that are not cut into chunks."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Days that data is kept; 0 for ever."""

    raw_days: int = 0
    minute_days: int = 0
    hour_days: int = 0
    day_days: int = 0
    ledger_days: int = 0

    def before(self, what: str, now: datetime) -> datetime | None:
        """The first instant that is kept, of what one of `DAYS` is about; None where all is."""
        days: int = getattr(self, what)
        return midnight(now) - timedelta(days=days) if days else None

    @property
    def shortest(self) -> int:
        """The least number of days that something is kept; 0 where all is kept for ever."""
        return min((days for days in astuple(self) if days), default=0)


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows of a table that are too old: those whose `column` is before an instant."""

    table: str
    column: str
    before: datetime


def cuts(policy: Policy, now: datetime) -> Iterator[Cut]:
    """What to remove, in order."""
    for table, column, what in TABLES:
        if (before := policy.before(what, now)) is not None:
            yield Cut(table, column, before)


def due(
    policy: Policy,
    now: datetime,
    applied_at: datetime | None,
    updated_at: datetime | None,
    touched_from: datetime | None,
) -> bool:
    """Whether there may be something to remove: on a new day, after a change, or when something came that is too old already.

    `touched_from` is the earliest event time that was committed since the last time.
    """
    if not policy.shortest:
        return False
    if (
        applied_at is None
        or applied_at < midnight(now)
        or (updated_at is not None and updated_at > applied_at)
    ):
        return True
    oldest = midnight(now) - timedelta(days=policy.shortest)
    return touched_from is not None and touched_from < oldest


def midnight(now: datetime) -> datetime:
    """The beginning of a day of UTC."""
    return datetime.combine(now.date(), time(), now.tzinfo)
