"""Sessions by inactivity: columns come in from `intake`, after all other rules, and go back with a session for every person's event.

What is known of a person's running session is in Redis, where the function in `sessions.lua` tells for all times of a batch at once
in which session each is. A session is named by its project, person and first event, so events sent again are given the same one for
as long as it runs. Where Redis does not answer, the batch is not taken and its producer sends it again.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from redis import exceptions
from redis.asyncio import Redis

from services.kit.errors import Exhausted, Unavailable
from services.kit.instant import MICROSECOND
from services.kit.keys import visit_key

Call = tuple[list[str], list[int]]
"""The keys of people who share a slot; for each of them the number of events, and their times."""

_LIBRARY = Path(__file__).with_name("sessions.lua").read_text(encoding="utf-8")


async def prepare(redis: Redis) -> None:
    """Loads the function, as this release has it; call once before the first batch."""
    await redis.function_load(_LIBRARY, replace=True)


async def sessions(
    redis: Redis, project_id: int, inactivity: timedelta, rows: pa.RecordBatch
) -> pa.RecordBatch:
    """The rows, with a session for each event that has a person and none. Raises `Unavailable` or `Exhausted`."""
    given: list[str | None] = rows["session_id"].to_pylist()
    times: list[int] = rows["occurred_at"].cast(pa.int64()).to_pylist()
    of_person: dict[str, list[int]] = {}
    for row, (user, session) in enumerate(zip(rows["user_id"].to_pylist(), given)):
        if user is not None and session is None:
            of_person.setdefault(user, []).append(row)
    if not of_person:
        return rows
    slots: dict[str, list[str]] = {}
    for user, theirs in of_person.items():
        theirs.sort(key=times.__getitem__)
        slot, _, _ = visit_key(project_id, user).partition("}")
        slots.setdefault(slot, []).append(user)
    calls = [
        (
            [visit_key(project_id, user) for user in users],
            [
                part
                for user in users
                for part in (len(of_person[user]), *map(times.__getitem__, of_person[user]))
            ],
        )
        for users in slots.values()
    ]
    answers = await _visits(redis, inactivity // MICROSECOND, calls)
    for users, firsts in zip(slots.values(), answers):
        answer = iter(firsts)
        for user in users:
            for row, first in zip(of_person[user], answer):
                given[row] = _name(project_id, user, first)
    place = rows.schema.get_field_index("session_id")
    return rows.set_column(place, rows.schema.field(place), pa.array(given, pa.string()))


async def _visits(redis: Redis, inactivity_us: int, calls: Sequence[Call]) -> list[list[bytes]]:
    """What the function gives for each call."""
    try:
        try:
            return await _called(redis, inactivity_us, calls)
        except exceptions.ResponseError as error:
            if "Function not found" not in str(error):
                raise
            await prepare(redis)
            return await _called(redis, inactivity_us, calls)
    except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
        raise Unavailable("the sessions of the events cannot be told; retry") from error
    except exceptions.ResponseError as error:
        if isinstance(error, exceptions.OutOfMemoryError) or str(error).startswith("MISCONF"):
            raise Exhausted("the log is out of memory or disk", retry_after=1.0, reason="LOG_FULL") from error
        raise


async def _called(redis: Redis, inactivity_us: int, calls: Sequence[Call]) -> list[list[bytes]]:
    async with redis.pipeline(transaction=False) as pipe:
        for keys, arguments in calls:
            pipe.fcall("tidemark_visits", len(keys), *keys, inactivity_us, *arguments)  # type: ignore[arg-type]
        found: list[list[bytes]] = await pipe.execute()
    return found


def _name(project_id: int, user: str, first: bytes) -> str:
    """The id of a session: the same for the same person and first event, and of no other."""
    return hashlib.sha256(f"{project_id}\0{user}\0{first.decode()}".encode()).hexdigest()[:32]
