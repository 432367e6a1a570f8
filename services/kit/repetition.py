"""What a `request_id` has made, so that a request sent again answers with the same: the table `request_ids`."""

import uuid
from typing import Any

import psycopg

_FORGET = "DELETE FROM request_ids WHERE created_at < now() - INTERVAL '1 day'"
_REMEMBER = "INSERT INTO request_ids (request_id, action, made) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_MADE = "SELECT made FROM request_ids WHERE request_id = %s AND action = %s"


async def remember(
    connection: psycopg.AsyncConnection[Any], request_id: uuid.UUID | None, action: str, made: str
) -> str | None:
    """What the request of this id has made before; None when it is new and now remembered with what it makes."""
    if request_id is None:
        return None
    await connection.execute(_FORGET)
    # A repetition under way at the same time waits here for the first to commit.
    if (await connection.execute(_REMEMBER, (request_id, action, made))).rowcount:
        return None
    row = await (await connection.execute(_MADE, (request_id, action))).fetchone()
    return None if row is None else str(row[0])
