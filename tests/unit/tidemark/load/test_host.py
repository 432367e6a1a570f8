"""The host's metrics: shares of the time between two looks, differences of counters."""

from dataclasses import replace

import pytest

from tidemark.load import host
from tidemark.records import MetricKind

BEFORE = host.Look(
    cpu_seconds={"user": 10.0, "idle": 90.0},
    memory_bytes={"used": 5},
    disk_bytes={"read": 100},
    network_bytes={"receive": 1000},
    filesystem_used=0.5,
    load=1.5,
    processes=7,
)
AFTER = replace(
    BEFORE, cpu_seconds={"user": 11.0, "idle": 93.0}, disk_bytes={"read": 150}, network_bytes={"receive": 20}
)


def test_points_between_two_looks():
    points = {(point.name, *point.tags.values()): point for point in host.points(BEFORE, AFTER)}
    assert points["system.cpu.utilization", "user"].value == pytest.approx(0.25)
    assert points["system.disk.io", "read"].value == 50
    assert points["system.disk.io", "read"].kind == MetricKind.COUNTER
    assert points["system.memory.usage", "used"].value == 5


def test_a_counter_that_began_anew_is_not_negative():
    points = {point.name: point.value for point in host.points(BEFORE, AFTER)}
    assert points["system.network.io"] == 20


def test_two_looks_at_once_give_no_shares():
    assert not [point for point in host.points(BEFORE, BEFORE) if point.name == "system.cpu.utilization"]


def test_this_machine_can_be_looked_at():
    pytest.importorskip("psutil")
    names = {point.name for point in host.points(BEFORE, host.look())}
    assert {"system.cpu.utilization", "system.memory.usage", "system.processes.count"} <= names
