"""What people did, as rows of which some are before an instant: rows of a `Timeline` come in, places and sums of runs of them go out to
`points`, `history` and `outcome`.

A run is a pair of places, its first row and the one behind its last. Everything told of a run is computed from its rows alone, so
that what a person or anybody else does later changes none of it, not even in the last digit.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.query.behaviour.timeline import Codes, Rows

S = TypeVar("S", bound=np.generic)
Numbers = NDArray[np.float64]
LONGEST_SUM = 10_000
"""Of a run, so many of its last values are added up: what a script does millions of times must not take the time of millions squared."""


class Track:
    """Rows in order of whose they are, then of time."""

    def __init__(self, who: Codes, at: Rows, people: int) -> None:
        self.at = at
        self._bounds = np.searchsorted(who, np.arange(people + 1))

    def before(self, who: Codes, instants: Rows) -> Rows:
        """The place of the first row of each of `who` that is not before an instant."""
        low, high = self._bounds[who], self._bounds[who.astype(np.int64) + 1]
        while (open_ := low < high).any():
            middle = (low + high) >> 1
            # A run that is closed may point behind the last row.
            earlier = open_ & (self.at[np.minimum(middle, len(self.at) - 1)] < instants)
            low = np.where(earlier, middle + 1, low)
            high = np.where(open_ & ~earlier, middle, high)
        return low  # type: ignore[no-any-return]


def taken(values: NDArray[S], places: Rows) -> NDArray[S]:
    """The values at places, of which those that are out of bounds give any value, or 0 where there is none."""
    if not len(values):
        return np.zeros(len(places), values.dtype)
    return values[np.clip(places, 0, len(values) - 1)]  # type: ignore[no-any-return]


def sums(values: Numbers, first: Rows, behind: Rows) -> Numbers:
    """The sum of the values of each run, or of its last `LONGEST_SUM`; 0 for empty runs, infinite beyond what a double holds."""
    found = np.zeros(len(first))
    some = np.flatnonzero(behind > first)
    if not len(some):
        return found
    first, behind = np.maximum(first[some], behind[some] - LONGEST_SUM), behind[some]
    # In order, so that what lies between two runs is walked over once.
    order = np.argsort(first, kind="stable")
    bounds = np.column_stack((first[order], behind[order])).ravel()
    with np.errstate(over="ignore", invalid="ignore"):
        # A 0 behind the last row, where runs may end.
        found[some[order]] = np.add.reduceat(np.append(values, 0.0), bounds)[::2]
    return found


def counted(flags: NDArray[np.bool_], first: Rows, behind: Rows) -> Rows:
    """How many rows of each run have a flag."""
    until = np.concatenate(([0], np.cumsum(flags)))
    return until[behind] - until[first]  # type: ignore[no-any-return]


def different(codes: Codes, who: Codes, first: Rows, behind: Rows) -> Rows:
    """How many different codes the rows of each run have; a run is of one person.

    A row is counted where the one before it with the same code is not in the run. How many rows of a run have a smaller number is
    told bit by bit, as in a wavelet matrix (Claude, Navarro and Ordóñez, 2015): O((rows + runs) log rows).
    """
    order = np.lexsort((codes, who))
    again = (codes[order[1:]] == codes[order[:-1]]) & (who[order[1:]] == who[order[:-1]])
    values = np.zeros(len(codes), np.int64)
    # One more than the place of the row before, 0 for none.
    values[order[1:][again]] = order[:-1][again] + 1
    limit, count = first + 1, np.zeros(len(first), np.int64)
    for bit in reversed(range((len(codes) + 1).bit_length())):
        ones = (values >> bit) & 1 == 1
        zeros = np.concatenate(([0], np.cumsum(~ones)))
        low, high = zeros[first], zeros[behind]
        up = (limit >> bit) & 1 == 1
        count += np.where(up, high - low, 0)
        first = np.where(up, zeros[-1] + first - low, low)
        behind = np.where(up, zeros[-1] + behind - high, high)
        values = np.concatenate((values[~ones], values[ones]))
    return count
