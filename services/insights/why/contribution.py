"""Where a change comes from: tables of two spans come in, `Contribution`s go out to insights and `ExplainChange`. Pure.

What each value adds is exact: the parts of one field add up to the change. Of a mean, a value's part is what its numerator is above the
mean before, times its divisor, over the whole divisor, after less before, so that these parts add up as well. Which of them lead is
decided by `shift`: those that stand out of the noise of their own past.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.insights.why.shift import Noise, Told, noise, told
from services.insights.why.split import OTHER, Fields, Floats, Split, Table, split
from tidemark.v1 import insight_pb2 as pb

CLEAR = 4.0
"""A group that gains less might be chance."""
_PAIR_MARGIN = 3.0
"""What a pair must gain beyond each of its values."""
_ALIKE = 1.5
"""Lift below which a value that does not stand out merely changes with all others."""
_LEADING = 3
_MUCH = 0.1
"""What adds less of the change is told after what adds more."""


@dataclass(frozen=True, slots=True)
class Change:
    """The tables of a change, by their fields."""

    before: Mapping[Fields, Table]
    after: Mapping[Fields, Table]
    earlier: Sequence[Mapping[Fields, Table]] = field(default_factory=list)
    """Spans as far before `before` as that is before `after`, and so on, for what is usual."""
    mean: bool = False
    """Whether the measure is a mean; else it adds up."""

    @property
    def splits(self) -> dict[Fields, Split]:
        """The spans side by side, for fields with more than one value."""
        found = {
            fields: split(
                self.before[fields],
                self.after[fields],
                tuple(each[fields] for each in self.earlier if fields in each),
                mean=self.mean,
            )
            for fields in self.before
            if fields in self.after
        }
        return {fields: each for fields, each in found.items() if each.named > 1}


@dataclass(frozen=True, slots=True)
class _Candidate:
    gain: float
    along: bool
    """Whether it goes with the change, beyond what all others did."""
    message: pb.Contribution


def contributions(change: Change, top: int) -> list[pb.Contribution]:
    """At most `top` values, and pairs of values: first those that stand out, of them those that go with the change before those that go
    against it; then the greatest of those that changed as all did.
    """
    found = _candidates(change)
    clear = [each for each in found if each.gain >= CLEAR]
    clear.sort(key=lambda each: (not each.along, each.message.share < _MUCH, -each.gain))
    alike = [
        each
        for each in found
        if each.gain < CLEAR
        and len(each.message.fields) == 1
        and each.message.share > 0
        and each.message.lift < _ALIKE
    ]
    alike.sort(key=lambda each: -each.message.share)
    return [each.message for each in (clear + alike)[:top]]


def leading(change: Change) -> list[str]:
    """The fields whose values tell most of the change, at most 3; pairs of them are worth a look."""
    best: dict[str, float] = {}
    for each in _candidates(change):
        if len(each.message.fields) == 1 and each.along:
            name = each.message.fields[0]
            best[name] = max(best.get(name, -math.inf), each.gain)
    return sorted(best, key=lambda name: -best[name])[:_LEADING]


def _candidates(change: Change) -> list[_Candidate]:
    splits = change.splits
    single = {fields: each for fields, each in splits.items() if len(fields) == 1}
    usual = noise(list(single.values()))
    alone = {fields: told(each, usual) for fields, each in single.items()}
    found = [
        candidate
        for fields, each in single.items()
        for candidate in _of(fields, each, alone[fields], change.mean)
    ]
    gains = {(each.message.fields[0], each.message.values[0]): each.gain for each in found}
    for fields, each in splits.items():
        if len(fields) == 2:
            found += _of(fields, each, _pairs(fields, each, usual, gains), change.mean)
    return found


def _pairs(fields: Fields, split: Split, usual: Noise, alone: Mapping[tuple[str, str], float]) -> Told:
    """What pairs tell beyond their values. In the same split, one that tells no more than the best value of either field tells nothing;
    else it tells as much more than its values do by themselves.
    """
    pairs = told(split, usual)
    best = 0.0
    for place in range(2):
        values = sorted({group[place] for group in split.groups if group != OTHER})
        number = {value: i for i, value in enumerate(values)}
        sets = np.array(
            [number[group[place]] if group != OTHER else len(values) for group in split.groups], np.int64
        )
        best = max(best, float(told(split, usual, sets).gains.max()))
    gains = np.full(len(split.groups), -np.inf)
    for i, group in enumerate(split.groups):
        if group != OTHER and pairs.gains[i] > best + _PAIR_MARGIN:
            parts = max((alone.get(part, 0.0) for part in zip(fields, group)), default=0.0)
            gains[i] = max(parts, 0.0) + pairs.gains[i] - best
    return Told(gains, pairs.excess)


def _of(fields: Fields, split: Split, said: Told, mean: bool) -> list[_Candidate]:
    before, after, parts = _parts(split, mean)
    total = float(parts.sum())
    weights, weights_after = split.divisor if mean else (np.abs(split.before), np.abs(split.after))
    found = []
    for i, group in enumerate(split.groups):
        if group == OTHER or not math.isfinite(said.gains[i]):
            continue
        share = float(parts[i]) / total if abs(total) > 1e-12 * float(np.abs(parts).sum()) else 0.0
        # A value that is new has no part of what was before.
        of = weights[i] / max(weights.sum(), 1e-300) or weights_after[i] / max(weights_after.sum(), 1e-300)
        message = pb.Contribution(
            fields=fields,
            values=group,
            before=float(before[i]),
            after=float(after[i]),
            share=share,
            lift=share / float(of) if of else 0.0,
        )
        along = share > 0 and float(said.excess[i]) * total > 0
        found.append(_Candidate(float(said.gains[i]), along, message))
    return found


def _parts(split: Split, mean: bool) -> tuple[Floats, Floats, Floats]:
    """What is told of each group before and after, and its part of the change; each of shape (groups,)."""
    if not mean:
        before, after = split.before / split.buckets, split.after / split.buckets
        return before, after, after - before
    (d_before, d_after), nothing = split.divisor, np.full(len(split.before), math.nan)
    whole_before, whole_after = float(d_before.sum()), float(d_after.sum())
    if not (whole_before and whole_after):
        return nothing, nothing, np.zeros(len(nothing))
    usual = float(split.before.sum()) / whole_before
    above = (split.after - usual * d_after) / whole_after - (split.before - usual * d_before) / whole_before
    before, after = (
        np.divide(number, divisor, out=nothing.copy(), where=divisor > 0)
        for number, divisor in ((split.before, d_before), (split.after, d_after))
    )
    return before, after, above
