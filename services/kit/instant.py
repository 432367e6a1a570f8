"""Instants as microseconds since 1970, as columns and announcements hold them, and as `datetime`. Pure."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def at(us: int) -> datetime:
    """The instant so many microseconds after 1970; raises `OverflowError` beyond the year 9999."""
    return EPOCH + us * MICROSECOND


def us_of(instant: datetime) -> int:
    """The microseconds from 1970 to an instant."""
    return (instant - EPOCH) // MICROSECOND
