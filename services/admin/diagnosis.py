"""What is wrong with an installation. Pure: what `source.py` has measured comes in, checks with remedies go out to `servicer.py`.

Each function looks at one subject and gives one check. What is looked at and well is told too: silence would say nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tidemark.v1 import admin_pb2 as pb

GOOD, WARNING, BAD, UNKNOWN = (
    pb.Check.STATE_GOOD,
    pb.Check.STATE_WARNING,
    pb.Check.STATE_BAD,
    pb.Check.STATE_UNKNOWN,
)
_ORDER = (BAD, UNKNOWN, WARNING, GOOD)
LATE_SECONDS, LOST_SECONDS = 120.0, 900.0
"""So late may be what works by itself until it wants to be looked at, and until it stands still."""
SKEW_SECONDS, WRONG_SECONDS = 1.0, 30.0
STUCK_SECONDS = 60.0
FULL, BRIMFUL = 0.8, 0.95
"""Shares of room taken."""
KEEP_SECONDS = 600.0
"""How often a frontier moves at least while its mirror runs."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as the database knows it."""

    number: int
    owned: bool
    paused_because: str
    stuck_seconds: float
    """For how long its watermark has stood still, beyond what late events explain."""
    received: int
    """Rows committed."""
    bytes: int
    """Bytes committed."""


@dataclass(frozen=True, slots=True)
class Log:
    """What Redis says."""

    skew_seconds: float
    append_only: bool
    append_fsync: str
    """Empty where Redis does not tell."""
    eviction: str
    failing: Sequence[str]
    """What Redis could not write last, by the name it has in INFO."""
    memory: int
    memory_limit: int
    """0 for none."""
    appended: Sequence[tuple[int, int]]
    """By partition: rows and bytes ever taken in."""
    oldest_seconds: float
    """For how long the oldest entry waits that is not committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that was measured."""

    known_migrations: int
    applied_migrations: int
    unsafe: Sequence[str]
    """Settings of PostgreSQL that are off and make it forget."""
    connections: int
    connection_limit: int
    database_skew_seconds: float
    writers: int
    partitions: Sequence[Partition]
    letters: Sequence[tuple[str, int]]
    """Dead letters of the last hour by reason, most first."""
    erasure_seconds: float
    mirror_seconds: float | None
    """How long ago the most belated project with new rows was mirrored; None where nothing waits."""
    late: dict[str, float]
    """What works by itself, by what it is called: for how many seconds the most belated piece of work has been due."""
    retried: dict[str, int]
    """By outbox: what was tried three times and more, and has not been taken."""
    log: Log | str
    """Or why Redis did not answer."""
    backlog_limit: int
    segments_folder: str
    mirror_every_seconds: float
    disk: tuple[int, int] | None
    """Bytes free and in all, where the segments are; None where the folder is not there."""


def checks(facts: Facts) -> list[pb.Check]:
    """Everything that was looked at, the worst first."""
    found = [look(facts) for look in _LOOKS]
    found += [loop(name, seconds) for name, seconds in facts.late.items()]
    found += [outbox(name, count) for name, count in facts.retried.items()]
    return sorted(found, key=lambda check: _ORDER.index(check.state))


def migration(facts: Facts) -> pb.Check:
    """Whether the database has the form that this release expects."""
    at, known = facts.applied_migrations, facts.known_migrations
    if at > known:
        found = (
            f"The database is at migration {at}, and this server knows {known}: it is of an older release."
        )
        return _check(
            "migration", WARNING, found, "Finish the upgrade: start all targets of the new release."
        )
    if at < known:
        found = f"The database is at migration {at}, and this server knows {known}."
        return _check("migration", BAD, found, "Run: python -m services migrate")
    return _check("migration", GOOD, f"The database is at migration {at}.")


def postgresql(facts: Facts) -> pb.Check:
    """Whether PostgreSQL keeps what it commits, and has connections left."""
    if facts.unsafe:
        found = f"PostgreSQL has {' and '.join(facts.unsafe)} off: a power failure loses what was committed, or damages it."
        return _check(
            "postgresql", BAD, found, "Set it on in postgresql.conf, and reload or restart the server."
        )
    share = facts.connections / max(1, facts.connection_limit)
    found = f"{facts.connections} of {facts.connection_limit} connections are taken, and it keeps what it commits."
    if share < FULL:
        return _check("postgresql", GOOD, found)
    remedy = "Raise max_connections, or lower TIDEMARK_POOL_SIZE or the number of processes."
    return _check("postgresql", BAD if share >= BRIMFUL else WARNING, found, remedy)


