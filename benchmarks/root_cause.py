"""Root causes of changes, and data incidents told from business changes: simulated, through the code that insights runs.

`bench_insights.py` publishes the figures. Events of several spans are drawn with up to eight properties of 2 to 200 values, some of
them dependent on each other, whose parts wander from span to span; then one value, or one pair of values, is changed in the last span.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from benchmarks.report import Figure
from services.insights.why import contribution
from services.insights.why.contribution import Change
from services.insights.why.facts import cause, facts
from services.insights.why.observed import Amounts, Observed, Sender, Versions
from services.insights.why.split import Fields, Table, Values
from services.kit.calendar import Span
from tidemark.v1 import insight_pb2

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


def data_incident_recall(seed: int, cases: int = 500) -> tuple[dict[str, Figure], list[dict[str, object]]]:
    """The share of pipeline faults that are labelled as data incidents, and of business changes that are, with what goes on in any
    pipeline all the time: dead letters, duplicates, producers that come and go, new versions of definitions.
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for number in range(cases):
        fault = number % 2 == 0
        kind = str(rng.choice(list(FAULTS if fault else BUSINESS)))
        observed = (FAULTS if fault else BUSINESS)[kind](Scene(rng))
        found = facts(observed)
        label = cause(found, observed.change)
        rows.append(
            {
                "kind": kind,
                "fault": fault,
                "change": round(observed.change / observed.before, 3),
                "labelled": label == insight_pb2.CAUSE_DATA_INCIDENT,
                "facts": "; ".join(each.text for each in found),
            }
        )
    recall = float(np.mean([row["labelled"] for row in rows if row["fault"]]))
    wrong = float(np.mean([row["labelled"] for row in rows if not row["fault"]]))
    return {
        "data_incident_recall": Figure(round(recall, 4), "", 0.9, "higher"),
        "business_mislabelled": Figure(round(wrong, 4), "", 0.05, "lower"),
    }, rows


