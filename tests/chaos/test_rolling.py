"""A rolling restart under load, in small: what `make bench-rolling` does with all targets and a million events a minute."""

import tempfile
from pathlib import Path

import pytest

from benchmarks.bench_rolling import Outcome, Plan, rolled

STREAMS = 4
SMALL = Plan(
    pods={"ingest": 1, "writer": 1, "query": 1, "gateway": 1, "edge": 1},
    rolled=("ingest", "query", "edge"),
    per_second=1_000,
    producers=1,
    streams=STREAMS,
    history=1_000,
    pause=5.0,
    drain=2.0,
    names_kept=2.0,
    settle=2.0,
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    with tempfile.TemporaryDirectory(prefix="tidemark-rolling-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # The servers may run as another account.
        return rolled(folder, SMALL)


def test_every_pod_was_replaced_and_ended_in_time(outcome: Outcome) -> None:
    assert [each.target for each in outcome.restarts] == list(SMALL.rolled)
    assert not any(each.killed for each in outcome.restarts)


def test_what_was_acknowledged_is_stored_once(outcome: Outcome) -> None:
    assert (outcome.lost, outcome.duplicated, outcome.unbalanced) == (0, 0, 0)
    assert sum(each.tracked for each in outcome.deliveries) > 0


def test_no_caller_sees_a_failure(outcome: Outcome) -> None:
    assert outcome.seen.failures == {}
    assert all(count for count in outcome.seen.calls.values())


def test_dashboards_go_on_by_themselves(outcome: Outcome) -> None:
    assert len(outcome.seen.gaps) == STREAMS
