"""When a notification is tried again: what came of a try comes in, an instant or the end of it goes out to `worker`. Pure."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

FIRST, LONGEST = timedelta(seconds=5), timedelta(hours=1)
LIFETIME = timedelta(days=1)


def next_try(
    created: datetime, now: datetime, attempts: int, jitter: float, asked: timedelta | None = None
) -> datetime | None:
    """When to try again after so many `attempts`; None when the day is over.

    The distance doubles from 5 seconds to an hour. `jitter`, from 0 to 1, takes away up to half of it, so that what failed together
    does not come back together. What the receiver has `asked` for is waited for at least.
    """
    distance = min(FIRST * 2 ** min(attempts - 1, 20), LONGEST) * (1 - jitter / 2)
    at = now + max(distance, asked or timedelta(0))
    return at if at < created + LIFETIME else None


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the header `Retry-After` asks to wait, as seconds or as a date; None where it says nothing."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        return _until(text, now)
    # Longer than anything is tried is long enough.
    return (
        timedelta(seconds=min(max(seconds, 0.0), 10 * LIFETIME.total_seconds()))
        if math.isfinite(seconds)
        else None
    )


def _until(text: str, now: datetime) -> timedelta | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)) - now, timedelta(0))
