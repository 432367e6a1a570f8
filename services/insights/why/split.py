"""A measure split by the values of fields: answers to table questions come in, a `Split` for each list of fields goes out to `shift`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidemark.v1 import question_pb2 as pb

Fields = tuple[str, ...]
Values = tuple[str, ...]
Floats = npt.NDArray[np.float64]

OTHER: Values = ()
"""Stands for what a table does not show apart."""
VALUE, COUNT, NUMBER = "value", "count", "numbers"
"""Ids of what tables measure: the measure, how many events or points it is made of, and for means what they are divided by."""


@dataclass(frozen=True, slots=True)
class Table:
    """A measure by the values of some fields, over one span."""

    rows: Mapping[Values, tuple[float, float, float]]
    """By group, its total, how many events or points that is made of, and what a mean is divided by: their number for all else."""
    buckets: float = 1.0
    """How many buckets the span holds."""

    @property
    def whole(self) -> tuple[float, float, float]:
        """All groups together."""
        value, count, divisor = np.sum(list(self.rows.values()), axis=0) if self.rows else (0.0, 0.0, 0.0)
        return float(value), float(count), float(divisor)


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Two spans by the same groups, and what came before them; all arrays have the shape (groups,)."""

    groups: tuple[Values, ...]
    """`OTHER` last, where it is there."""
    before: Floats
    """Totals before, for a span as long as the one after."""
    after: Floats
    before_count: Floats
    """Events or points that `before` is made of."""
    expected: Floats
    """What `after` would be had nothing changed: for a mean, its numerator with the divisor of after."""
    divisor: tuple[Floats, Floats]
    """For a mean: what it is divided by, before (for a span as long) and after. Ones for sums."""
    earlier: tuple[Floats, ...]
    """`expected` as each span still further back would have said it."""
    named: int
    """How many groups are not `OTHER`."""
    buckets: float
    """How many buckets a span holds."""


def table_of(result: pb.TableResult, buckets: float) -> Table:
    """A table of an answer whose columns are `VALUE`, `COUNT` and for means `NUMBER`; what was not measured is 0."""
    place = {column.id: i for i, column in enumerate(result.columns)}
    rows: dict[Values, tuple[float, float, float]] = {}
    for row in result.rows:
        value, count = (_finite(row.values[place[name]]) for name in (VALUE, COUNT))
        divisor = _finite(row.values[place[NUMBER]]) if NUMBER in place else count
        rows[OTHER if row.other else tuple(row.group)] = value, count, divisor
    return Table(rows, buckets)


def split(before: Table, after: Table, earlier: tuple[Table, ...], *, mean: bool = False) -> Split:
    """The spans side by side. A group that one table has among its others is among the others of all."""
    tables = (before, after, *earlier)
    known = [set(table.rows) for table in tables if OTHER in table.rows]
    seen = set(before.rows) | set(after.rows)
    groups = sorted(group for group in seen if group != OTHER and all(group in each for each in known))
    named = len(groups)
    if any(set(table.rows) - set(groups) for table in tables):
        groups.append(OTHER)
    values = [_aligned(table, groups) * (after.buckets / table.buckets) for table in tables]
    b, a, *past = values
    expected = _carried(b, a) if mean else b[:, 0]
    return Split(
        groups=tuple(groups),
        before=b[:, 0],
        after=a[:, 0],
        before_count=b[:, 1],
        expected=expected,
        divisor=(b[:, 2], a[:, 2]) if mean else (np.ones(len(b)), np.ones(len(b))),
        earlier=tuple(_carried(each, a) if mean else each[:, 0] for each in past),
        named=named,
        buckets=after.buckets,
    )


def _aligned(table: Table, groups: list[Values]) -> Floats:
    """Rows in the order of `groups`, shape (groups, 3); what is in none of them is added to the last."""
    place = {group: i for i, group in enumerate(groups)}
    found = np.zeros((len(groups), 3))
    for group, row in table.rows.items():
        found[place.get(group, len(groups) - 1)] += row
    return found


def _carried(past: Floats, after: Floats) -> Floats:
    """Numerators with the divisors of after, each group keeping its mean; one without a past has the mean of all."""
    total = past[:, 0].sum() / past[:, 2].sum() if past[:, 2].sum() else 0.0
    means = np.divide(past[:, 0], past[:, 2], out=np.full(len(past), total), where=past[:, 2] > 0)
    return np.asarray(means * after[:, 2], dtype=np.float64)


def _finite(value: float) -> float:
    return value if np.isfinite(value) else 0.0
