"""A repair: letters are taken slice by slice from `store`, mended by `repair`, appended by `intake` and counted by `tally`.

It can be cancelled anywhere and done again. A row that is in the log twice is stored once: the writer drops those whose letter is
settled. Each slice is committed before the next is taken, so that the counts tell what is stored.
"""

import asyncio
from collections.abc import Collection
from zoneinfo import ZoneInfo

import pyarrow as pa
from redis.asyncio import Redis

from services.ingest.intake import Intake
from services.ingest.letters.record import CONTENTS_BYTES
from services.ingest.letters.repair import Fault, Mended, Waiting, entries, mend, shown
from services.ingest.letters.request import Plan, Selection
from services.ingest.letters.store import Store
from services.ingest.letters.tally import MAX_TRIALS, Tally
from services.ingest.rules import stream as sessions
from services.kit.call import Project
from services.kit.instant import EPOCH, at
from tidemark.v1.ingest_pb2 import ACK_MODE_DURABLE

PLACES, SLICE = 100_000, 1000
"""Letters that are looked for at once, and those that are mended at once."""
_OBJECTS = {"events": ("properties", "context"), "points": ("tags",)}


class Repair:
    """The repair of a selection of a project's letters, by a plan."""

    def __init__(
        self, store: Store, intake: Intake, redis: Redis, project: Project, selection: Selection, plan: Plan
    ) -> None:
        self._store, self._intake, self._redis = store, intake, redis
        self._project, self._selection, self._plan = project, selection, plan
        self.tally = Tally(ZoneInfo(project.time_zone))
        self._seen: set[tuple[bytes, int]] = set()
        """Events brought so far that other letters are about too, by id and time."""

    async def run(self) -> None:
        """Repairs all that was selected at the beginning."""
        project_id = self._project.project_id
        self.tally.selected, last = await self._store.extent(project_id, self._selection)
        after = EPOCH, 0
        while places := await self._store.places(project_id, self._selection, after, last, PLACES):
            after = places[-1]
            left = [letter_id for _, letter_id in places]
            while left:
                ids = left[:SLICE]
                letters, more = await self._store.waiting(project_id, ids, CONTENTS_BYTES)
                await self._examine(letters)
                self.tally.examined += len(letters)
                taken = ids.index(letters[-1].letter.dead_letter_id) + 1 if more else len(ids)
                del left[:taken]

    async def _examine(self, letters: list[Waiting]) -> None:
        mended, faults = await asyncio.to_thread(mend, letters, self._plan)
        self.tally.fail(faults)
        for each in mended:
            storable = await self._storable(each)
            if not storable.waiting:
                continue
            duplicates = await self._duplicates(storable)
            if not self._plan.validate_only:
                await self._bring(storable, duplicates)
            else:
                self._show(storable, duplicates)
                self.tally.recover(storable, duplicates)

    async def _storable(self, mended: Mended) -> Mended:
        """Without the rows that the database would refuse."""
        faults: dict[int, Fault] = {}
        for name in _OBJECTS[mended.kind]:
            for row, message in (await self._store.refused(mended.rows[name].to_pylist())).items():
                faults[row] = Fault(mended.waiting[row].letter, "UNSTORABLE", name, message)
        self.tally.fail(faults.values())
        return mended.without(faults)

    async def _duplicates(self, mended: Mended) -> set[int]:
        """The rows that are stored already, or brought by another letter."""
        if mended.kind != "events":
            return set()
        ids = mended.rows["event_id"].to_pylist()
        times = mended.rows["occurred_at"].cast(pa.int64()).to_pylist()
        known = await self._store.known(self._project.project_id, ids, [at(us) for us in times])
        found = set()
        for row, (event_id, us) in enumerate(zip(ids, times)):
            if (event_id, at(us)) in known or (event_id, us) in self._seen:
                found.add(row)
            if mended.waiting[row].twin:
                self._seen.add((event_id, us))
        return found

    async def _bring(self, mended: Mended, duplicates: Collection[int]) -> None:
        """Appends the rows, and counts them once they are committed."""
        mended = await self._with_sessions(mended)
        taken = await asyncio.gather(
            *(
                self._intake.append(self._project, header, rows, mode=ACK_MODE_DURABLE)
                for header, rows in entries(mended)
            )
        )
        await asyncio.gather(*map(self._intake.committed, taken))
        ids = [each.letter.dead_letter_id for each in mended.waiting]
        repaired, left = await self._store.repaired(ids), await self._store.open(ids)
        self.tally.fail(
            Fault(each.letter, "POISON", "", "the writer could not store it; its log tells why")
            for each in mended.waiting
            if each.letter.dead_letter_id in left
        )
        kept = [row for row, letter_id in enumerate(ids) if letter_id in repaired]
        self.tally.recover(mended.take(kept), {place for place, row in enumerate(kept) if row in duplicates})

    async def _with_sessions(self, mended: Mended) -> Mended:
        """With sessions, where a rule that has yet to be applied gives them."""
        rules = self._plan.definition.rules
        if mended.past_rules or rules is None or rules.sessionize is None:
            return mended
        rows = await sessions.sessions(self._redis, self._project.project_id, rules.sessionize, mended.rows)
        return mended.of(rows)

    def _show(self, mended: Mended, duplicates: Collection[int]) -> None:
        """Shows some of what would be stored."""
        fresh = [row for row in range(len(mended.waiting)) if row not in duplicates]
        some = fresh[: MAX_TRIALS - len(self.tally.trials)]
        if some:
            self.tally.trials += shown(mended.take(some), self._plan)
