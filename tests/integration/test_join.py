"""The script that makes pods of Redis one cluster (`k8s/components/redis-cluster`), on real servers."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from deploy.local.process import wait_until
from deploy.local.servers import Redis
from tests.clustering import JOIN_SECONDS, Masters, strangers

WITHOUT_SLOTS = 8
"""Fields of a line of CLUSTER NODES."""
JOIN = Path(__file__).parents[2] / "k8s/components/redis-cluster/join.sh"


@pytest.fixture
def made() -> Iterator[Masters]:
    """Three servers that do not know each other."""
    with strangers() as servers:
        yield servers


@contextmanager
def joining(made: Masters) -> Iterator[None]:
    """The script beside every server, as in its pod."""
    everybody = [f"localhost:{each.port}:{each.settings['cluster-port']}" for each in made.servers]
    programs = made.servers[0].programs.redis_cli.parent
    told = {
        "PATH": f"{programs}:{os.environ['PATH']}", "REDISCLI_AUTH": made.password, "JOIN_SECONDS": "0.2",
    }  # fmt: skip
    with ExitStack() as stack:
        for number in range(len(everybody)):
            command = ["sh", str(JOIN), str(number), *everybody]
            began = subprocess.Popen(command, env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(began.wait, 10)
            stack.callback(began.terminate)
        yield


def shares(made: Masters) -> list[tuple[int, int, int]]:
    """First and last slot of every span, and the port of its master."""
    found = made.ask(made.servers[0], "CLUSTER", "SLOTS")
    return sorted((first, last, master[1]) for first, last, master, *_ in found)


def test_servers_become_a_cluster_and_find_each_other_at_new_addresses(made: Masters) -> None:
    ports = [each.port for each in made.servers]
    expected = [(0, 5460, ports[0]), (5461, 10921, ports[1]), (10922, 16383, ports[2])]
    with joining(made):
        made.agree()
        assert shares(made) == expected
    for each in made.servers:
        each.stop()
        nodes = each.data / "nodes.conf"
        nodes.write_text(nodes.read_text().replace("127.0.0.1", "127.0.0.9"))
    for each in made.servers:
        each.start()
    with joining(made):
        made.agree()
        assert shares(made) == expected


def test_a_server_that_has_lost_its_volume_takes_nothing(made: Masters) -> None:
    with joining(made):
        made.agree()
        _, lost, other = made.servers
        lost.kill()
        (lost.data / "nodes.conf").unlink()
        lost.start()
        new = str(made.ask(lost, "CLUSTER", "MYID"))

        def line(asked: Redis) -> str:
            """What one says of it; empty until it knows it for another than that which it misses."""
            nodes = str(made.ask(asked, "CLUSTER", "NODES")).splitlines()
            return next((each for each in nodes if each.startswith(new)), "")

        assert wait_until(lambda: bool(line(other)), JOIN_SECONDS)

        def told() -> bool:
            """Whether it has heard of the one whose place it might take, or never will, as that has no address any more."""
            heard = "cluster_known_nodes:4" in str(made.ask(lost, "CLUSTER", "INFO"))
            return heard or all(
                "noaddr" in str(made.ask(each, "CLUSTER", "NODES")) for each in made.servers if each != lost
            )

        assert wait_until(told, JOIN_SECONDS)
        assert [len(line(each).split()) for each in (other, lost)] == [WITHOUT_SLOTS] * 2
        assert shares(made)[1][:2] == (5461, 10921)
