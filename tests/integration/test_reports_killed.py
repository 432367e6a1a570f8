"""Two processes make and deliver reports while `kill -9` ends one of them again and again: each slot gives exactly one edition, and each
delivery arrives, however often, under one id.
"""

import io
import json
import os
import random
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace

from deploy.local.ports import free_port
from deploy.local.suite import ROOT
from services.admin.service import admin
from services.ingest.service import ingest, writer
from services.kit.service import Resources, Service
from services.query.service import query
from services.reports.service import reports
from tests.conftest import Served, Suite
from tests.integration.alerting import receiving
from tests.integration.test_reports_editions import WEEKLY, Making, sdk
from tests.polling import until

SLOTS, ASKED, KILLS, SEED = 12, 3, 4, 20261123
IN_TIME = 120.0


async def desk(resources: Resources) -> Service:
    """The RPCs of the target reports without its loops, which are the replicas'."""
    return replace(await reports(resources), workers=())


class Replica:
    """The target reports as a process of its own, which `kill -9` ends and which begins anew."""

    def __init__(self, served: Served) -> None:
        settings = served.resources.settings
        self._own = {
            "TIDEMARK_DATABASE_URL": settings.database_url,
            "TIDEMARK_REDIS_URL": settings.redis_url,
            "TIDEMARK_QUERY_ADDRESS": f"127.0.0.1:{served.port}",
            "TIDEMARK_REPORTS_PORT": str(free_port()),
            "TIDEMARK_METRICS_PORT": str(free_port()),
            "TIDEMARK_OUTBOUND_PRIVATE": "true",
            "TIDEMARK_OUTBOUND_HTTP": "true",
        }
        self.start()

    def start(self) -> None:
        """Begins."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services", "reports"],
            cwd=ROOT,
            env={**os.environ, **self._own},
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()


async def stands(made: Making) -> tuple[int, ...]:
    """How far all of it is: runs ended, attempts, editions, deliveries made, tried and over."""
    async with made.served.resources.pool.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT (SELECT count(*) FROM runs WHERE ended_at IS NOT NULL), (SELECT count(*) FROM runs),
                (SELECT coalesce(sum(attempts), 0)::int FROM operations WHERE verb = 'report'), (SELECT count(*) FROM editions),
                (SELECT count(*) FROM deliveries), (SELECT coalesce(sum(attempts), 0)::int FROM deliveries),
                (SELECT count(*) FROM deliveries WHERE state = 2)
            """
        )
        row = await cursor.fetchone()
        assert row is not None
        return tuple(row)


async def nobody_waits(made: Making) -> None:
    """What the dead held is free at once, and may be what the living hold: then two do it, and one of them in vain."""
    async with made.served.resources.pool.connection() as connection:
        await connection.execute(
            "UPDATE operations SET leased_until = now() WHERE verb = 'report' AND ended_at IS NULL"
        )
        await connection.execute("UPDATE deliveries SET next_at = now() WHERE state = 1")


async def test_each_slot_gives_one_edition_and_each_delivery_arrives_under_one_id(suite: Suite) -> None:
    chance = random.Random(SEED)
    async with (
        suite(
            ingest, writer, query, admin, desk, pool_size=8, outbound_private=True, outbound_http=True
        ) as served,
        sdk(served) as client,
        receiving(503, 204, 204, 500, 204) as receiver,
    ):
        made = Making(served, client)
        await made.orders(20)
        await client.reports.create(WEEKLY, report_id="weekly")
        await client.deliveries.create("Hook", url=receiver.url, destination_id="hook")
        await client.schedules.create(
            "weekly", "*/5 * * * *", to=["hook"], formats=["json", "csv"], catch_up="all", schedule_id="often"
        )
        await made.value(
            "UPDATE schedules SET due_at = now(), next_at = date_bin('5 minutes', now(), 'epoch') - %s * interval '5 minutes' "
            "RETURNING 1",
            SLOTS - 1,
        )
        asked = [await client.editions.begin("weekly", destinations=["hook"]) for _ in range(ASKED)]

        with ExitStack() as ended:
            replicas = [Replica(served) for _ in range(2)]
            for replica in replicas:
                ended.callback(replica.kill)
            seen = await stands(made)
            for _ in range(KILLS):
                steps = chance.randint(1, 4)

                async def moved(before: tuple[int, ...] = seen, least: int = steps) -> bool:
                    now = await stands(made)
                    return sum(now) >= sum(before) + least or now[-1] >= SLOTS + ASKED

                await until(moved, IN_TIME)
                replica = chance.choice(replicas)
                replica.kill()
                replica.start()
                await nobody_waits(made)
                seen = await stands(made)

            async def over() -> bool:
                runs, begun, *_, delivered = await stands(made)
                return runs == begun >= SLOTS + ASKED and delivered == begun

            await until(over, IN_TIME)

        runs = [each async for each in client.editions.runs("weekly")]
        assert {(run.state, len(run.editions)) for run in runs} == {("done", 1)}
        slots = [run.slot_time for run in runs if run.schedule]
        assert len(slots) == len(set(slots)) >= SLOTS
        assert {each.target for each in asked} == {run.name for run in runs if not run.schedule}
        assert await made.value("SELECT count(*) FROM editions") == len(runs)
        for run in runs:
            for file in (await client.editions.get(run.editions[0])).files:
                await client.editions.download(run.editions[0], file.format, io.BytesIO())

        ids: dict[str, set[str]] = {}
        for headers, body in receiver.seen:
            event = json.loads(body)
            assert headers["webhook-id"] == event["id"]
            ids.setdefault(event["subject"], set()).add(event["id"])
        assert set(ids) == {run.editions[0] for run in runs}
        assert all(len(each) == 1 for each in ids.values())