def redis(facts: Facts) -> pb.Check:
    """Whether Redis keeps what is acknowledged."""
    log = facts.log
    if isinstance(log, str):
        remedy = "Start it again; see TIDEMARK_REDIS_URL. Producers keep what is not acknowledged."
        return _check("redis", BAD, f"Redis does not answer: {log}.", remedy)
    if not log.append_only:
        found = "Redis has appendonly no: it loses acknowledged events with a crash."
        return _check("redis", BAD, found, "Set appendonly yes, by CONFIG SET at once and in redis.conf.")
    if log.append_fsync == "no":
        found = "Redis has appendfsync no: it loses acknowledged events with a power failure."
        return _check("redis", BAD, found, "Set appendfsync always.")
    if log.eviction != "noeviction":
        found = f"Redis has maxmemory-policy {log.eviction}: it deletes acknowledged events when it is full."
        return _check("redis", BAD, found, "Set maxmemory-policy noeviction.")
    if log.failing:
        found = f"Redis could not write its files: {', '.join(log.failing)}."
        return _check("redis", BAD, found, "Make room on the disk of Redis; its log says more.")
    fsync = log.append_fsync or "an unknown policy"
    return _check("redis", GOOD, f"Redis keeps its file, with appendfsync {fsync}, and evicts nothing.")


def memory(facts: Facts) -> pb.Check:
    """Whether Redis has room."""
    if isinstance(facts.log, str):
        return _unknown("redis memory")
    used, limit = facts.log.memory, facts.log.memory_limit
    if not limit:
        found = f"Redis holds {_mib(used)} and has no maxmemory."
        remedy = "Set maxmemory well above TIDEMARK_BACKLOG_BYTES, so that Redis refuses before the machine kills it."
        return _check("redis memory", WARNING, found, remedy)
    found = f"Redis holds {_mib(used)} of {_mib(limit)}."
    remedy = "Look at the backlog first; then raise maxmemory."
    return _share("redis memory", used / limit, found, remedy)


def clocks(facts: Facts) -> pb.Check:
    """Whether the servers agree what time it is."""
    skews = {"PostgreSQL": facts.database_skew_seconds}
    if not isinstance(facts.log, str):
        skews["Redis"] = facts.log.skew_seconds
    name, skew = max(skews.items(), key=lambda each: abs(each[1]))
    if abs(skew) < SKEW_SECONDS:
        return _check("clocks", GOOD, "The clocks of query, PostgreSQL and Redis agree.")
    found = f"The clock of {name} is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} that of query."
    remedy = "Let chrony or systemd-timesyncd keep the clocks of all machines; lateness and watermarks depend on them."
    return _check("clocks", BAD if abs(skew) >= WRONG_SECONDS else WARNING, found, remedy)


def partitions(facts: Facts) -> pb.Check:
    """Whether every partition has a writer."""
    alone = [each.number for each in facts.partitions if not each.owned]
    if not alone:
        found = f"{len(facts.partitions)} partitions have a writer; {facts.writers} writers live."
        return _check("partitions", GOOD, found)
    found = f"{_numbers(alone)} of {len(facts.partitions)} {'has' if len(alone) == 1 else 'have'} no writer; {facts.writers} writers live."
    remedy = "Start a writer. Where writers live, wait for a lease, and then see their logs."
    return _check("partitions", BAD, found, remedy)


def paused(facts: Facts) -> pb.Check:
    """Whether a partition is not read."""
    found = [each for each in facts.partitions if each.paused_because]
    if not found:
        return _check("paused partitions", GOOD, "None is paused.")
    first = found[0]
    remedy = f"Remove the cause, then: tidemark partitions resume {first.number}. See docs/operations.md, a paused partition."
    said = f"{_numbers([each.number for each in found])} paused; of {first.number} it is said: {first.paused_because}"
    return _check("paused partitions", BAD, said, remedy)


def backlog(facts: Facts) -> pb.Check:
    """Whether writers keep up."""
    if isinstance(facts.log, str):
        return _unknown("backlog")
    waiting = sum(
        max(0, size - each.bytes)
        for each, (_, size) in zip(facts.partitions, facts.log.appended, strict=True)
    )
    share, age = waiting / max(1, facts.backlog_limit), facts.log.oldest_seconds
    found = (
        f"{_mib(waiting)} of {_mib(facts.backlog_limit)} wait to be committed, the oldest for {_span(age)}."
    )
    if share < FULL and age < LATE_SECONDS:
        return _check("backlog", GOOD, found)
    remedy = "See the checks of partitions first. Else add writers, up to one for each partition, or look at the database's disk."
    return _check("backlog", BAD if share >= BRIMFUL or age >= LOST_SECONDS else WARNING, found, remedy)


def watermark(facts: Facts) -> pb.Check:
    """Whether it goes on being known how far the data are complete."""
    stuck = {
        each.number: each.stuck_seconds for each in facts.partitions if each.stuck_seconds >= STUCK_SECONDS
    }
    if not stuck:
        return _check("watermark", GOOD, "It moves in every partition.")
    found = f"It has stood still for {_span(max(stuck.values()))}: {_numbers(list(stuck))}."
    remedy = "A partition without a writer, a paused one, or a backlog holds it; see these checks, then the writer's log."
    return _check("watermark", BAD if max(stuck.values()) >= LOST_SECONDS else WARNING, found, remedy)


