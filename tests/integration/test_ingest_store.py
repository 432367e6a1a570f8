"""One transaction takes a microbatch whole or not at all, and leaves books that balance and rollups that equal their rows."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest

from services.ingest import microbatch, store
from services.ingest.lease import Lease, Standing
from services.ingest.rollup import Buckets
from services.kit import postgres
from services.kit.instant import EPOCH
from tests.ingesting import MINUTE_US, NOW_US, entry_fields, event, event_id, point
from tests.integration.committing import LATE_AFTER_US, LEASE, desk

WEEK_US = 7 * 86_400_000_000
_PARTITION = "SELECT last_id, version, batches, received, bytes, epoch FROM partitions WHERE partition = 0"
_EVERYTHING = """
SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM metric_points), (SELECT count(*) FROM rollups_1m),
    (SELECT count(*) FROM rollups_1h), (SELECT count(*) FROM rollups_1d), (SELECT count(*) FROM ledger),
    (SELECT count(*) FROM batches), (SELECT count(*) FROM producers), (SELECT count(*) FROM project_totals),
    (SELECT count(*) FROM commits), (SELECT count(*) FROM dead_letters), (SELECT count(*) FROM quality)
"""
_LETTERS = """
SELECT batch_id, kind, rows, producer_id, reason, field, message, name, event_id, user_id, state, settled_by
FROM dead_letters ORDER BY dead_letter_id
"""


def poison(number: int, **fields: Any) -> Any:
    """An event that is in order by the contract and that PostgreSQL cannot hold: numeric ends at 10^-16383."""
    return event(number, properties_json=b'{"a":1e-20000}', **fields)


# --- one transaction --------------------------------------------------------------------------------------------------


async def test_a_microbatch_is_stored_with_all_that_tells_of_it(database: str) -> None:
    events = entry_fields(
        event(1, user_id="ada"), event(2, user_id="bob"), rejected=1, sent_us=NOW_US - 5, sequence=1
    )
    points = entry_fields(
        point(2.5, tags={"host": "a"}, unit="ms"), producer_id="host", project_id=2, epoch=7
    )
    async with desk(database) as ours:
        await ours.commit(events, points)
        assert await ours.rows(_EVERYTHING) == [(2, 1, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0)]
        size = sum(len(part) for fields in (events, points) for part in fields.values())
        ((last_id, version, batches, received, held, epoch),) = await ours.rows(_PARTITION)
        assert (last_id, version, batches, received, held, epoch) == ("1700000000002-0", 1, 2, 4, size, 1)
        assert await ours.rows(
            "SELECT project_id, producer_id, epoch, sequence, received FROM producers ORDER BY 1"
        ) == [
            (1, "web-1", 1, 1, 3),
            (2, "host", 7, 1, 1),
        ]
        assert await ours.rows("SELECT * FROM project_totals ORDER BY project_id") == [
            (0, 1, 3, 0),
            (0, 2, 1, 0),
        ]
        assert await ours.rows(
            "SELECT batch_id, sequence, entry_id, sent_at, received_at, stored, duplicate, rejected, dead_lettered"
            " FROM batches ORDER BY batch_id"
        ) == [
            (0, 1, "1700000000001-0", store.at(NOW_US - 5), store.at(NOW_US), 2, 0, 1, 0),
            (4096, 1, "1700000000002-0", None, store.at(NOW_US), 1, 0, 0, 0),
        ]
        await ours.balanced()
        await ours.assert_rollups_equal_rows()


async def test_rows_are_stored_as_they_came(database: str) -> None:
    sent = event(
        1,
        type=6,
        name="é'\\",
        user_id="ada",
        session_id="s",
        at_us=NOW_US + 1,
        properties_json=b'{"b":1.10,"a":[null,true,"\\u00e9"]}',
        context_json=b'{"deep":{"er":{}}}',
    )
    async with desk(database) as ours:
        await ours.commit(entry_fields(sent, event(2, at_us=NOW_US - LATE_AFTER_US - 1, name="old")))
        await ours.commit(entry_fields(point(-1e308, at_us=0, tags={"a": "b"}, unit="By"), producer_id="p"))
        ((found_id, at, type_, late, name, user, session, properties, context),) = await ours.rows(
            "SELECT event_id, occurred_at, type, late, name, user_id, session_id, properties, context"
            " FROM events WHERE name <> 'old'"
        )
        assert (found_id.bytes, at, type_, late) == (event_id(1), store.at(NOW_US + 1), 6, False)
        assert (name, user, session) == ("é'\\", "ada", "s")
        assert properties == {"a": [None, True, "é"], "b": 1.10}
        assert context == {"deep": {"er": {}}}
        assert await ours.rows(
            "SELECT late, properties, context, user_id FROM events WHERE name = 'old'"
        ) == [(True, None, None, None)]
        assert await ours.rows(
            "SELECT observed_at, kind, late, value, name, unit, tags FROM metric_points"
        ) == [(EPOCH, 2, True, -1e308, "cpu", "By", {"a": "b"})]


async def test_a_writer_that_lost_a_partition_commits_nothing(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(entry_fields(event(1)))
        before = await ours.rows(_EVERYTHING), await ours.rows(_PARTITION)
        async with await postgres.connect(database) as other:
            await other.execute(
                "UPDATE partitions SET epoch = epoch + 1, owner = 'writer-2' WHERE partition = 0"
            )
        lost = {
            0: [entry_fields(event(2), sequence=2)],
            1: [entry_fields(event(3), poison(4), producer_id="other")],
        }
        with pytest.raises(store.Fenced, match="1 of 2 partitions have another owner"):
            await ours.commit_all(lost)
        ours.restart()
        (row,) = before[1]
        assert await ours.rows(_EVERYTHING) == before[0]
        assert await ours.rows(_PARTITION) == [(*row[:-1], row[-1] + 1)]


async def test_a_commit_cannot_be_made_twice(database: str) -> None:
    """As a writer would that did not hear that it had succeeded."""
    async with desk(database) as ours:
        work = microbatch.gather({0: [("5-0", entry_fields(event(1)))]}, ours.positions, {}, 0)
        await store.commit(ours.connection, work, Buckets(), LEASE)
        with pytest.raises(store.Fenced, match="these batches are committed already"):
            await store.commit(ours.connection, work, Buckets(), LEASE)
        empty = microbatch.gather({0: []}, ours.positions, {}, 0)
        with pytest.raises(store.Fenced, match="1 of 1 partitions have another owner"):
            await store.commit(ours.connection, empty, Buckets(), LEASE)
        assert await ours.balanced() == {"received": 1, "stored": 1, "duplicate": 0, "rejected": 0, "dead": 0}


async def test_an_error_in_the_middle_leaves_nothing_behind(database: str) -> None:
    async with desk(database) as ours:
        empty = await ours.rows(_EVERYTHING)
        async with await postgres.connect(database) as other:
            await other.execute("ALTER TABLE commits RENAME TO gone")
            with pytest.raises(psycopg.errors.UndefinedTable):
                await ours.commit(entry_fields(event(1)))
            await other.execute("ALTER TABLE gone RENAME TO commits")
        ours.restart()
        assert await ours.rows(_EVERYTHING) == empty
        await ours.commit(entry_fields(event(1)))
        await ours.assert_rollups_equal_rows()


async def test_a_commit_renews_the_lease(database: str) -> None:
    async with desk(database) as ours:
        await ours.connection.execute("UPDATE partitions SET leased_until = now() - interval '1 hour'")
        await ours.commit(entry_fields(event(1)))
        assert await ours.value("SELECT leased_until > now() FROM partitions WHERE partition = 0")
        assert not await ours.value("SELECT leased_until > now() FROM partitions WHERE partition = 1")


async def test_commits_tell_what_they_touched(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(entry_fields(event(1), event(2, at_us=NOW_US + 5 * MINUTE_US)))
        await ours.commit(entry_fields(event(1), sequence=2))
        ((version, touched),) = await ours.rows("SELECT version, touched FROM commits")
        assert version == 1
        assert [(span.lower, span.upper) for span in touched] == [
            (store.at(NOW_US + start), store.at(NOW_US + start + MINUTE_US)) for start in (0, 5 * MINUTE_US)
        ]


# --- duplicates -------------------------------------------------------------------------------------------------------


async def test_an_event_is_counted_once_whichever_producer_repeats_it(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(entry_fields(event(1), event(2)))
        result = await ours.commit(
            entry_fields(event(2), event(3), event(3), sequence=2),
            entry_fields(event(1), event(4), producer_id="other"),
        )
        assert (result.stored.tolist(), result.duplicate.tolist()) == ([1, 1], [2, 1])
        ours.restart()
        elsewhere = await ours.commit(entry_fields(event(1), producer_id="third"), partition=5)
        assert elsewhere.duplicate.tolist() == [1]
        assert await ours.balanced() == {"received": 8, "stored": 4, "duplicate": 4, "rejected": 0, "dead": 0}
        await ours.assert_rollups_equal_rows()


async def test_an_event_of_another_project_or_time_is_another_event(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(entry_fields(event(1)))
        others = entry_fields(event(1, at_us=NOW_US + 1), event(1), sequence=2)
        result = await ours.commit(others, entry_fields(event(1), project_id=2))
        assert (result.stored.tolist(), result.duplicate.tolist()) == ([1, 1], [1, 0])
        assert await ours.value("SELECT count(*) FROM events") == 3


async def test_a_batch_committed_before_is_recognised_by_its_sequence(database: str) -> None:
    """Points have no ids: only this keeps them from being counted twice."""
    async with desk(database) as ours:
        for _ in range(2):
            await ours.commit(entry_fields(point(1.0), point(2.0), sequence=1, rejected=1))
            ours.restart()
        assert await ours.value("SELECT count(*) FROM metric_points") == 2
        assert await ours.balanced() == {"received": 6, "stored": 2, "duplicate": 2, "rejected": 2, "dead": 0}
        await ours.assert_rollups_equal_rows()


# --- what cannot be stored --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [b'{"a":1e-20000}', b'{"a":1e-16384}', b'{"a":[{"b":-0.1e-99999}]}', b'{"a":0.' + b"0" * 20_000 + b"1}"],
)
async def test_json_that_the_database_cannot_hold_becomes_a_dead_letter(database: str, text: bytes) -> None:
    async with desk(database) as ours:
        fields = entry_fields(
            event(1), event(2, properties_json=text, user_id="ada"), event(3, context_json=text)
        )
        result = await ours.commit(fields)
        assert (result.stored.tolist(), result.dead.tolist()) == ([1], [2])
        letters = await ours.rows(
            "SELECT batch_id, received_at, reason, message, content FROM dead_letters ORDER BY 1"
        )
        assert {letter[:4] for letter in letters} == {
            (0, store.at(NOW_US), "UNSTORABLE", "value overflows numeric format")
        }
        contents = [content for *_, content in letters]
        ids = {orjson.loads(content)["event_id"] for content in contents}
        assert ids == {str(UUID(bytes=event_id(number))) for number in (2, 3)}
        assert all(text in content for content in contents)
        assert await ours.balanced() == {"received": 3, "stored": 1, "duplicate": 0, "rejected": 0, "dead": 2}
        await ours.assert_rollups_equal_rows()


async def test_the_largest_numbers_of_json_are_stored(database: str) -> None:
    async with desk(database) as ours:
        texts = [b'{"a":1e308}', b'{"a":1e-16383}', b'{"a":' + b"9" * 300 + b"}"]
        result = await ours.commit(
            entry_fields(*(event(n, properties_json=text) for n, text in enumerate(texts)))
        )
        assert result.stored.tolist() == [3]


async def test_a_batch_of_poison_costs_little_more_than_a_good_one(database: str) -> None:
    """Else a commit outlives its lease. Asking row by row took 53 s for 10 000 rows."""
    async with desk(database) as ours:
        rows = [poison(number) if number % 2 else event(number) for number in range(4000)]
        await ours.connection.execute("SET statement_timeout = '5s'")
        result = await ours.commit(entry_fields(*rows))
        assert (result.stored.tolist(), result.dead.tolist()) == ([2000], [2000])
        await ours.connection.execute("RESET statement_timeout")
        assert await ours.balanced() == {
            "received": 4000,
            "stored": 2000,
            "duplicate": 0,
            "rejected": 0,
            "dead": 2000,
        }


async def test_poison_and_duplicates_together_are_told_apart(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(entry_fields(*(event(number) for number in range(0, 20, 2))))
        rows = [poison(number) if number % 5 == 0 else event(number) for number in range(20)]
        result = await ours.commit(entry_fields(*rows, *rows, sequence=2))
        # Poison among the rows is 0, 5, 10 and 15; of the others the even ones are known.
        assert result.stored.tolist() == [8]
        assert result.dead.tolist() == [4]
        assert result.duplicate.tolist() == [28]
        await ours.balanced()
        await ours.assert_rollups_equal_rows()


async def test_a_corrupt_entry_is_kept_whole_and_the_rest_is_stored(database: str) -> None:
    async with desk(database) as ours:
        whole = entry_fields(event(1), event(2), producer_id="broken")
        damaged = whole | {b"e": whole[b"e"][:-1] + b"?"}
        result = await ours.commit(damaged, entry_fields(event(3)), {b"h": b"?", b"e": b""})
        assert (result.stored.tolist(), result.dead.tolist()) == ([0, 1, 0], [2, 0, 1])
        assert await ours.rows(
            "SELECT project_id, reason, content FROM dead_letters ORDER BY dead_letter_id"
        ) == [
            (1, "CORRUPT", b"e " + damaged[b"e"] + b"\nh " + damaged[b"h"]),
            (0, "CORRUPT", b"e \nh ?"),
        ]
        await ours.balanced()


async def test_sums_beyond_the_largest_double_are_infinite(database: str) -> None:
    async with desk(database) as ours:
        for sequence in (1, 2, 3):
            await ours.commit(entry_fields(point(1.7e308), sequence=sequence))
            ours.restart()
        assert await ours.rows("SELECT count, sum, min, max FROM rollups_1d") == [
            (3, float("inf"), 1.7e308, 1.7e308)
        ]


# --- rows at fault, and their repair ---------------------------------------------------------------------------------


def at_fault(*numbers: int, reason: str = "SCHEMA", **changes: Any) -> dict[bytes, bytes]:
    """Three events, of which those of these places are at fault."""
    faults = {number: (reason, "properties.n", f"is {number}; send a text") for number in numbers}
    quality = {"clicked": [3, len(numbers), 0, len(numbers), 1]}
    rows = [event(number, user_id=f"u{number}") for number in range(3)]
    told = {"rules": 4, "schemas": {"clicked": 2}, "source": "segment", "quality": quality, "rejected": 1}
    return entry_fields(*rows, faults=faults, **told | changes)


def repair(letters: list[int], *rows: Any, **changes: Any) -> dict[bytes, bytes]:
    """A repair of these letters by these events."""
    return entry_fields(*rows, source="repair", sequence=0, repairs=letters, **changes)


async def test_rows_at_fault_become_dead_letters_with_all_that_is_known_of_them(database: str) -> None:
    async with desk(database) as ours:
        result = await ours.commit(at_fault(1, 2))
        assert (result.stored.tolist(), result.dead.tolist()) == ([1], [2])
        one, two = await ours.rows(_LETTERS)
        assert one == (
            0, "events", 1, "web-1", "SCHEMA", "properties.n", "is 1; send a text", "clicked", UUID(bytes=event_id(1)), "u1", 1, None,
        )  # fmt: skip
        assert two[6:9] == ("is 2; send a text", "clicked", UUID(bytes=event_id(2)))
        assert (
            await ours.value("SELECT count(DISTINCT signature) FROM dead_letters WHERE signature <> ''") == 1
        )
        assert await ours.rows(
            "SELECT source, rules_version, schemas, stored, dead_lettered FROM batches"
        ) == [("segment", 4, {"clicked": 2}, 1, 2)]
        assert await ours.balanced() == {"received": 4, "stored": 1, "duplicate": 0, "rejected": 1, "dead": 2}
        await ours.assert_rollups_equal_rows()


async def test_quality_is_counted_by_name_and_hour_and_once(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(at_fault(1, sequence=1), at_fault(2, sequence=2, producer_id="web-2"))
        for _ in range(2):
            await ours.commit(at_fault(0, sequence=2, received_us=NOW_US + 60 * MINUTE_US))
            ours.restart()
        assert await ours.rows("SELECT * FROM quality ORDER BY hour") == [
            (1, store.at(NOW_US), "clicked", 6, 2, 0, 2, 2),
            (1, store.at(NOW_US + 60 * MINUTE_US), "clicked", 3, 1, 0, 1, 1),
        ]


async def test_what_is_repaired_moves_in_the_ledger_from_dead_lettered_to_stored(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(at_fault(1, 2))
        result = await ours.commit(repair([1, 2], event(1), event(2)))
        assert result.repaired == {1: 0, 2: 0}
        assert [letter[-2:] for letter in await ours.rows(_LETTERS)] == [(2, 4096), (2, 4096)]
        assert await ours.rows(
            "SELECT source, stored, duplicate, dead_lettered FROM batches ORDER BY batch_id"
        ) == [("segment", 1, 0, 0), ("repair", 2, 0, 0)]
        assert await ours.rows("SELECT minute, received, stored, dead_lettered FROM ledger") == [
            (store.at(NOW_US), 4, 3, 0)
        ]
        assert await ours.balanced() == {"received": 4, "stored": 3, "duplicate": 0, "rejected": 1, "dead": 0}
        assert await ours.rows("SELECT received FROM project_totals") == [(4,)]
        assert await ours.value("SELECT received FROM partitions WHERE partition = 0") == 4
        await ours.assert_rollups_equal_rows()


async def test_a_letter_is_repaired_once_however_often_it_is_asked_for(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(at_fault(0, 1, 2))
        await ours.connection.execute("UPDATE dead_letters SET state = 3 WHERE dead_letter_id = 3")
        again = [repair([1, 2], event(0), event(1)), repair([2, 1, 3], event(1), event(0), event(2))]
        result = await ours.commit(*again)
        assert (result.stored.tolist(), result.duplicate.tolist()) == ([2, 0], [0, 0])
        ours.restart()
        assert (await ours.commit(*again, at_fault(sequence=2))).stored.tolist() == [0, 0, 1]
        assert await ours.rows("SELECT state, settled_by FROM dead_letters ORDER BY dead_letter_id") == [
            (2, 4096),
            (2, 4096),
            (3, None),
        ]
        assert await ours.balanced() == {"received": 8, "stored": 3, "duplicate": 2, "rejected": 2, "dead": 1}
        await ours.assert_rollups_equal_rows()


async def test_a_repair_of_what_was_stored_meanwhile_is_a_duplicate(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(at_fault(1))
        await ours.commit(entry_fields(event(1), sequence=2))
        result = await ours.commit(repair([1], event(1)))
        assert (result.stored.tolist(), result.duplicate.tolist()) == ([0], [1])
        assert await ours.value("SELECT state FROM dead_letters") == 2
        assert await ours.balanced() == {"received": 5, "stored": 3, "duplicate": 1, "rejected": 1, "dead": 0}


async def test_a_repair_that_the_database_refuses_leaves_the_letter_open(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(at_fault(1, 2))
        result = await ours.commit(repair([1, 2], poison(1), event(2)))
        assert (result.stored.tolist(), result.dead.tolist()) == ([1], [0])
        assert [letter[-2] for letter in await ours.rows(_LETTERS)] == [1, 2]
        assert await ours.balanced() == {"received": 4, "stored": 2, "duplicate": 0, "rejected": 1, "dead": 1}


async def test_points_are_repaired_like_events(database: str) -> None:
    async with desk(database) as ours:
        await ours.connection.execute("ALTER TABLE metric_points ADD CHECK (value < 100)")
        numbered = [("1700000000000-0", entry_fields(point(1.0), point(200.0), producer_id="host"))]
        work = microbatch.gather({0: numbered}, ours.positions, {}, LATE_AFTER_US, "violates a constraint")
        await store.commit(ours.connection, work, ours.buckets, LEASE)
        ours.positions |= work.after
        await ours.connection.execute("ALTER TABLE metric_points DROP CONSTRAINT metric_points_value_check")
        result = await ours.commit(repair([1, 2], point(1.0), point(200.0), producer_id="host"))
        assert result.stored.tolist() == [2]
        assert await ours.balanced() == {"received": 2, "stored": 2, "duplicate": 0, "rejected": 0, "dead": 0}
        await ours.assert_rollups_equal_rows()


# --- rollups ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
async def test_rollups_equal_rows_after_many_microbatches_and_restarts(database: str, seed: int) -> None:
    draw = random.Random(seed)
    async with desk(database) as ours:
        sent: list[dict[bytes, bytes]] = []
        for step in range(25):
            entries: dict[int, list[dict[bytes, bytes]]] = {}
            for partition in draw.sample(range(3), 2):
                for _ in range(draw.randint(1, 3)):
                    fields = _random_entry(draw, step)
                    if sent and draw.random() < 0.2:
                        fields = draw.choice(sent)
                    sent.append(fields)
                    entries.setdefault(partition, []).append(fields)
            await ours.commit_all(entries)
            if draw.random() < 0.3:
                ours.restart()
        await ours.assert_rollups_equal_rows()
        books = await ours.balanced()
        assert books["duplicate"] > 0
        assert books["dead"] > 0
        assert books["stored"] > 100


def _random_entry(draw: random.Random, step: int) -> dict[bytes, bytes]:
    at_us = NOW_US - draw.choice([0, 1, 59, 60, 1439, 1440, 100_000]) * MINUTE_US
    where = {
        "project_id": draw.randint(1, 2),
        "producer_id": f"p{draw.randint(0, 3)}",
        "epoch": 1 + step,
        "rejected": draw.randint(0, 1),
    }
    if draw.random() < 0.4:
        values = [draw.randint(-100, 100) / 4 for _ in range(draw.randint(1, 8))]
        return entry_fields(
            *(point(value, at_us=at_us, name=draw.choice("ab"), kind=2) for value in values), **where
        )
    rows = [
        event(
            draw.randint(0, 400),
            at_us=at_us,
            name=draw.choice("abc"),
            user_id=draw.choice(["", "u", "v", "w"]),
        )
        for _ in range(draw.randint(0, 12))
    ]
    if draw.random() < 0.2:
        rows.append(poison(1000 + step))
    return entry_fields(*rows, **where)


async def test_twenty_years_in_one_batch_are_stored(database: str) -> None:
    """Every week is a chunk of its own, to be made in this transaction."""
    async with desk(database) as ours:
        rows = [event(number, at_us=NOW_US - 4 * number * WEEK_US) for number in range(100)]
        result = await ours.commit(entry_fields(*rows))
        assert result.stored.tolist() == [100]
        await ours.assert_rollups_equal_rows()


# --- leases -----------------------------------------------------------------------------------------------------------


async def test_two_writers_each_take_a_fair_share(database: str) -> None:
    async with await postgres.connect(database) as first, await postgres.connect(database) as second:
        one, two = (
            Lease(each, name, timedelta(seconds=60)) for each, name in ((first, "one"), (second, "two"))
        )
        assert await one.renew([], [], EPOCH) == ({}, 8)
        held = {each.partition for each in await one.take(8)}
        assert len(held) == 8
        assert await two.renew([], [], EPOCH) == ({}, 4)
        assert await two.take(4) == []
        assert await one.renew(held, [], EPOCH) == (dict.fromkeys(held, Standing(False, "0-0")), 4)
        await one.give(sorted(held)[4:])
        assert {each.partition for each in await two.take(4)} == {4, 5, 6, 7}
        assert (await one.renew(held, [], EPOCH))[0].keys() == {0, 1, 2, 3}
        await two.leave()
        assert {each.partition for each in await one.take(8)} == {4, 5, 6, 7}
        assert (await one.renew(range(8), [], EPOCH))[1] == 8


async def test_a_renewal_tells_for_how_long_the_watermark_has_stood_still(database: str) -> None:
    async with await postgres.connect(database) as connection:
        lease = Lease(connection, "one", timedelta(seconds=60))
        await lease.renew([], [], EPOCH)
        held = [each.partition for each in await lease.take(8)]
        # Late by ten hours of events that are as late: that is no fault. Late by two hours more is one.
        await connection.execute(
            "UPDATE partitions SET lateness = '9 hours', watermark = now() - CASE WHEN partition = 3 THEN '12 hours' ELSE '10 hours' END::interval"
        )
        standings, _ = await lease.renew(held, [], EPOCH)
        assert 7200 <= standings[3].stuck_seconds < 7260
        assert all(abs(standings[each].stuck_seconds) < 60 for each in held if each != 3)


async def test_every_taking_raises_the_epoch_and_hands_the_position_over(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(entry_fields(event(1)))
        await ours.lease.leave()
        async with desk(database, writer="writer-2") as theirs:
            position_now = theirs.positions[0]
            assert position_now.epoch == 2
            assert (position_now.last_id, position_now.received, position_now.version) == (
                "1700000000001-0",
                1,
                1,
            )
            assert position_now == replace(ours.positions[0], epoch=2)


async def test_a_lease_that_ran_out_is_taken_and_the_frozen_session_ended(database: str) -> None:
    """The owner may be frozen inside a transaction, with locks that nobody would get past."""
    async with desk(database) as frozen:
        await frozen.commit(entry_fields(event(1)))
        await frozen.connection.execute("UPDATE partitions SET leased_until = now() - interval '1 second'")
        await frozen.connection.execute("BEGIN")
        await frozen.connection.execute("LOCK TABLE producers IN ACCESS EXCLUSIVE MODE")
        async with desk(database, writer="writer-2") as successor:
            assert successor.positions.keys() == set(range(8))
            await successor.connection.execute("SET statement_timeout = '10s'")
            await successor.commit(entry_fields(event(2), sequence=2))
            assert await successor.value("SELECT count(*) FROM events") == 2
        with pytest.raises(psycopg.OperationalError):
            await frozen.commit(entry_fields(event(3), sequence=3))


async def test_a_pulse_keeps_the_lease_while_a_commit_takes_long(database: str) -> None:
    async with desk(database) as ours, await postgres.connect(database) as other:
        await ours.connection.execute("UPDATE partitions SET leased_until = now() - interval '1 second'")
        await ours.connection.execute("BEGIN")
        await ours.connection.execute("UPDATE partitions SET version = version WHERE partition = 0")
        # The row that the commit has locked is passed by; the commit renews it itself.
        await other.execute("SET lock_timeout = '5s'")
        await ours.lease.pulse(other)
        cursor = await other.execute("SELECT array_agg(partition) FROM partitions WHERE leased_until > now()")
        assert await cursor.fetchall() == [([1, 2, 3, 4, 5, 6, 7],)]
        await ours.connection.execute("COMMIT")


async def test_an_idle_partition_moves_its_watermark_with_the_clock(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(entry_fields(event(1, at_us=NOW_US - 1_000_000)))
        await ours.lease.renew([0, 1], [0], store.at(NOW_US + 60_000_000))
        marks = dict(await ours.rows("SELECT partition, watermark FROM partitions WHERE partition < 2"))
        assert marks == {0: store.at(NOW_US + 59_000_000), 1: None}
        await ours.lease.renew([0], [0], store.at(NOW_US))
        assert dict(await ours.rows("SELECT partition, watermark FROM partitions WHERE partition = 0")) == {
            0: marks[0]
        }


async def test_old_commits_are_forgotten(database: str) -> None:
    async with desk(database) as ours:
        await ours.commit(entry_fields(event(1)))
        await ours.commit(entry_fields(event(2), sequence=2))
        await ours.connection.execute(
            "UPDATE commits SET committed_at = now() - interval '2 hours' WHERE version = 1"
        )
        await store.forget_commits(ours.connection)
        assert await ours.rows("SELECT version FROM commits") == [(2,)]
