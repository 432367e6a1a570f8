"""What single producers take from a series or bring to it: `Sender`s come in, what they explain goes out to `facts`. Pure.

A producer is silent where it sent regularly before and sends nothing for longer than twice its longest pause. What silent producers
took and what new ones brought is set off against each other, since a server that is replaced is both. A new producer that sends as
much as others do is one more of a fleet, which grows with demand, and explains nothing by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.insights.why.observed import Floats, Observed, Sender

_LEAST_ACTIVE = 5
"""Minutes in which a producer must have sent to be called regular."""
_LONGEST_PAUSE = 0.25
"""Of the time right before the change: who pauses longer is not regular."""
_OUT_OF_LINE = 2.0
"""A new producer that sends so many times what any other does is none of a fleet."""
_RUNAWAY = 10.0
"""A producer that sends so many times what it did is no longer what it was."""
_DOUBLED = 0.05
"""Share of duplicates from which a producer is thought to send things twice."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What one producer changed of a series."""

    sender: Sender
    effect: float
    """In the unit of the series, for each bucket in the mean."""
    minutes: int = 0
    """Of one that is silent: for how long."""
    since: int = 0
    """The minute of `after` in which that began."""
    usual: bool = False
    """Of one that is new: as others of its fleet."""


def silent(observed: Observed) -> list[Moved]:
    """Producers that are silent, the greatest loss first; less what new ones of the same fleet make up for."""
    lost = []
    for sender in observed.senders:
        quiet, since, longest = _silence(sender)
        usual, _, _ = _silence(sender, sender.before)
        share = quiet - usual
        if share > 0 and sender.part_before > 0:
            lost.append(Moved(sender, -observed.before * sender.part_before * share, longest, since))
    made_up = sum(each.effect for each in _appeared(observed))
    return sorted(_less(lost, made_up), key=lambda each: each.effect)


def appeared(observed: Observed) -> list[Moved]:
    """Producers that are new, or send far more than they did, the greatest gain first; less what silent ones took."""
    taken = sum(
        observed.before * each.part_before
        for each in observed.senders
        if each.before.sum() > 0 and not each.after.any()
    )
    grown = [
        Moved(each, observed.after * each.part_after - observed.before * each.part_before)
        for each in observed.senders
        if each.was.stored > 0 and each.now.stored >= _RUNAWAY * each.was.stored and len(observed.senders) > 1
    ]
    return sorted(_less(_appeared(observed), taken) + grown, key=lambda each: -each.effect)


def doubled(observed: Observed) -> list[Moved]:
    """Producers that send things twice: what is known to be the same took the place of new events, or came beside some that count."""
    found = []
    for sender in observed.senders:
        was, now = sender.was, sender.now
        received = now.stored + now.duplicate
        more = now.duplicate - was.duplicate
        if received <= 0 or more <= _DOUBLED * received or now.duplicate < 3 * was.duplicate:
            continue
        gained = now.stored - was.stored
        scale = observed.before * sender.part_before / was.stored if was.stored else 0.0
        effect = float(np.sign(gained)) * min(abs(gained), more) * scale
        found.append(Moved(sender, effect))
    return sorted(found, key=lambda each: -abs(each.effect))


def _appeared(observed: Observed) -> list[Moved]:
    known = [each for each in observed.senders if each.before.any() or each.lead.any()]
    most = max((each.now.stored for each in known), default=0.0)
    return [
        Moved(each, observed.after * each.part_after, usual=each.now.stored <= _OUT_OF_LINE * most)
        for each in observed.senders
        if each.after.any() and not (each.before.any() or each.lead.any()) and each.part_after > 0
    ]


def _less(moved: Sequence[Moved], by: float) -> list[Moved]:
    """Each of them less its part of what goes the other way; those who are left with nothing are left out."""
    whole = sum(abs(each.effect) for each in moved)
    left = max(0.0, 1 - by / whole) if whole else 0.0
    return [
        Moved(each.sender, each.effect * left, each.minutes, each.since, each.usual)
        for each in moved
        if each.effect * left
    ]


def _silence(sender: Sender, during: Floats | None = None) -> tuple[float, int, int]:
    """The share of the minutes (those after, unless others are given) in which somebody regular is silent, when the longest such pause
    begins, and how long it is.
    """
    minutes = sender.after if during is None else during
    active = int((sender.lead > 0).sum())
    pause = max((length for _, length in _pauses(sender.lead)), default=0)
    if active < _LEAST_ACTIVE or pause > _LONGEST_PAUSE * len(sender.lead) or not len(minutes):
        return 0.0, 0, 0
    needed = max(pause + 1, min(max(2 * pause + 1, 2), len(minutes)))
    found = [(start, length) for start, length in _pauses(minutes) if length >= needed]
    if not found:
        return 0.0, 0, 0
    since, longest = max(found, key=lambda each: each[1])
    return sum(length for _, length in found) / len(minutes), since, longest


def _pauses(minutes: Floats) -> list[tuple[int, int]]:
    """Runs of minutes without anything: where each begins, and how long it is."""
    idle = np.concatenate(([0], (minutes <= 0).astype(np.int8), [0]))
    edges = np.diff(idle)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(int(start), int(end - start)) for start, end in zip(starts, ends)]
