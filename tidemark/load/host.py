"""The host itself: two looks at the machine come in, metric points and events of the time between them go out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tidemark.load.draft import Draft
from tidemark.records import EventType, MetricKind

RECENT = timedelta(days=1)
"""How long ago a process may have started whose start is told at the first look."""


class Point(NamedTuple):
    """A metric point that is not yet recorded."""

    name: str
    value: float
    kind: MetricKind
    unit: str
    tags: Mapping[str, str] = {}


class Process(NamedTuple):
    """A running program. Its arguments are nobody's business."""

    name: str
    user: str
    parent: str
    started_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What the machine shows at one instant; times and bytes count from its start."""

    cpu_seconds: Mapping[str, float]
    """By mode: user, system, idle, iowait."""
    memory_bytes: Mapping[str, int]
    """By state: used, available."""
    disk_bytes: Mapping[str, int]
    """By direction: read, write."""
    network_bytes: Mapping[str, int]
    """By direction: receive, transmit."""
    filesystem_used: float
    """Share of the root file system."""
    load: float
    """Processes that wanted to run, over the last minute."""
    processes: Mapping[int, Process]
    """By their numbers."""
    at: datetime


def look(before: Look | None = None) -> Look:
    """A look at this machine, quicker with the one `before`; needs `tidemark[load]`."""
    import psutil

    cpu, memory = psutil.cpu_times(), psutil.virtual_memory()
    disk, network = psutil.disk_io_counters(), psutil.net_io_counters()
    return Look(
        cpu_seconds={
            mode: getattr(cpu, mode) for mode in ("user", "system", "idle", "iowait") if hasattr(cpu, mode)
        },
        memory_bytes={"used": memory.used, "available": memory.available},
        disk_bytes={"read": disk.read_bytes, "write": disk.write_bytes} if disk else {},
        network_bytes={"receive": network.bytes_recv, "transmit": network.bytes_sent} if network else {},
        filesystem_used=psutil.disk_usage("/").percent / 100,
        load=psutil.getloadavg()[0],
        processes=_processes(before.processes if before else {}),
        at=datetime.now(UTC),
    )


def _processes(known: Mapping[int, Process]) -> dict[int, Process]:
    import psutil

    found = {}
    for number in psutil.pids():
        if number in known:
            found[number] = known[number]
            continue
        try:
            process = psutil.Process(number)
            with process.oneshot():
                parent = process.parent()
                started_at = datetime.fromtimestamp(process.create_time(), UTC)
                found[number] = Process(
                    process.name(), process.username(), parent.name() if parent else "", started_at
                )
        except psutil.Error:  # It has ended, or is not ours to look at.
            continue
    return found


def points(before: Look, after: Look) -> Iterator[Point]:
    """What happened between two looks, and how things stand at the second."""
    spent = {mode: seconds - before.cpu_seconds.get(mode, 0.0) for mode, seconds in after.cpu_seconds.items()}
    total = sum(spent.values())
    for mode, seconds in spent.items():
        if total > 0:
            share = min(1.0, max(0.0, seconds / total))
            yield Point("system.cpu.utilization", share, MetricKind.GAUGE, "1", {"mode": mode})
    for state, size in after.memory_bytes.items():
        yield Point("system.memory.usage", size, MetricKind.GAUGE, "By", {"state": state})
    for name, old, new in (
        ("system.disk.io", before.disk_bytes, after.disk_bytes),
        ("system.network.io", before.network_bytes, after.network_bytes),
    ):
        for direction, count in new.items():
            # A counter that went back was set to 0 in between, so what it shows now is what was added.
            added = count - old.get(direction, 0)
            yield Point(
                name, added if added >= 0 else count, MetricKind.COUNTER, "By", {"direction": direction}
            )
    yield Point(
        "system.filesystem.utilization", after.filesystem_used, MetricKind.GAUGE, "1", {"mountpoint": "/"}
    )
    yield Point("system.cpu.load_average.1m", after.load, MetricKind.GAUGE, "1")
    yield Point("system.processes.count", len(after.processes), MetricKind.GAUGE, "1")


def events(before: Look | None, after: Look) -> Iterator[Draft]:
    """Which processes started and ended between two looks; before the first, those that started within the last day.

    The same start has the same id whenever it is looked at. What begins and ends between two looks is not seen.
    """
    old = before.processes if before else {}
    for number, process in after.processes.items():
        if number not in old and (before or after.at - process.started_at < RECENT):
            yield _draft("process_started", number, process, process.started_at)
    for number, process in old.items():
        if number not in after.processes:
            lived = (after.at - process.started_at).total_seconds()
            yield _draft("process_ended", number, process, after.at, seconds=round(lived, 3))


def _draft(name: str, number: int, process: Process, at: datetime, **more: float) -> Draft:
    identity = f"{name} {number} {process.name} {process.started_at.isoformat()}"
    properties = {"process": process.name, "parent": process.parent, **more}
    return Draft(name, at, identity.encode(), process.user, "", properties, EventType.SYSTEM_EVENT)
