"""Root causes of changes, and data incidents told from business changes: simulated, through the code that insights runs.

`bench_insights.py` publishes the figures. Events of several spans are drawn with up to eight properties of 2 to 200 values, some of
them dependent on each other, whose parts wander from span to span; then one value, or one pair of values, is changed in the last span.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.report import Figure
from services.insights.why import contribution
from services.insights.why.contribution import Change
from services.insights.why.split import Fields, Table, Values

SPANS = 3
"""After, before, and one further back."""
_FACTORS = (0.0, 0.2, 0.4, 0.6, 1.5, 2.0, 3.0, 5.0)
_BUCKETS = 24.0

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """A change with a known cause."""

    change: Change
    spans: Sequence[dict[str, Codes]]
    """The values of each field, event by event: after, before, further back."""
    fields: Fields
    values: Values
    factor: float
    noise: float
    share: float
    """Of the series, what the segment was."""


def root_cause_top1(seed: int, cases: int = 200) -> tuple[dict[str, Figure], list[dict[str, object]]]:
    """The share of injected changes whose true segment is told first, and what was missed."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for _ in range(cases):
        case = injected(rng)
        told = contribution.contributions(with_pairs(case), top=10)
        rank = next(
            (
                i
                for i, each in enumerate(told, 1)
                if sorted(zip(each.fields, each.values)) == sorted(zip(case.fields, case.values))
            ),
            0,
        )
        first = told[0] if told else None
        rows.append(
            {
                "segment": " and ".join(f"{f}={v}" for f, v in zip(case.fields, case.values)),
                "pair": len(case.fields) == 2,
                "factor": case.factor,
                "noise": case.noise,
                "part": round(case.share, 3),
                "events": len(next(iter(case.spans[1].values()))),
                "fields": len(case.spans[0]),
                "rank": rank,
                "first": " and ".join(f"{f}={v}" for f, v in zip(first.fields, first.values))
                if first
                else "",
            }
        )
    top = float(np.mean([row["rank"] == 1 for row in rows]))
    return {"root_cause_top1": Figure(round(top, 4), "", 0.9, "higher")}, rows


def injected(rng: np.random.Generator) -> Case:
    """A change of one segment that is at least 3 % of the series, and at least half of what the whole changed by."""
    while True:
        case = _drawn(rng)
        after, before, *_ = (len(next(iter(span.values()))) for span in case.spans)
        made = case.share * (case.factor - 1)
        whole = after / before - 1
        if 0.5 <= made / whole <= 2 if whole else False:
            return case


def _drawn(rng: np.random.Generator) -> Case:
    events = int(10 ** rng.uniform(3.7, 5.0))
    noise = float(rng.choice((0.0, 0.03, 0.06)))
    sizes = [int(2 * 100 ** rng.uniform()) for _ in range(int(rng.integers(3, 8)))]
    spans = _spans(rng, events, sizes, noise)
    names = sorted(spans[0])
    while True:
        chosen = list(rng.choice(names, size=2 if rng.uniform() < 0.3 else 1, replace=False))
        example = int(rng.integers(len(spans[1][names[0]])))
        values = [int(spans[1][name][example]) for name in chosen]
        factor = float(rng.choice(_FACTORS))
        share = float(_segment(spans[1], chosen, values).mean())
        if len(chosen) == 2:
            # A pair that is most of one of its values is that value.
            alone = min(
                float(_segment(spans[1], [name], [value]).mean()) for name, value in zip(chosen, values)
            )
            if share > 0.7 * alone:
                continue
        if share <= 0.6 and share * abs(factor - 1) >= 0.03:
            break
    after = _changed(rng, spans[0], _segment(spans[0], chosen, values), factor)
    told = [after, *spans[1:]]
    tables: list[dict[Fields, Table]] = [{(name,): _table(span, [name]) for name in names} for span in told]
    change = Change(tables[1], tables[0], tables[2:])
    return Case(change, told, tuple(chosen), tuple(str(value) for value in values), factor, noise, share)


def with_pairs(case: Case) -> Change:
    """The change with the pairs of the fields that lead, as the source asks for them."""
    after, before, *_ = case.spans
    names = contribution.leading(case.change)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return Change(
        {**case.change.before, **{pair: _table(before, list(pair)) for pair in pairs}},
        {**case.change.after, **{pair: _table(after, list(pair)) for pair in pairs}},
        case.change.earlier,
    )


def _spans(rng: np.random.Generator, events: int, sizes: list[int], noise: float) -> list[dict[str, Codes]]:
    """Events of each span: every field has Zipf's parts, which wander; every third depends on the one before."""
    slopes = [float(rng.uniform(0.5, 1.5)) for _ in sizes]
    trend = float(rng.normal(0, 0.05))
    spans = []
    for place in range(SPANS):
        count = int(rng.poisson(events * np.exp(trend * (SPANS - place) + rng.normal(0, 0.03))))
        columns: dict[str, Codes] = {}
        for i, (size, slope) in enumerate(zip(sizes, slopes)):
            parts = np.arange(1, size + 1) ** -slope * rng.lognormal(0, noise, size)
            drawn = rng.choice(size, size=count, p=parts / parts.sum())
            if i % 3 == 2:
                # Half of the events have the value that goes with that of the field before.
                kin = (columns[f"field_{i - 1}"] * 7) % size
                drawn = np.where(rng.uniform(size=count) < 0.5, kin, drawn)
            columns[f"field_{i}"] = drawn
        spans.append(columns)
    return spans


def _segment(span: dict[str, Codes], names: list[str], values: list[int]) -> npt.NDArray[np.bool_]:
    inside = np.ones(len(span[names[0]]), np.bool_)
    for name, value in zip(names, values):
        inside &= span[name] == value
    return inside


def _changed(
    rng: np.random.Generator, span: dict[str, Codes], inside: npt.NDArray[np.bool_], factor: float
) -> dict[str, Codes]:
    """The span with the events of the segment thinned out or multiplied."""
    times = np.ones(len(inside), np.int64)
    whole, part = divmod(factor, 1.0)
    times[inside] = int(whole) + (rng.uniform(size=int(inside.sum())) < part)
    return {name: np.repeat(column, times) for name, column in span.items()}


def _table(span: dict[str, Codes], names: list[str]) -> Table:
    """Counts by value, as a table question gives them."""
    groups, counts = np.unique(np.stack([span[name] for name in names], axis=1), axis=0, return_counts=True)
    rows = {tuple(map(str, group)): (float(n), float(n), float(n)) for group, n in zip(groups, counts)}
    return Table(rows, _BUCKETS)
