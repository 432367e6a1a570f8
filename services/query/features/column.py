"""The columns of a table of features, in order: a `Wanted` comes in, names and words go out to `table`; docs/features.md lists them.

The modules that compute values give them in the same order.
"""

from dataclasses import dataclass

from services.query.features.request import Did, Moments, Wanted

WINDOWS = (1, 7, 30, 90)
"""Days before a point in which is counted apart, beside the whole history."""


@dataclass(frozen=True, slots=True)
class Column:
    """A feature."""

    name: str
    text: str
    """What it is, for people; travels with the column as its metadata `text`."""


def windows(wanted: Wanted) -> list[int]:
    """The days that are shorter than the history."""
    return [days for days in WINDOWS if days < wanted.history.total_seconds() / 86_400]


def history(wanted: Wanted) -> list[Column]:
    """What is told of all events, and of those of each name."""
    found = _deeds(wanted, "", "events")
    found += [Column("distinct_names", "different events"), Column("sessions", "sessions")]
    for name in wanted.event_names:
        found += _deeds(wanted, f"({name})", name)
    return found


def sums(wanted: Wanted) -> list[Column]:
    """What is told of each field with numbers."""
    found: list[Column] = []
    for field in wanted.sum_fields:
        found += [
            Column(f"sum_{days}d({field.path})", f"sum of {field.path} in {_days(days)}")
            for days in windows(wanted)
        ]
        found += [Column(f"{kind}({field.path})", f"{kind} of {field.path}") for kind in ("sum", "mean")]
        found.append(Column(f"last({field.path})", f"last {field.path}"))
    return found


def earlier(wanted: Wanted) -> list[Column]:
    """What is told of the points of a person before an event point."""
    if not isinstance(wanted.points, Moments):
        return []
    found = [
        Column("earlier_points", "points before"),
        Column("previous_point_days", "days since the point before"),
    ]
    if isinstance(wanted.outcome, Did):
        found += [
            Column("earlier_outcomes", "points before with the outcome"),
            Column("earlier_outcome_share", "share of points before with the outcome"),
            Column("last_outcome", "whether the last point before had the outcome"),
        ]
    return found


def _deeds(wanted: Wanted, of: str, what: str) -> list[Column]:
    return [
        *(Column(f"count_{days}d{of}", f"{what} in {_days(days)}") for days in windows(wanted)),
        Column(f"count{of}", f"{what} in the whole history"),
        Column(f"recency_days{of}", f"days since the last of {what}"),
        Column(f"age_days{of}", f"days since the first of {what}"),
        Column(f"active_days{of}", f"days with {what}"),
        Column(f"gap_mean_days{of}", f"mean days between days with {what}"),
        Column(f"gap_deviation_days{of}", f"deviation of the days between days with {what}"),
        Column(f"trend{of}", f"{what} of late against before, from -1 to 1"),
    ]


def _days(days: int) -> str:
    return f"the last {days} days" if days > 1 else "the last day"
