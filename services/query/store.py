"""Reads PostgreSQL: statements of `sql` come in, rows gathered to a `shape.Reading` and the facts of their snapshot go out.

Everything that answers one question is read in one REPEATABLE READ transaction, so that rows, versions and watermark fit
together. When the caller goes away the task is cancelled, and psycopg cancels the statement in the server.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow

from services.kit.calendar import Span
from services.kit.errors import DeadlineExceeded, Invalid, NotFound, Unavailable
from services.kit.instant import EPOCH
from services.kit.service import Pool
from services.kit.turns import Turns
from services.query.columnar import scan as columnar
from services.query.columnar.rows import coalesced
from services.query.columnar.source import Bulk
from services.query.columnar.store import touched
from services.query.columnar.stream import written
from services.query.explain import mirrored, parts, rows_read
from services.query.plan import Plan, Scan, plan
from services.query.question import Events, Measured, Question
from services.query.rank import Group, choose, rankings
from services.query.record import stored_event
from services.query.replica.source import Replica
from services.query.shape import Cells, Reading, gather
from services.query.sql import Page, cells, events, ranking, unit_of
from services.query.state import Facts, Until
from services.query.suggest import Typed
from services.query.suggest import statement as suggestions
from services.query.where import Statement
from services.query.windows import plan as windows
from services.query.windows import sql
from services.query.windows.question import Window
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.query_pb2 import Scan as Explained
from tidemark.v1.window_pb2 import Window as Kept

_FACTS = """
    SELECT now(), array_agg(version ORDER BY partition), array_agg(batches ORDER BY partition), min(watermark),
        array_agg(coalesce(total, 0) ORDER BY partition),
        (SELECT coalesce(sum(received), 0)::bigint FROM ledger
            WHERE project_id = %(project)s AND minute > now() - interval '1 hour'),
        coalesce((SELECT revision FROM window_revisions WHERE project_id = %(project)s), 0)
            + (SELECT coalesce(sum(repairs), 0)::bigint FROM project_totals WHERE project_id = %(project)s),
        coalesce((SELECT removals FROM retention WHERE project_id = %(project)s), 0)
    FROM partitions
    LEFT JOIN (SELECT partition, received AS total FROM project_totals WHERE project_id = %(project)s) AS totals
        USING (partition)
