"""Who is calling and what the call is about: keys, projects and quotas.

A key's secret is `tmk_<key_id>_<43 url-safe characters>` and only its SHA-256 is stored. `rpc.py` passes every call through
`Directory.identified`; servicers then ask `caller()`, `project()` and `spend_events()`. A browser shows a session's cookie
in place of the key (`session.py`); whatever it may do, and every record of it, is the key's.
"""

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import psycopg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.kit import audit, resource
from services.kit.access import authorise
from services.kit.call import INSTALLATION, NOBODY, Call, Caller, Project, current
from services.kit.edge import network
from services.kit.errors import Denied, Exhausted, Invalid, NotFound, Unauthenticated
from services.kit.service import Pool
from services.kit.session import Session, Sessions, digest_of, ended, token_of
from tidemark.v1.access_pb2 import PERMISSION_HOLD_LINK

FRESH_SECONDS = 5.0
"""How long a looked-up key, session or project is believed: the time within which servers stop accepting a revoked key."""
REMEMBERED = 10_000
"""How many keys, sessions and projects are remembered at most, of each."""
LINKS_PER_MINUTE = 120
"""How many links one address may try to open in a minute, good ones and others."""

_SECRET = re.compile(r"tmk_([a-z0-9]{1,32})_[A-Za-z0-9_-]{43}")
_PROJECT = re.compile(r"projects/([a-z][a-z0-9-]{2,39})")
_KEYS = """
    SELECT key_id, api_keys.display_name, secret_sha256, expires_at, revoked_at, project_id, slug, role,
           events_per_minute, requests_per_minute, service IS NOT NULL
    FROM api_keys LEFT JOIN projects USING (project_id)
    WHERE key_id = ANY (%s)
"""
_PROJECTS = "SELECT project_id, slug, time_zone FROM projects WHERE slug = %s"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Secret:
    """A new key's id, the text that its owner sends, and the hash that is stored."""

    key_id: str
    text: str
    sha256: bytes


def new_secret() -> Secret:
    """A key of 256 random bits."""
    key_id = secrets.token_hex(6)
    text = f"tmk_{key_id}_{secrets.token_urlsafe(32)}"
    return Secret(key_id, text, hashlib.sha256(text.encode()).digest())


def caller() -> Caller:
    """Who makes the call that the running task works for."""
    found = current.get().caller
    assert found is not None, "no handler runs before its caller is known"
    return found


async def project(requested: str, field: str = "project") -> Project:
    """The project that a request names in `field`, or that its key belongs to when the field is empty.

    Raises `Invalid` when malformed, `Denied` when the key belongs to another project, `NotFound` when there is none.
    """
    call, who = current.get(), caller()
    assert call.directory is not None
    if not requested:
        if who.project_slug is None:
            raise Invalid(
                field, "is empty and the key belongs to no single project; write projects/{project}"
            )
        slug = who.project_slug
    else:
        match = _PROJECT.fullmatch(requested)
        if match is None:
            raise Invalid(field, f"is {requested[:100]!r}; write projects/{{project}}")
        slug = match[1]
    call.resource = call.resource or f"projects/{slug}"
    if who.project_slug not in (None, slug):
        raise Denied(
            f"the key belongs to projects/{who.project_slug} and may not touch projects/{slug}",
            reason="WRONG_PROJECT",
        )
    call.project = await call.directory.project(slug)
    return call.project


def installation(field: str = "project") -> None:
    """The call asks about all projects together; raises `Denied` where its key belongs to one."""
    call, who = current.get(), caller()
    call.resource = call.resource or INSTALLATION.name
    if who.project_slug is not None:
        raise Denied(
            f"the key belongs to projects/{who.project_slug}; `{field}` asks about all projects",
            reason="INSTALLATION_KEY_NEEDED",
        )


async def parent_of(name: str) -> Project:
    """The project that something is made in or looked for; as `project`, but a request must name it."""
    if not name:
        raise Invalid("parent", "is empty; write projects/{project}")
    return await project(name, "parent")


