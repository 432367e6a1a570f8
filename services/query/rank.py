"""Which groups are shown apart: a `Plan` comes in, a `Ranking` of each scan goes out to `sql`, and of their rows come the groups.

Where the database can order groups by the first figure, only as many are read as are shown. Where it cannot - by a formula, by a
sketch, or when groups that a scan does not know may come first - a table reads all groups and orders them here.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest

import numpy as np

from services.kit.errors import Invalid
from services.query import formula
from services.query.formula import Formula, Values
from services.query.measure import Measure
from services.query.part import FROM_NOTHING, Part, total
from services.query.plan import Plan, Scan
from services.query.question import Measured, Series, Table
from tidemark.v1 import question_pb2 as pb

Group = tuple[str, ...]
Columns = Sequence[tuple[int, str]]
"""For each column after the keys: index of its measure, and the attribute of `Part` that it is."""

MAX_GROUPS = 100_000
"""Groups that a table orders itself."""
MAX_SKETCHED = 1000
"""Groups that are ordered by sketches; of a series those with most rows."""
MAX_NAMES = 3_000_000
"""Bytes that the names of groups may take of an answer: it stays below the 4 MiB that gRPC clients take by default."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What is read of a scan to rank its groups."""

    scan: Scan
    """With no measures but those that tell the order; the database orders by the first."""
    limit: int
    ascending: bool = False
    whole: bool = False
    """Whether all groups are wanted, in any order, so that more than `limit` are too many."""


Ranked = tuple[Ranking, Columns, Sequence[Sequence[object]]]
"""A ranking, and the rows that were read for it: the keys of a group, then columns."""


def rankings(plan: Plan) -> tuple[Ranking, ...]:
    """What is read to choose the groups of a plan, in the order in which scans fill the places."""
    question = plan.question
    if isinstance(question, Series):
        scans = [replace(scan, measures=scan.measures[:1]) for scan in plan.scans]
        return tuple(Ranking(scan, _limit(scan, question.top)) for scan in scans)
    order = question.order
    telling = order.ids if isinstance(order, Formula) else {order.id}
    scans = sorted(
        (_telling(scan, telling) for scan in plan.scans), key=lambda scan: not _tells(scan, telling)
    )
    if isinstance(order, Measure) and _by_database(order, scans, question.ascending):
        return tuple(Ranking(scan, question.top, question.ascending) for scan in scans)
    return tuple(Ranking(scan, _limit(scan, MAX_GROUPS), whole=True) for scan in scans)


def choose(question: Measured, ranked: Sequence[Ranked]) -> tuple[Group, ...]:
    """The groups shown apart: the first of the first scan, then those of the next where fewer are there."""
    whole = any(ranking.whole for ranking, *_ in ranked)
    chosen: dict[Group, None] = {}
    for together in [ranked] if whole else [[each] for each in ranked]:
        chosen |= dict.fromkeys(_ordered(question, together, whole))
    groups = tuple(chosen)[: question.top]
    # Every line of a series repeats its group.
    lines = question.shown if isinstance(question, Series) else 1
    size = lines * sum(len(key.encode()) for group in groups for key in group)
    if size > MAX_NAMES:
        raise Invalid(
            f"query.{_kind(question)}.group_by",
            f"gives groups whose names fill {size} bytes of the answer, which may hold {MAX_NAMES}; ask for fewer, or split by "
            "a field of shorter values",
        )
    return groups


def first(most: int, groups: Sequence[Group], values: Values, ascending: bool) -> list[int]:
    """The places of the first `most` groups in the order of their values; unknown ones last, equal ones by name."""
    signed = (values if ascending else -values).tolist()
    return nsmallest(most, range(len(groups)), lambda at: (math.isnan(signed[at]), signed[at], groups[at]))


def _ordered(question: Measured, ranked: Sequence[Ranked], whole: bool) -> list[Group]:
    """The first groups of some scans, in order."""
    parts: dict[Group, dict[int, Part]] = {}
    for ranking, columns, rows in ranked:
        if ranking.whole and len(rows) > ranking.limit:
            raise Invalid(
                "query.table.group_by",
                f"gives more than {ranking.limit} groups, too many to be ordered in this way; filter them, or order by a count",
            )
        width = len(ranking.scan.measures[0][1].groups)
        for row in rows:
            known = parts.setdefault(tuple(str(key) for key in row[:width]), {})
            for (index, kind), each in zip(columns, row[width:]):
                known.setdefault(index, Part()).put(kind, each)
    groups = list(parts)
    order = question.order if whole and isinstance(question, Table) else ranked[0][0].scan.measures[0][1]
    values = _values(question, order, list(parts.values()))
    ascending = isinstance(question, Table) and question.ascending
    return [groups[place] for place in first(question.top, groups, values, ascending)]


def _values(question: Measured, order: Measure | Formula, parts: Sequence[Mapping[int, Part]]) -> Values:
    """What groups are ordered by."""
    if isinstance(order, Formula):
        needed = [each for each in question.measures if each.id in order.ids] or question.measures[:1]
        return formula.values(order, {each.id: _values(question, each, parts) for each in needed})
    index = next(i for i, each in enumerate(question.measures) if each.id == order.id)
    seconds = question.span.length.total_seconds()
    return np.array([total(order, known.get(index), seconds) for known in parts], np.float64)


def _telling(scan: Scan, ids: Iterable[str]) -> Scan:
    """A scan with those of its measures that tell the order; with a count, if none does."""
    telling = tuple((index, each) for index, each in scan.measures if each.id in ids)
    index, any_of_them = scan.measures[0]
    counted = replace(any_of_them, aggregation=pb.AGGREGATION_COUNT, field=None)
    return replace(scan, measures=telling or ((index, counted),))


def _tells(scan: Scan, ids: Iterable[str]) -> bool:
    return scan.measures[0][1].id in ids


def _by_database(order: Measure, scans: Sequence[Scan], ascending: bool) -> bool:
    """Whether the first groups of the first scan are the first of all."""
    if scans[0].sketched(order):
        return False
    # A group that the first scan does not know counts 0 or nothing, and nothing always comes last.
    never_negative = order.aggregation in (pb.AGGREGATION_COUNT, pb.AGGREGATION_UNIQUES) or (
        order.aggregation == pb.AGGREGATION_RATE and order.source == pb.SOURCE_EVENTS
    )
    last = order.aggregation not in FROM_NOTHING or (never_negative and not ascending)
    return last or len(scans) == 1


def _limit(scan: Scan, most: int) -> int:
    return MAX_SKETCHED if any(scan.sketched(measure) for _, measure in scan.measures) else most


def _kind(question: Measured) -> str:
    return type(question).__name__.lower()