class Scene:
    """An hour of a fleet before, right before, and after; what happens is changed in place, and `observed` tells of it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.size = int(rng.integers(1, 16))
        equal = rng.uniform() < 0.5
        rates = np.full(self.size, 1.0) if equal else rng.lognormal(0, 0.8, self.size)
        self.rates = rates / rates.sum() * 10 ** rng.uniform(1.5, 3.5)
        wander = rng.lognormal(0, 0.05, 3)
        minutes = (60, 60, 60)
        self.sent = [
            rng.poisson(self.rates[:, None] * factor, (self.size, n)).astype(np.float64)
            for factor, n in zip(wander, minutes)
        ]
        self.names = [f"producer-{i}" for i in range(self.size)]
        usual = rng.uniform(0, 0.01, (self.size, 1)) if rng.uniform() < 0.5 else np.zeros((self.size, 1))
        self.dead = [usual * each for each in self.sent]
        self.rejected = [0.5 * usual * each for each in self.sent]
        self.duplicate = [rng.uniform(0, 0.01) * each for each in self.sent]
        self.versions = (1, 2) if rng.uniform() < 0.1 else (1, 1)
        self.completeness = 1.0
        self.in_flight, self.lag, self.paused = float(rng.integers(0, 50)), timedelta(seconds=1), False
        self.moved, self.measured_factor = 0.0, 1.0
        self.guess = float(rng.lognormal(0, 0.1))
        """What is estimated, such as what is missing, is off by so much."""

    def part(self, least: float = 0.1) -> Codes:
        """Some producers, not all unless there is one, that bring at least so much."""
        order = self.rng.permutation(self.size)
        parts = np.cumsum(self.rates[order]) / self.rates.sum()
        count = int(np.searchsorted(parts, max(least, float(self.rng.uniform(least, 0.6))))) + 1
        return np.asarray(order[: min(count, max(1, self.size - 1))], dtype=np.int64)

    def join(self, rates: npt.NDArray[np.float64]) -> None:
        """New producers, since right after the beginning."""
        count = len(rates)
        drawn = self.rng.poisson(rates[:, None], (count, self.sent[2].shape[1])).astype(np.float64)
        self.names += [f"new-{i}" for i in range(count)]
        for each in (self.sent, self.dead, self.rejected, self.duplicate):
            for place in range(3):
                added = drawn if each is self.sent and place == 2 else np.zeros_like(drawn)
                each[place] = np.concatenate([each[place], added])

    def observed(self) -> Observed:
        """What insights would gather."""
        stored = [
            np.maximum(sent - dead - rejected, 0)
            for sent, dead, rejected in zip(self.sent, self.dead, self.rejected)
        ]
        before, after = float(stored[0].sum()) / 60, float(stored[2].sum()) / 60
        after *= self.completeness * self.measured_factor
        parts = [each.sum(axis=1) / max(each.sum(), 1.0) for each in (stored[0], stored[2])]
        senders = tuple(
            Sender(
                name,
                before=self.sent[0][i] + self.duplicate[0][i],
                lead=self.sent[1][i] + self.duplicate[1][i],
                after=self.sent[2][i] + self.duplicate[2][i],
                was=self._amounts(stored, i, 0),
                now=self._amounts(stored, i, 2),
                part_before=float(parts[0][i]),
                part_after=float(parts[1][i]),
            )
            for i, name in enumerate(self.names)
        )
        told = 1 - (1 - self.completeness) * self.guess
        return Observed(
            before=before,
            after=after,
            events_before=before,
            events_after=after,
            span=Span(_START, _START + timedelta(hours=1)),
            buckets=60,
            event="order_placed",
            senders=senders,
            stored_before=before,
            moved=self.moved,
            completeness=min(max(told, 0.01), 1.0),
            in_flight=self.in_flight,
            lag=self.lag,
            paused=("poison",) if self.paused else (),
            versions=(Versions("schema", *self.versions, "/data/schemas"),),
        )

    def _amounts(self, stored: list[npt.NDArray[np.float64]], i: int, place: int) -> Amounts:
        return Amounts(
            float(stored[place][i].sum()),
            float(self.duplicate[place][i].sum()),
            float(self.rejected[place][i].sum()),
            float(self.dead[place][i].sum()),
        )


def _silence(scene: Scene) -> Observed:
    begin = int(scene.rng.integers(0, 30))
    who = scene.part()
    for each in (scene.sent, scene.dead, scene.rejected, scene.duplicate):
        each[2][who, begin:] = 0
    return scene.observed()


def _set_aside(scene: Scene) -> Observed:
    scene.dead[2] = scene.sent[2] * scene.rng.uniform(0.1, 0.9)
    return scene.observed()


def _refusal(scene: Scene) -> Observed:
    who = scene.part(0.15)
    scene.rejected[2][who] = scene.sent[2][who] * scene.rng.uniform(0.7, 1.0)
    return scene.observed()


def _lateness(scene: Scene) -> Observed:
    scene.completeness = float(scene.rng.uniform(0.2, 0.85))
    return scene.observed()


def _pause(scene: Scene) -> Observed:
    share = float(scene.rng.uniform(0.15, 0.6))
    scene.measured_factor = 1 - share
    scene.in_flight = float(scene.sent[2].sum()) * share * scene.guess
    scene.lag, scene.paused = timedelta(minutes=int(scene.rng.integers(5, 60))), bool(scene.rng.integers(2))
    return scene.observed()


def _loop(scene: Scene) -> Observed:
    who = scene.part(0.2)
    scene.duplicate[2][who] += scene.sent[2][who] * 0.9
    for each in (scene.sent, scene.dead, scene.rejected):
        each[2][who] *= 0.1
    return scene.observed()


def _replay(scene: Scene) -> Observed:
    scene.join(np.array([scene.rates.max() * 2 + scene.rates.sum() * scene.rng.uniform(0.3, 3)]))
    return scene.observed()


def _renamed(scene: Scene) -> Observed:
    share = float(scene.rng.uniform(0.2, 1.0))
    scene.versions = (1, 2)
    scene.moved = float(scene.sent[2].sum()) / 60 * share
    scene.measured_factor = 1 - share
    return scene.observed()


def _demand(scene: Scene) -> Observed:
    factor = float(scene.rng.choice((0.3, 0.5, 0.7, 0.85, 1.2, 1.5, 2.5, 5.0)))
    for each in (scene.sent, scene.dead, scene.rejected, scene.duplicate):
        each[2] *= factor
    return scene.observed()


def _demand_of_one(scene: Scene) -> Observed:
    who = scene.part(0.2)
    for each in (scene.sent, scene.dead, scene.rejected, scene.duplicate):
        each[2][who] *= float(scene.rng.choice((0.2, 0.5, 2.0, 4.0)))
    return scene.observed()


def _grown_fleet(scene: Scene) -> Observed:
    scene.join(np.full(int(scene.rng.integers(1, 4)), scene.rates.mean()))
    return scene.observed()


def _replaced_server(scene: Scene) -> Observed:
    """A producer under a new name, while demand changes."""
    who = int(scene.part()[0])
    scene.join(scene.rates[[who]])
    scene.sent[2][who] = scene.duplicate[2][who] = scene.dead[2][who] = scene.rejected[2][who] = 0
    return _demand(scene)


def _small_fault_beside(scene: Scene) -> Observed:
    """Demand falls by a lot, and a small producer happens to fall silent too."""
    who = int(np.argmin(scene.rates)) if scene.size > 3 else None
    scene.sent[2] *= float(scene.rng.uniform(0.3, 0.6))
    scene.dead[2] = scene.sent[2] * scene.rng.uniform(0, 0.03)
    if who is not None:
        scene.sent[2][who] = scene.dead[2][who] = scene.rejected[2][who] = 0
    return scene.observed()


_START = datetime(2026, 11, 2, tzinfo=UTC)
FAULTS: dict[str, Callable[[Scene], Observed]] = {
    "silent producers": _silence,
    "dead letters": _set_aside,
    "refused": _refusal,
    "late": _lateness,
    "lag": _pause,
    "resent for ever": _loop,
    "replay": _replay,
    "renamed by a rule": _renamed,
}
BUSINESS: dict[str, Callable[[Scene], Observed]] = {
    "demand": _demand,
    "demand of one producer": _demand_of_one,
    "a grown fleet": _grown_fleet,
    "a replaced server": _replaced_server,
    "a small fault beside it": _small_fault_beside,
}