def regression(facts: Facts) -> pb.Check:
    """Whether Redis still knows what it has taken in."""
    if isinstance(facts.log, str):
        return _unknown("log")
    pairs = zip(facts.partitions, facts.log.appended, strict=True)
    less = [each.number for each, (rows, size) in pairs if rows < each.received or size < each.bytes]
    if not less:
        return _check("log", GOOD, "It has everything that is committed behind it.")
    found = f"The log has less than is committed: {_numbers(less)}. Redis was emptied, or restored from an older file."
    remedy = "Stop the writers, restore the newest file of Redis if there is one, and start them; see docs/guarantee.md."
    return _check("log", BAD, found, remedy)


def letters(facts: Facts) -> pb.Check:
    """Whether events could not be stored lately."""
    if not facts.letters:
        return _check("dead letters", GOOD, "None in the last hour.")
    counted = ", ".join(f"{count:,} {reason}" for reason, count in facts.letters)
    remedy = (
        "See ListDeadLetterClusters or tidemark letters list; remove the cause, then repair or discard them."
    )
    return _check("dead letters", WARNING, f"In the last hour: {counted}.", remedy)


def erasures(facts: Facts) -> pb.Check:
    """Whether people who are to be forgotten are."""
    if facts.erasure_seconds < 3600:
        return _check("erasures", GOOD, "None has waited for an hour.")
    found = f"The oldest erasure under way was asked for {_span(facts.erasure_seconds)} ago."
    remedy = "It waits for a paused partition, a missing writer or the mirror; tidemark erase tells which."
    return _check("erasures", WARNING, found, remedy)


def segments(facts: Facts) -> pb.Check:
    """Whether the mirror keeps up."""
    if not facts.segments_folder:
        found = (
            "TIDEMARK_SEGMENTS_FOLDER names no folder: questions are answered without segments, and slower."
        )
        return _check("segments", GOOD, found)
    late = facts.mirror_seconds
    if late is None or late < KEEP_SECONDS + LATE_SECONDS + facts.mirror_every_seconds:
        return _check("segments", GOOD, "The mirror keeps up.")
    found = f"New rows wait, and the most belated project was mirrored {_span(late)} ago."
    remedy = "Start a mirror. Where one runs, its log says what it fails of, or that writers are behind."
    return _check("segments", WARNING, found, remedy)


def disk(facts: Facts) -> pb.Check:
    """Whether segments have room."""
    if not facts.segments_folder:
        return _check("segments disk", GOOD, "There are no segments.")
    if facts.disk is None:
        found = "The folder that TIDEMARK_SEGMENTS_FOLDER names is not there for query."
        return _check("segments disk", BAD, found, "Mount what the mirror writes into at the same place.")
    free, total = facts.disk
    found = f"{_mib(free)} of {_mib(total)} are free."
    return _share(
        "segments disk",
        1 - free / max(1, total),
        found,
        "Make room: shorten retention, or give it a larger disk.",
    )


def loop(name: str, seconds: float) -> pb.Check:
    """Whether something that works by itself is on time; `name` begins with the target that does it."""
    if seconds < LATE_SECONDS:
        return _check(name, GOOD, "On time.")
    target = name.partition(" ")[0]
    remedy = f"Start {target}, or more of it; where it runs, its log says what it waits for."
    state = BAD if seconds >= LOST_SECONDS else WARNING
    return _check(name, state, f"Work has been due for {_span(seconds)}.", remedy)


def outbox(name: str, count: int) -> pb.Check:
    """Whether receivers take what they are sent."""
    if not count:
        return _check(name, GOOD, "None was tried three times without being taken.")
    kind = name.partition(" ")[2]
    remedy = f"List {kind} with their tries: they tell which receiver does not take them, and what it says."
    return _check(name, WARNING, f"{count:,} were tried three times and more, and were not taken.", remedy)


_LOOKS: tuple[Callable[[Facts], pb.Check], ...] = (
    migration, postgresql, redis, memory, clocks, partitions, paused, backlog, watermark, regression, letters, erasures,
    segments, disk,
)  # fmt: skip


def _check(subject: str, state: pb.Check.State, found: str, remedy: str = "") -> pb.Check:
    return pb.Check(subject=subject, state=state, found=found, remedy=remedy)


def _unknown(subject: str) -> pb.Check:
    return _check(subject, UNKNOWN, "It cannot be told while Redis is away.", "See the check of redis.")


def _share(subject: str, share: float, found: str, remedy: str) -> pb.Check:
    if share < FULL:
        return _check(subject, GOOD, found)
    return _check(subject, BAD if share >= BRIMFUL else WARNING, found, remedy)


def _numbers(partitions: Sequence[int]) -> str:
    shown = ", ".join(map(str, partitions[:8]))
    return (
        f"partition{'s' if len(partitions) > 1 else ''} {shown}{' and more' if len(partitions) > 8 else ''}"
    )


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"


def _span(seconds: float) -> str:
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{seconds:,.0f} s"
