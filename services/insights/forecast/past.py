"""What can be learnt from of a series: its values come in, a `Past` without gaps goes out to `pool`; or `Missing` says what there is
too little of. Pure."""

from dataclasses import dataclass

import numpy as np

from services.insights.forecast.season import Values
from services.insights.series import Missing

LEAST_VALUES = 3
"""Fewer say nothing about what comes next."""
LEAST_SHARE = 0.5
"""Of the buckets since the first value, so many must have one."""


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """A series from its first value on, evenly spaced and without gaps."""

    values: Values
    known: Values
    """The same with NaN where a gap was filled: what forecasts are compared with."""
    notes: tuple[str, ...]


def of(subject: str, values: Values, complete: int) -> Past:
    """The past of a series of which the first `complete` buckets are finished; raises `Missing`.

    A series begins with its first value that is neither missing nor 0, since what is counted is 0 before it exists. Gaps are filled
    on the line between their neighbours; a gap at the end is not, for there the series may have ended.
    """
    notes = []
    if complete < len(values):
        left_out = len(values) - complete
        notes.append(
            "the last bucket is not finished and was left out"
            if left_out == 1
            else f"the last {left_out} buckets are not finished and were left out"
        )
    seen = np.where(np.isfinite(values[:complete]), values[:complete], np.nan)
    present = np.flatnonzero(~np.isnan(seen))
    if not len(present):
        raise Missing(
            "SERIES_EMPTY",
            f"{subject} has no value in {complete} finished buckets; ask for a longer time range",
        )
    begun = np.flatnonzero(np.nan_to_num(seen))
    begin = int(begun[0]) if len(begun) else int(present[0])
    if begin:
        notes.append(f"begins {begin} buckets after the time asked about does")
    seen = seen[begin:]
    present = np.flatnonzero(~np.isnan(seen))
    if len(present) < LEAST_VALUES:
        raise Missing(
            "SERIES_TOO_SHORT",
            f"{subject} has {len(present)} finished {'value' if len(present) == 1 else 'values'}; {LEAST_VALUES} are needed: ask for a longer time range"
            " or a narrower interval",
        )
    silent = len(seen) - 1 - int(present[-1])
    if len(present) < LEAST_SHARE * len(seen):
        raise Missing(
            "SERIES_CONSTANT_GAP",
            f"{subject} has values in {len(present)} of {len(seen)} buckets; at least half are needed: ask for a wider"
            " interval, or fill with zero",
        )
    if silent:
        notes.append(f"has had no value for the last {silent} buckets; the value before was taken")
    if gaps := len(seen) - len(present) - silent:
        notes.append(f"{gaps} buckets without a value were filled on the line between their neighbours")
    filled = np.interp(np.arange(len(seen)), present, seen[present])
    return Past(filled, seen, tuple(notes))
