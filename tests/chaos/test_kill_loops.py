"""`kill -9` of everything under load: what was acknowledged is stored exactly once, and every total agrees with the rows.

`TIDEMARK_CHAOS_ROUNDS` (8) and `TIDEMARK_CHAOS_SEED` (random, printed) may be set; `make chaos` runs 100 rounds.
"""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local.process import wait_until
from services.kit.postgres import conninfo
from tests.chaos import checker
from tests.chaos.harness import KINDS, Chaos, chaos, settle
from tests.chaos.load import PRODUCERS, journals

ROUNDS = int(os.environ.get("TIDEMARK_CHAOS_ROUNDS", "8"))
SEED = int(os.environ.get("TIDEMARK_CHAOS_SEED", secrets.randbelow(1_000_000)))


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder that the servers can enter; it stays when the test fails."""
    path = Path(tempfile.mkdtemp(prefix="tidemark-chaos-"))
    path.chmod(0o711)
    failed = request.session.testsfailed
    yield path
    if request.session.testsfailed == failed:
        shutil.rmtree(path)
    else:
        print(f"logs and data stay in {path}")


@pytest.fixture
def run(folder: Path) -> Iterator[Chaos]:
    """A suite under load."""
    with chaos(folder, SEED) as run:
        assert wait_until(
            lambda: len(run.lives()) == PRODUCERS and all(life.acknowledged for life in run.lives()), 30
        )
        yield run


def test_what_was_acknowledged_is_stored_exactly_once_whatever_is_killed(run: Chaos) -> None:
    print(f"\nseed {SEED}, {ROUNDS} rounds")
    began = time.monotonic()
    for number in range(ROUNDS):
        if number and number % 10 == 0:
            print(f"round {number}, {time.monotonic() - began:.0f} s: {dict(run.kills)}", flush=True)
        # A random moment, also in the middle of the recovery from the blow before.
        wait_until(lambda: False, run.chance.uniform(0.1, 1.2))
        for kind in run.chance.choices(list(KINDS), list(KINDS.values()), k=run.chance.choice((1, 1, 1, 2))):
            run.strike(kind)
        run.positions()
        run.revive()
        if run.chance.random() < 0.7:
            run.recover()
    run.recover()
    settle(run)
    report(run, time.monotonic() - began)
    assert run.faults == []


def test_frozen_writer_changes_nothing(run: Chaos) -> None:
    for name in ("writer-1", "writer-2", "writer-1"):
        before = {partition: at.epoch for partition, at in run.positions().items()}
        frozen = run.freeze(name)
        assert frozen
        assert all(run.positions()[partition].epoch > before[partition] for partition in frozen)
        run.recover()
    assert all(not member.ended for member in run.suite.members.values())
    settle(run)
    assert run.faults == []


def test_checker_sees_damage(run: Chaos) -> None:
    settle(run)
    assert run.faults == []
    with psycopg.connect(conninfo(run.suite.postgres.url)) as connection:
        for statement in DAMAGE.values():
            assert connection.execute(statement).rowcount == 1
    faults = "\n".join(checker.faults(run.suite, journals(run.folder)))
    assert [fault for fault in DAMAGE if fault not in faults] == []


DAMAGE = {
    "acknowledged events are missing": "DELETE FROM events WHERE event_id = (SELECT min(event_id::text)::uuid FROM events)",
    "points are stored more than once": "INSERT INTO metric_points SELECT * FROM metric_points LIMIT 1",
    "rollups_1m of source 1 differ": "UPDATE rollups_1m SET count = count + 1 WHERE (bucket, name, type, partition) = "
    "(SELECT bucket, name, type, partition FROM rollups_1m WHERE source = 1 LIMIT 1)",
    "rollups_1d of source 2 differ": "UPDATE rollups_1d SET max = max + 0.125 WHERE (bucket, name, type, partition) = "
    "(SELECT bucket, name, type, partition FROM rollups_1d WHERE source = 2 LIMIT 1)",
    "ledger rows do not balance": "UPDATE ledger SET stored = stored + 1 WHERE (producer_id, minute) = "
    "(SELECT producer_id, minute FROM ledger LIMIT 1)",
    "rows became dead letters": "INSERT INTO dead_letters (project_id, batch_id, received_at, reason, message, content) "
    "VALUES (1, 1, now(), 'UNSTORABLE', '', '')",
    "partitions have received something else": "UPDATE partitions SET received = received + 1 WHERE partition = "
    "(SELECT min(partition) FROM partitions)",
}
"""Damage done by hand, under the words by which the checker must name it."""


def report(run: Chaos, seconds: float) -> None:
    lives = journals(run.folder)
    acknowledged, made = sum(life.acknowledged for life in lives), sum(life.made for life in lives)
    kills = ", ".join(f"{count} {kind}" for kind, count in sorted(run.kills.items()))
    print(f"{sum(run.kills.values())} blows in {ROUNDS} rounds and {seconds:.0f} s: {kills}")
    print(
        f"{acknowledged} acknowledged, {made - acknowledged} unknown, {sum(life.resent for life in lives)} batches sent again; "
        f"slowest recovery {max(run.recoveries):.1f} s"
    )
    for fault in run.faults:
        print(f"FAULT {fault}")
