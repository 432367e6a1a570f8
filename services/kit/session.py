"""Sessions of browsers: a key exchanged for a cookie, kept in Redis under the SHA-256 of the cookie's token.

The gateway opens and ends them; `identity.py` finds the key that a call's cookie stands for. A session grants what its key
grants, for as long as the key is good.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from services.kit.errors import Unauthenticated

COOKIE = "tidemark_session"
PAGE_HEADER = ("x-requested-with", "tidemark")
"""What a page of another origin cannot send unasked, so that its visitors' cookies count for nothing in its hands."""

# Read by hand: other programs of the same host set cookies that a strict parser would stop at.
_COOKIE = re.compile(rf"(?:^|;) *{COOKIE}=([A-Za-z0-9_-]{{43}})(?= *(?:;|$))")


@dataclass(frozen=True, slots=True)
class Session:
    """What a cookie stands for. Of its token only the SHA-256 is known."""

    digest: str
    key_id: str
    ends_at: int
    """In seconds since 1970; earlier when nobody uses it for `idle_seconds`."""
    idle_seconds: int

    @property
    def lease(self) -> int:
        """How many seconds it stays from now on unless it is used."""
        return max(1, min(self.idle_seconds, self.ends_at - int(time.time())))


class Sessions:
    """The sessions of all browsers, which all processes share."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def open(self, key_id: str, ends_at: int, idle_seconds: int) -> tuple[str, Session]:
        """A new session and its token, which goes to the browser and is kept nowhere else."""
        token = secrets.token_urlsafe(32)
        session = Session(digest_of(token), key_id, ends_at, idle_seconds)
        value = f"{key_id} {ends_at} {idle_seconds}"
        await self._redis.set(f"tm:session:{session.digest}", value, ex=session.lease)
        return token, session

    async def use(self, digest: str) -> Session:
        """The session, which from now on stays for its idle time again; raises `Unauthenticated` when it has ended."""
        name = f"tm:session:{digest}"
        stored: Any = await self._redis.get(name)
        if stored is None:
            raise ended()
        key_id, ends_at, idle_seconds = stored.decode().split()
        session = Session(digest, key_id, int(ends_at), int(idle_seconds))
        await self._redis.expire(name, session.lease)
        return session

    async def end(self, digest: str) -> None:
        """Ends it; processes that have just used it believe in it for `identity.FRESH_SECONDS` more."""
        await self._redis.delete(f"tm:session:{digest}")


def token_of(headers: Iterable[tuple[str, str | bytes]]) -> str:
    """The token in the cookie of a request; empty where there is none.

    Raises `Unauthenticated` for a cookie that may have been sent without the page's doing.
    """
    given = dict(headers)
    found = _COOKIE.search("; ".join(str(value) for name, value in headers if name == "cookie"))
    if found is None:
        return ""
    if "x-grpc-web" not in given and given.get(PAGE_HEADER[0]) != PAGE_HEADER[1]:
        raise Unauthenticated(
            f"a session counts only beside the header {': '.join(PAGE_HEADER)}", reason="HEADER_MISSING"
        )
    return found[1]


def digest_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def ended() -> Unauthenticated:
    """The error of a call whose session is over."""
    return Unauthenticated("the session has ended: sign in again", reason="SESSION_ENDED")