"""
_EXPLAIN = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON)"
REMEMBERED = timedelta(minutes=50)
"""What commits touched is kept for an hour, and a commit is as old as the beginning of its transaction."""


class Store:
    """The tables that questions are answered from."""

    def __init__(
        self, pool: Pool, turns: Turns, bulk: Bulk | None = None, replica: Replica | None = None
    ) -> None:
        """With a `replica`, it is asked instead of the primary where it is fresh enough."""
        self._pool, self._turns, self._bulk, self._replica = pool, turns, bulk, replica

    @asynccontextmanager
    async def snapshot(
        self, project_id: int, seconds: float, *, patient: bool = False, then: Facts | None = None
    ) -> AsyncIterator["Snapshot"]:
        """A snapshot of the database, in the project's turn, for so many seconds; waiting counts. With `then`, it tells of the data
        of a state that has passed."""
        try:
            async with (
                asyncio.timeout(seconds),
                self._turns.turn(project_id, patient=patient),
                AsyncExitStack() as stack,
            ):
                begin = (
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                    f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}"
                )
                found = await self._on_replica(stack, begin, project_id, then) if self._replica else None
                yield found or await self._on_primary(stack, begin, project_id, then)
        except TimeoutError as error:
            raise DeadlineExceeded(f"the question took longer than {seconds:.3g} s: ask for less") from error
        except psycopg.errors.NumericValueOutOfRange as error:
            raise Invalid(
                "query.series.measures", "meet numbers too large to be added up; filter them out"
            ) from error

    async def _on_primary(
        self, stack: AsyncExitStack, begin: str, project_id: int, then: Facts | None
    ) -> "Snapshot":
        connection = await stack.enter_async_context(self._pool.connection())
        await stack.enter_async_context(connection.transaction())
        cursor = await stack.enter_async_context(connection.cursor(binary=True))
        await connection.execute(begin)
        return Snapshot(
            cursor, project_id, self._bulk, then, saw=self._replica.saw if self._replica else None
        )

    async def _on_replica(
        self, stack: AsyncExitStack, begin: str, project_id: int, then: Facts | None
    ) -> "Snapshot | None":
        """None where the replica has not come as far as the question needs."""
        replica = self._replica
        assert replica is not None

        async def look(connection: AsyncConnection[Any], behind: float) -> Snapshot | None:
            cursor = connection.cursor(binary=True)
            found = Snapshot(cursor, project_id, replica.bulk, then, behind=behind, saw=replica.saw)
            now = await found.present()
            reached = replica.complete(now.versions) and (then is None or now.reached(then))
            return found if reached else None

        found = await replica.enter(stack, begin, look)
        if found is not None:
            stack.push(partial(_doubtful, replica))
        return found


def _doubtful(
    replica: Replica, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
) -> bool:
    """Has the question asked again, of the primary, where the replica may not know yet what there is, or had to stop it."""
    if isinstance(error, NotFound | psycopg.errors.SerializationFailure):
        replica.distrust()
        raise Unavailable("the replica could not answer; ask again", reason="REPLICA_BEHIND") from error
    return False


class Snapshot:
    """One state of the database; or of what it holds, one that has passed."""

    def __init__(
        self,
        cursor: AsyncCursor[TupleRow],
        project_id: int,
        bulk: Bulk | None = None,
        then: Facts | None = None,
        *,
        behind: float | None = None,
        saw: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        """It is `behind` the primary where it is one of a replica; `saw` is told of which data it is."""
        self._cursor, self.project_id, self._bulk, self._then = cursor, project_id, bulk, then
        self._behind, self._saw = behind, saw
        self._until: Until | None = None
        self._present: Facts | None = None

    @property
    def connection(self) -> AsyncConnection[TupleRow]:
        """Whose transaction it is; others can take the snapshot over while it lasts."""
        return self._cursor.connection

    async def facts(self) -> Facts:
        """What the snapshot says about itself; raises `Invalid` where it is to tell of a state that never came to be."""
        now = await self.present()
        if self._saw is not None:
            self._saw(now.versions)
        return now if self._then is None else now.since(self._then)

    async def present(self) -> Facts:
        """The same of the database as it is, whatever it is to tell of."""
        if self._present is None:
            self._present = await self._facts()
        return self._present

    async def plan(self, question: Measured) -> Plan:
        """How a series or a table is read."""
        return plan(question, await self._passed())

    async def limit(self, span: Span) -> tuple[int, ...]:
        """How many batches of each partition count of what happened in a span; none are named where all do."""
        until = await self._passed()
        return until.limit(span) if until else ()

    async def series(self, plan: Plan, groups: tuple[Group, ...] | None = None) -> Reading:
        """What `plan` reads; the groups are chosen anew unless they are given."""
        if groups is None:
            groups = await self._groups(plan) if plan.question.grouped else ((),)
        cells, mirrored = await self._cells(plan.scans, groups)
        earlier, mirrored_before = await self._cells(plan.earlier, groups)
        return Reading(groups, cells, earlier, await self._units(plan), mirrored or mirrored_before)

    async def events(self, question: Events, page: Page) -> tuple[list[pb.StoredEvent], bool]:
        """The events of a page, newest first, and whether there are more."""
        if until := await self.limit(question.span):
            page = replace(page, until=until)
        rows = await self._run(events(question, self.project_id, page))
        found = [stored_event(*row[:-1]) for row in rows[: page.size]]
        return found, bool(rows) and rows[0][-1] > len(found)

    async def window(self, question: Window) -> windows.Reading:
        """What is read of the window that a question names; raises `NotFound`."""
        if self._then is not None:
            raise Invalid(
                "as_of",
                f"is given for {question.name}, and windows know no data but the last; ask without it",
            )
        for number, definition in await self._run(sql.window(question, self.project_id)):
            return windows.read(question, number, Kept.FromString(definition))
        raise NotFound(f"there is no window {question.name} in this project", reason="WINDOW_NOT_FOUND")

    async def kept(self, reading: windows.Reading) -> tuple[list[Sequence[str]], list[TupleRow]]:
        """The keys of a window that are shown apart, and the cells of these and of all others."""
        keys: list[Sequence[str]] = [reading.question.key]
        if reading.keyed:
            keys = [key for (key,) in await self._run(sql.keys(reading))][: reading.question.top]
        return keys, await self._run(sql.cells(reading, keys))

    async def suggestions(self, typed: Typed) -> list[TupleRow]:
        """What may complete a text: rows of text and count, likeliest first."""
        return await self._run(suggestions(typed, self.project_id))

    async def explained(self, question: Question, *, analyze: bool) -> tuple[list[Explained], int]:
        """What is read for a question; with `analyze`, it is read, and how many rows that took is told as well."""
        found, read = [], 0
        asked = await self.window(question) if isinstance(question, Window) else question
        for part in parts(asked, self.project_id, await self._passed()):
            scan = part.scan()
            [(scan.rows_expected,)] = await self._run(part.expected)
            if part.statement is not None:
                scan.statement = written(self.connection, part.statement)
            if part.bulk is not None and self._bulk is not None:
                sealed = await self._bulk.told(self.connection, self.project_id, part.bulk)
                if sealed.segments:
                    found += mirrored(scan, sealed)
                    read += sealed.rows
                    continue
            if part.statement is not None and analyze:
                [(tree,)] = await self.rows(f"{_EXPLAIN} {part.statement.text}", part.statement.parameters)
                read += rows_read(tree[0]["Plan"])
            found.append(scan)
        return found, read

    async def scan(self, scan: columnar.Scan) -> pa.Table:
        """The rows of a bulk scan, as one ordered table."""
        assert self._bulk is not None, "this store was made without a reader of bulk"
        if until := await self.limit(scan.span):
            scan = replace(scan, until=until)
        return await self._bulk.scan(self.connection, self.project_id, scan)

    async def touched(self, versions: Sequence[int]) -> list[Span]:
        """The spans of event time that commits after `versions` touched, in order."""
        return list(await touched(self.connection, self.project_id, versions))

    async def rows(self, text: str, parameters: Any = None) -> list[TupleRow]:
        """The rows of a statement. It is planned for its values: a plan for any would read every chunk."""
        await self._cursor.execute(text, parameters, prepare=False)  # type: ignore[arg-type]
        return await self._cursor.fetchall()

    async def _facts(self) -> Facts:
        # Asked before every question, and planned once: to plan it takes six times as long as to answer it.
        await self._cursor.execute(_FACTS, {"project": self.project_id}, prepare=True)
        [
            (at, versions, batches, watermark, totals, received_hour, changes, removed)
        ] = await self._cursor.fetchall()
        return Facts(
            at,
            tuple(versions or ()),
            tuple(batches or ()),
            watermark,
            tuple(totals or ()),
            received_hour,
            changes + removed,
            removed,
            self.project_id,
            behind=self._behind,
        )

    async def _passed(self) -> Until | None:
        """What counts of the state that has passed; None where all does."""
        if self._until is None and self._then is not None:
            now = await self.present()
            changed: tuple[Span, ...] | None = ()
            if not now.unchanged(self._then):
                remembered = now.at - self._then.at < REMEMBERED
                changed = coalesced(await self.touched(self._then.versions)) if remembered else None
            self._until = Until(self._then.batches, changed)
        return self._until

    async def _run(self, statement: Statement) -> list[TupleRow]:
        return await self.rows(statement.text, statement.parameters)

    async def _groups(self, plan: Plan) -> tuple[Group, ...]:
        ranked = []
        for each in rankings(plan):
            found = await self._bulk.ranking(self.connection, self.project_id, each) if self._bulk else None
            if found is None:
                statement = ranking(each, self.project_id)
                found = statement.columns, await self._run(statement)
            ranked.append((each, *found))
        # A hundred thousand groups take a second to order.
        return await asyncio.to_thread(choose, plan.question, ranked)

    async def _cells(self, scans: Iterable[Scan], groups: Sequence[Group]) -> tuple[Cells, bool]:
        """The cells of some scans, and whether segments told some of them."""
        cells_: Cells = {}
        mirrored = False
        for scan in scans:
            if scan.tiles:
                found = (
                    await self._bulk.cells(self.connection, self.project_id, scan, groups)
                    if self._bulk
                    else None
                )
                mirrored = mirrored or found is not None
                if found is None:
                    statement = cells(scan, self.project_id, groups)
                    found = statement.columns, await self._run(statement)
                gather(cells_, *found)
        return cells_, mirrored

    async def _units(self, plan: Plan) -> dict[str, tuple[int, str]]:
        names = {each.name for each in plan.question.measures if each.source == pb.SOURCE_METRICS}
        found: dict[str, tuple[int, str]] = {}
        until = await self.limit(Span(EPOCH, plan.question.span.end)) if names else ()
        for name in sorted(names):
            for kind, unit in await self._run(unit_of(name, plan.question.span, self.project_id, until)):
                found[name] = (kind, unit)
        return found
