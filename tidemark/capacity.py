"""How much machine a load asks for, from what was measured. Pure: a load comes in, a plan goes out to `commands/capacity.py`.

The figures are those of benchmarks/README.md, each the worse end of its range; a test compares them. What is larger than the machine that they were
measured on is calculated, not measured: cores are multiplied, and nothing is taken off for what they share.
"""

from dataclasses import dataclass
from math import ceil

INGEST_US, WRITER_US, POSTGRESQL_US, REDIS_US = 5.5, 1.7, 6.0, 1.0
"""Microseconds of CPU for each event, at full load."""
COMMITS_PER_SECOND, WRITER_COMMIT_MS, POSTGRESQL_COMMIT_MS = 12, 5.0, 8.0
"""What a writer commits at a million events a minute, and what a commit costs whatever its size."""
STORED_ROWS, STORED_GB = 50_000_000, 20
"""So many rows take so much disk, indexes included."""
ANSWERS_PER_SECOND, ANSWERING_CORES = 155, 2
"""Questions of dashboards, of 16 clients at once; clients, query and PostgreSQL together on these cores."""
EVENT_BYTES = 200
"""Of the events that were measured."""
FEWEST = 2
"""Processes of a target that goes on while one of them is away."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be borne."""

    events_per_minute: float
    days: float
    """How long events are kept."""
    answers_per_second: float = 0.0
    event_bytes: int = EVENT_BYTES
    outage_minutes: float = 10.0
    """How long writers may be away until producers are refused."""
    spare: float = 0.5
    """Share of every core that is left free, for peaks and for catching up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What it asks for. Cores are whole ones, of which `spare` is left free; a process uses one at most."""

    ingest_cores: float
    ingest_processes: int
    writer_cores: float
    writer_processes: int
    """Of which each needs a partition: there must be as many at least."""
    postgresql_cores: float
    redis_cores: float
    answering_cores: float
    """For query and PostgreSQL together, besides."""
    disk_gb: float
    """Of PostgreSQL, for events alone."""
    backlog_mib: float
    """For `TIDEMARK_BACKLOG_BYTES`, and the memory of Redis beyond it."""


def plan(load: Load) -> Plan:
    """What a load asks for. Raises `ValueError` for what is no load."""
    if min(load.events_per_minute, load.days, load.answers_per_second, load.outage_minutes) < 0:
        raise ValueError("capacity: a load is not negative")
    if not 0 <= load.spare < 1 or load.event_bytes < 1:
        raise ValueError("capacity: spare is a share below 1, and an event has a byte at least")
    rate, room = load.events_per_minute / 60, 1 - load.spare
    size = load.event_bytes / EVENT_BYTES
    ingest, redis = (rate * size * us / 1e6 / room for us in (INGEST_US, REDIS_US))
    rows = rate * size * WRITER_US / 1e6 / room
    commits = COMMITS_PER_SECOND * WRITER_COMMIT_MS / 1e3 / room
    # Each writer has commits of its own, which leave that much less of its core for rows.
    writers = max(FEWEST, ceil(rows / max(1 - commits, 0.1)))
    committing = writers * COMMITS_PER_SECOND * POSTGRESQL_COMMIT_MS / 1e3
    return Plan(
        ingest_cores=ingest,
        ingest_processes=max(FEWEST, ceil(ingest)),
        writer_cores=rows + writers * commits,
        writer_processes=writers,
        postgresql_cores=(rate * size * POSTGRESQL_US / 1e6 + committing) / room,
        redis_cores=redis,
        answering_cores=load.answers_per_second / (ANSWERS_PER_SECOND / ANSWERING_CORES) / room,
        disk_gb=load.events_per_minute * 1440 * load.days * size * STORED_GB / STORED_ROWS,
        backlog_mib=load.events_per_minute * load.outage_minutes * load.event_bytes / (1 << 20),
    )