async def named(name: str, collection: str, field: str = "name") -> tuple[Project, str]:
    """The project and the id in the name of a resource of a collection; the audit log has the name. Raises as `project`."""
    parent, resource_id = resource.parted(name, collection, field)
    audit.note(name)
    return await project(parent, field), resource_id


def opened(found: Project, resource: str) -> None:
    """Says what a call without a key is about, once its link is known to open it."""
    call = current.get()
    call.project, call.resource = found, resource


async def spend_events(count: int) -> None:
    """Counts `count` events or points against the key's quota; raises `Exhausted` when this minute's is used up."""
    call, who = current.get(), caller()
    assert call.directory is not None
    if count > who.events_per_minute > 0:
        raise Invalid(
            "batch",
            f"holds {count}, and the key may send {who.events_per_minute} a minute; send smaller batches",
        )
    await call.directory.spend(who.key_id, "events", who.events_per_minute, count)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as stored."""

    caller: Caller
    display_name: str
    sha256: bytes
    expires_at: datetime | None
    revoked_at: datetime | None

    def check(self) -> None:
        """Raises `Unauthenticated` when the key is good no more."""
        if self.revoked_at is not None:
            raise Unauthenticated(
                f"the key was revoked at {self.revoked_at:%Y-%m-%dT%H:%M:%SZ}", reason="KEY_REVOKED"
            )
        if self.expires_at is not None and self.expires_at <= datetime.now(UTC):
            raise Unauthenticated(
                f"the key expired at {self.expires_at:%Y-%m-%dT%H:%M:%SZ}", reason="KEY_EXPIRED"
            )


V = TypeVar("V")


class _Recent(Generic[V]):
    """Values by name, looked up at most `FRESH_SECONDS` ago; the oldest are forgotten beyond `REMEMBERED`."""

    def __init__(self, look_up: Callable[[str], Awaitable[V]]) -> None:
        self._look_up = look_up
        self._values: OrderedDict[str, tuple[float, V]] = OrderedDict()

    async def get(self, name: str) -> V:
        known = self._values.get(name)
        asked_at = time.monotonic()
        if known is not None and asked_at - known[0] < FRESH_SECONDS:
            return known[1]
        value = await self._look_up(name)
        # The age counts from before the question, so that an answer overtaken by a change is not believed for longer.
        self._values[name] = (asked_at, value)
        self._values.move_to_end(name)
        if len(self._values) > REMEMBERED:
            self._values.popitem(last=False)
        return value


class Directory:
    """Keys and projects as the database knows them, believed for a few seconds; quotas as Redis counts them."""

    def __init__(self, pool: Pool, redis: Redis) -> None:
        self._pool = pool
        self._redis = redis
        self._keys: _Recent[Key | None] = _Recent(self._find_key)
        self._projects: _Recent[Project] = _Recent(self._find_project)
        self._sessions = Sessions(redis)
        self._used: _Recent[Session] = _Recent(self._sessions.use)
        self._streams: set[Call] = set()

    @asynccontextmanager
    async def identified(self, call: Call) -> AsyncIterator[None]:
        """The layer that lets a call pass only with a good key that may do what the RPC's permission asks."""
        call.directory = self
        if call.method.permission == PERMISSION_HOLD_LINK:
            call.caller = NOBODY
            await self._spend_link(call.peer)
            yield
            return
        key = await self._authenticate(call)
        call.caller = who = key.caller
        key.check()
        authorise(call.method.permission, who)
        await self.spend(who.key_id, "requests", who.requests_per_minute, 1)
        if not call.method.streams:
            yield
            return
        self._streams.add(call)
        try:
            yield
        finally:
            self._streams.discard(call)

    async def key(self, secret: str) -> Key:
        """The key with this secret, good or not; raises `Unauthenticated` when there is none."""
        match = _SECRET.fullmatch(secret)
        if match is None:
            raise Unauthenticated()
        key = await self._keys.get(match[1])
        digest = hashlib.sha256(secret.encode()).digest()
        if not hmac.compare_digest(digest, key.sha256 if key else bytes(32)) or key is None:
            raise Unauthenticated("there is no such key")
        return key

    async def session(self, token: str) -> tuple[Session, Key]:
        """The session with this token and its key, good or not; raises `Unauthenticated` when it has ended."""
        session = await self._used.get(digest_of(token))
        key = await self._keys.get(session.key_id)
        if key is None or session.ends_at <= time.time():
            raise ended()
        return session, key

    async def project(self, slug: str) -> Project:
        """The project; one that is not there is asked for again each time, as it may be made the next moment."""
        return await self._projects.get(slug)

    async def spend(
        self, key_id: str, what: str, per_minute: int, count: int, whose: str = "the key"
    ) -> None:
        """Counts against a quota that all processes share; the window is the clock's minute. 0 is without limit."""
        if not per_minute:
            return
        now = time.time()
        name = f"tm:quota:{key_id}:{what}:{int(now // 60)}"
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.incrby(name, count)
            pipeline.expire(name, 120)
            spent, _ = await pipeline.execute()
        if spent > per_minute:
            # Given back, so that smaller batches still fit into what is left of the minute.
            await self._redis.decrby(name, count)
            raise Exhausted(
                f"{whose} may use {per_minute} {what} a minute",
                retry_after=60 - now % 60,
                reason="QUOTA_EXCEEDED",
                quota=f"{what}_per_minute",
                limit=per_minute,
            )

    async def _spend_link(self, peer: str) -> None:
        """Counts a link that somebody at this address tries."""
        await self.spend(network(peer), "links", LINKS_PER_MINUTE, 1, "an address")

    async def watch(self) -> None:
        """Ends open streams whose key was revoked or expired, or whose session has ended, until cancelled."""
        while True:
            await asyncio.sleep(FRESH_SECONDS / 2)
            try:
                await self._end_streams()
            except (psycopg.Error, RedisError) as error:
                # Keys cannot be revoked either while the database is away; the next round looks again.
                log.warning("open streams go on unchecked: %s", error)

    async def _end_streams(self) -> None:
        ids = {call.caller.key_id for call in self._streams if call.caller is not None}
        if not ids:
            return
        keys = await self._read_keys(list(ids))
        # An open stream is a use of its session: a page that shows something is not idle.
        digests = {call.session.digest for call in self._streams if call.session is not None}
        over = {digest for digest in digests if not await self._going_on(digest)}
        for call in list(self._streams):
            assert call.caller is not None
            key = keys.get(call.caller.key_id)
            try:
                if key is None and call.caller.key_id in ids:
                    raise Unauthenticated("the key is gone")
                if key is not None:
                    key.check()
                if call.session is not None and call.session.digest in over:
                    raise ended()
            except Unauthenticated as error:
                call.end(error)

    async def _going_on(self, digest: str) -> bool:
        try:
            return (await self._sessions.use(digest)).ends_at > time.time()
        except Unauthenticated:
            return False

    async def _authenticate(self, call: Call) -> Key:
        """The key that a call shows or, where it shows none, the one that its session stands for."""
        metadata = call.context.invocation_metadata() or ()
        secret = _bearer(metadata)
        if secret is not None:
            return await self.key(secret)
        token = token_of(metadata)
        if not token:
            raise Unauthenticated()
        call.session, key = await self.session(token)
        return key

    async def _find_key(self, key_id: str) -> Key | None:
        return (await self._read_keys([key_id])).get(key_id)

    async def _find_project(self, slug: str) -> Project:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_PROJECTS, (slug,))).fetchone()
        if row is None:
            raise NotFound(f"there is no project projects/{slug}", reason="PROJECT_NOT_FOUND")
        return Project(*row)

    async def _read_keys(self, key_ids: list[str]) -> dict[str, Key]:
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_KEYS, (key_ids,))).fetchall()
        return {row[0]: Key(Caller(row[0], *row[5:]), *row[1:5]) for row in rows}


def _bearer(metadata: Sequence[tuple[str, str | bytes]]) -> str | None:
    """The secret in `authorization`, empty when it is of another kind; None without that header."""
    given = [str(value) for name, value in metadata if name == "authorization"]
    for value in given:
        scheme, _, secret = value.partition(" ")
        if scheme.lower() == "bearer":
            return secret.strip()
    return "" if given else None
