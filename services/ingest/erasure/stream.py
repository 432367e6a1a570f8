"""What Redis keeps of a person for a while: removed here, for `worker`. The log itself holds only what is not committed yet."""

from typing import Any

from redis.asyncio import Redis

from services.ingest.erasure import person
from services.kit.keys import critical_key, visit_key

_PAGE = 100


async def forget(redis: Redis, project_id: int, user_id: str, waits_for: list[str]) -> None:
    """Removes the person's running session, and their events from the streams of critical events, up to the instant of these
    entries, one of each partition.

    Messages hold several events each, and go whole; whoever has not read one sees a gap.
    """
    await redis.unlink(visit_key(project_id, user_id))
    for partition, entry in enumerate(waits_for):
        key, begin = critical_key(partition, project_id), "-"
        until = entry.partition("-")[0]
        while page := await _page(redis, key, begin, until):
            held = [each for each, fields in page if person.in_message(user_id, fields.get(b"e", b""))]
            if held:
                await redis.xdel(key, *held)
            begin = f"({page[-1][0].decode()}"


async def _page(redis: Redis, key: str, begin: str, until: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: Any = await redis.xrange(key, begin, until, count=_PAGE)
    return list(found)
