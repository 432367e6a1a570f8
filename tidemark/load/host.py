"""The host's own metrics: two looks at the machine come in, metric points of the time between them go out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tidemark.records import MetricKind


class Point(NamedTuple):
    """A metric point that is not yet recorded."""

    name: str
    value: float
    kind: MetricKind
    unit: str
    tags: Mapping[str, str] = {}


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
    processes: int


def look() -> Look:
    """A look at this machine; needs `tidemark[load]`."""
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
        processes=len(psutil.pids()),
    )


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
    yield Point("system.processes.count", after.processes, MetricKind.GAUGE, "1")
