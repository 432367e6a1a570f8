"""The written path over three masters of Redis: load goes through all of them, and `kill -9` of each loses nothing acknowledged.

It takes a minute and is part of `make chaos`; what a cluster is to the log is in `tests/integration/test_cluster.py`.
"""

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from deploy.local.process import wait_until
from services.kit.keys import log_key, meta_key
from tests.chaos.harness import Chaos, chaos, settle
from tests.chaos.load import PRODUCERS
from tests.clustering import Masters, masters

PARTITIONS = 8
SEED = 1
pytestmark = pytest.mark.skipif(
    "TIDEMARK_CHAOS_ROUNDS" not in os.environ, reason="masters are killed by `make chaos`"
)


@pytest.fixture
def cluster() -> Iterator[Masters]:
    """Three masters, and nothing else that is Redis to the suite."""
    with masters() as made:
        yield made


@pytest.fixture
def run(cluster: Masters) -> Iterator[Chaos]:
    """A suite under load whose log is the cluster."""
    with tempfile.TemporaryDirectory(prefix="tidemark-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with chaos(folder, SEED, {"TIDEMARK_REDIS_URL": cluster.url}) as made:
            assert wait_until(
                lambda: len(made.lives()) == PRODUCERS and all(life.acknowledged for life in made.lives()), 30
            )
            yield made


def acknowledged(run: Chaos) -> int:
    return sum(life.acknowledged for life in run.lives())


def took(run: Chaos, before: int) -> bool:
    return acknowledged(run) > before


def test_nothing_acknowledged_is_lost_whichever_master_is_killed(cluster: Masters, run: Chaos) -> None:
    for server in cluster.servers:
        server.kill()
        before = acknowledged(run)
        assert wait_until(partial(took, run, before), 30), "the others take nothing"
        server.start()
        run.recover()
    settle(run)
    assert run.faults == []
    for server in cluster.servers:
        held = [each for each in range(PARTITIONS) if cluster.holder(log_key(each)) is server]
        received = [int(cluster.ask(server, "HGET", meta_key(each), "received") or 0) for each in held]
        assert sum(received) > 100, f"port {server.port} has partitions {held} and got {received}"
