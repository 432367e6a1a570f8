"""Finds the people of cohorts: names of a question come in, `Members` by name go out to `question.read`.

Who is listed is read from the table; who a rule finds, from the events of a scan. That is kept for a while, so that the tiles of
a dashboard look for the same people once.
"""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.kit.errors import Invalid, NotFound
from services.query.cohorts import rule
from services.query.cohorts.rule import Rule
from services.query.filter import NOBODY, Members
from services.query.state import Facts
from services.query.store import Snapshot, Store
from tidemark.v1.cohort_pb2 import CohortRule

MAX_PEOPLE = 1_000_000
"""Of one cohort; a question is limited to no more."""
KEPT_SECONDS, KEPT_PEOPLE = 30.0, 2_000_000
"""How long people are kept, and how many of all cohorts together."""

_PROJECT = "SELECT 'projects/' || slug || '/cohorts/', time_zone FROM projects WHERE project_id = %s"
_COHORTS = (
    "SELECT cohort_id, rule, revision, created_at FROM cohorts WHERE project_id = %s AND cohort_id = ANY(%s)"
)
_PEOPLE = "SELECT user_id FROM cohort_people WHERE project_id = %s AND cohort_id = %s ORDER BY user_id"


@dataclass(frozen=True, slots=True)
class _Kept:
    members: Members
    changed: list[Any]
    """Which state of the cohort they are of."""
    data: tuple[Rule, str] | None
    """Which rule found them at that instant, in which data; None where they are listed."""
    found_at: float


class Cohorts:
    """Cohorts as questions need them."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store, self._seconds = store, seconds
        self._kept: dict[tuple[int, str], _Kept] = {}
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def people(
        self,
        names: Collection[str],
        project_id: int,
        now: datetime,
        snapshot: Snapshot | None = None,
        staleness: float = 0.0,
        then: Facts | None = None,
    ) -> Mapping[str, Members]:
        """The people of each cohort, as of `snapshot`, of `then` or of now; raises `NotFound` for a name that no cohort has.

        `staleness` is how many seconds ago they may have been found of older data. Rules and lists are those of now.
        """
        if not names:
            return NOBODY
        if snapshot is not None:
            return await self._found(names, snapshot, now, staleness)
        async with self._store.snapshot(project_id, self._seconds, then=then) as opened:
            return await self._found(names, opened, now, staleness)

    async def _found(
        self, names: Collection[str], snapshot: Snapshot, now: datetime, staleness: float
    ) -> Mapping[str, Members]:
        [(prefix, zone)] = await snapshot.rows(_PROJECT, (snapshot.project_id,))
        ids = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        rows = await snapshot.rows(_COHORTS, (snapshot.project_id, ids))
        known = {prefix + row[0]: row for row in rows}
        for name in sorted(names):
            if name not in known:
                raise NotFound(f"there is no cohort {name[:200]} in this project", reason="COHORT_NOT_FOUND")
        return {
            name: await self._members(name, row, snapshot, ZoneInfo(zone), now, staleness)
            for name, row in known.items()
        }

    async def _members(
        self, name: str, row: Any, snapshot: Snapshot, zone: ZoneInfo, now: datetime, staleness: float
    ) -> Members:
        cohort_id, stored, *changed = row
        data = None
        if stored is not None:
            version = (await snapshot.facts()).version
            data = rule.read(CohortRule.FromString(stored), zone, now, name), version
        async with self._locks[snapshot.project_id]:
            place = snapshot.project_id, name
            kept = self._kept.get(place)
            if kept is not None and kept.changed == changed:
                age = time.monotonic() - kept.found_at
                if age <= staleness or (age < KEPT_SECONDS and kept.data == data):
                    return kept.members
            found_at = time.monotonic()
            if data is None:
                rows = await snapshot.rows(_PEOPLE, (snapshot.project_id, cohort_id))
                users = tuple(user for (user,) in rows)
            else:
                table = await snapshot.scan(rule.scan(data[0]))
                users = await asyncio.to_thread(rule.people, data[0], table)
            if len(users) > MAX_PEOPLE:
                raise Invalid(
                    "query", f"is limited to {name}, which has more than {MAX_PEOPLE} people; narrow its rule"
                )
            members = Members(name, users, await asyncio.to_thread(_digest, users))
            self._keep(place, _Kept(members, changed, data, found_at))
            return members

    def _keep(self, place: tuple[int, str], kept: _Kept) -> None:
        """Keeps people, and drops those that are old or too many."""
        self._kept.pop(place, None)
        self._kept[place] = kept
        people = sum(len(each.members.users) for each in self._kept.values())
        for other, each in list(self._kept.items())[:-1]:
            if kept.found_at - each.found_at >= KEPT_SECONDS or people > KEPT_PEOPLE:
                people -= len(each.members.users)
                del self._kept[other]


def _digest(users: tuple[str, ...]) -> str:
    """Tells these people from others."""
    return hashlib.sha256("\0".join(users).encode()).hexdigest()[:16]
