"""Sessions of event time: how rows make sessions, and how new sessions and those that are kept become one. Pure; called by `fold`.

A session reaches from its first event to the gap after its last, so that two that overlap are one. Events that came too late for
the session they would be in change none: they are counted as dropped in the one that lies there, or by themselves.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from services.ingest.windows.result import Key, Result, joined
from tidemark.v1.window_pb2 import Window

Ints = NDArray[np.int64]


def numbered(owner: Ints, at_us: Ints, gap_us: int) -> Ints:
    """The number of the session that each row is in, shape (rows,); `owner` numbers partition and key."""
    order = np.lexsort((at_us, owner))
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (np.diff(owner[order]) != 0) | (np.diff(at_us[order]) >= gap_us)
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(begins)
    return found


def extents(group: Ints, at_us: Ints, size: int, gap_us: int) -> tuple[Ints, Ints]:
    """When each group begins, and the gap after its last."""
    starts, ends = np.full(size, np.iinfo(np.int64).max), np.full(size, np.iinfo(np.int64).min)
    np.minimum.at(starts, group, at_us)
    np.maximum.at(ends, group, at_us)
    return starts, ends + gap_us


def judged(gain: Result, end_us: int, watermark_us: int, lateness_us: int) -> Result:
    """What a window that ends at `end_us` gains: as it is, late, or nothing but a count of what is dropped."""
    if end_us + lateness_us <= watermark_us:
        return replace(gain, count=0, parts=(), dropped=gain.count)
    if end_us <= watermark_us:
        return replace(gain, late=gain.count, restated=True)
    return gain


def folded(
    window: Window,
    kept: Iterable[Result],
    gained: Sequence[Result],
    watermarks: Mapping[int, int],
    lateness_us: int,
) -> tuple[list[Result], list[Result]]:
    """The sessions as they are now, and those that are gone."""
    before: defaultdict[tuple[int, Key], list[Result]] = defaultdict(list)
    for each in kept:
        before[each.partition, each.key].append(each)
    fresh: defaultdict[tuple[int, Key], list[Result]] = defaultdict(list)
    for each in gained:
        fresh[each.partition, each.key].append(each)
    put: list[Result] = []
    gone: list[Result] = []
    for owner, new in fresh.items():
        held = before[owner]
        now: list[Result] = []
        for chain in chains([*held, *new]):
            now += _settled(window, chain, set(map(id, new)), watermarks[owner[0]], lateness_us)
        unchanged = {id(each) for each in held}
        put += [each for each in now if id(each) not in unchanged]
        places = {each.place for each in now}
        gone += [each for each in held if each.place not in places]
    return put, gone


def chains(sessions: Iterable[Result]) -> list[list[Result]]:
    """Sessions of one key in order, those that overlap together. One without events has no length."""
    found: list[list[Result]] = []
    until = 0
    for each in sorted(sessions, key=lambda each: (each.start_us, -each.end_us)):
        if found and each.start_us < until:
            found[-1].append(each)
            until = max(until, each.end_us)
        else:
            found.append([each])
            until = each.end_us
    return found


def _settled(
    window: Window, chain: Sequence[Result], fresh: set[int], watermark_us: int, lateness_us: int
) -> list[Result]:
    """What becomes of sessions that overlap, those of `fresh` being new."""
    new = [each for each in chain if id(each) in fresh]
    if not new:
        return list(chain)
    end_us = max(each.end_us for each in chain)
    verdicts = [judged(each, end_us, watermark_us, lateness_us) for each in new]
    if verdicts[0].count:
        return [joined(window, [*(each for each in chain if id(each) not in fresh), *verdicts])]
    found = [each for each in chain if id(each) not in fresh]
    for dropped in verdicts:
        place = next((i for i, each in enumerate(found) if _over(each, dropped)), None)
        if place is None:
            found.append(replace(dropped, end_us=dropped.start_us))
        else:
            found[place] = replace(found[place], dropped=found[place].dropped + dropped.dropped)
    return found


def _over(held: Result, dropped: Result) -> bool:
    """Whether what was dropped lies at a session, or at the place of what was dropped before."""
    return held.start_us < dropped.end_us and dropped.start_us <= max(held.start_us, held.end_us - 1)
