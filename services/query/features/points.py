"""Which rows there are: a `Wanted` and the timeline of its scan come in, `Points` go out to `table`."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.kit.instant import MICROSECOND, us_of
from services.query.behaviour.timeline import Codes, Rows, Timeline
from services.query.features.request import Cuts, Moments, Wanted
from services.query.features.track import Track

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Points:
    """A person and an instant for each row, in order of the instant, then of the person."""

    who: Codes
    at: Rows
    rows: Rows
    """At event points: the row of the event in the timeline; else -1."""

    def __len__(self) -> int:
        return len(self.at)

    def part(self, chosen: slice | Rows) -> "Points":
        """Some of them."""
        return Points(self.who[chosen], self.at[chosen], self.rows[chosen])


def points(wanted: Wanted, timeline: Timeline) -> tuple[Points, int]:
    """The points of a table, at most as many as are wanted, and how many there are."""
    match wanted.points:
        case Cuts() as cuts:
            return _fewer(_cut(cuts, timeline), timeline, wanted.most)
        case Moments(span=span):
            rows = np.flatnonzero(timeline.flag("point") & timeline.within(span))
            found = Points(timeline.user[rows], timeline.at[rows], rows)
            return _fewer([found.part(np.lexsort((found.who, found.at)))], timeline, wanted.most)


def _cut(cuts: Cuts, timeline: Timeline) -> Iterable[Points]:
    """The points of each cut."""
    people = len(timeline.users)
    rows = np.flatnonzero(timeline.flag("member"))
    track = Track(timeline.user[rows], timeline.at[rows], people)
    everybody = np.arange(people, dtype=np.int32)
    for cut in cuts.instants:
        at = us_of(cut)
        first, behind = (
            track.before(everybody, np.full(people, each)) for each in (at - cuts.within // MICROSECOND, at)
        )
        who = everybody[behind > first]
        yield Points(who, np.full(len(who), at), np.full(len(who), -1))


def _fewer(parts: Iterable[Points], timeline: Timeline, most: int) -> tuple[Points, int]:
    """Those with the smallest hashes, when there are too many. No more are held than twice as many and one part."""
    kept, total, people = joined([]), 0, None
    for part in parts:
        total += len(part)
        kept = joined([kept, part])
        if total > most and len(kept) > most:
            people = _hashed(timeline.users) if people is None else people
            # Equals keep their order.
            chosen = np.argsort(_mixed(people[kept.who], kept.at), kind="stable")[:most]
            kept = kept.part(np.sort(chosen))
    return kept, total


def joined(parts: Iterable[Points]) -> Points:
    """Points one after the other."""
    empty = Points(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64))
    parts = [empty, *parts]
    return Points(
        *(np.concatenate([getattr(each, name) for each in parts]) for name in ("who", "at", "rows"))
    )


def _hashed(users: pa.Array) -> Hashes:
    digests = b"".join(hashlib.blake2b(user.encode(), digest_size=8).digest() for user in users.to_pylist())
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _mixed(hashes: Hashes, at: Rows) -> Hashes:
    """One hash of two, by the finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    mixed = hashes + at.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Hashes = mixed ^ (mixed >> np.uint64(31))
    return found
