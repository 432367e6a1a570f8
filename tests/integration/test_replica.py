"""Questions answered from a real streaming replica: no older than promised, and never without what the caller knows to be there."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.query.service import query
from tests.conftest import Served, Servers, Suite, refusal
from tests.integration.history import Happened, commit
from tests.integration.test_query_answers import COUNT, HOUR, MINUTE, NOON, asked, series
from tests.integration.test_query_watch import Watch, committed
from tests.polling import until
from tests.replicating import Replica, replicating
from tidemark.v1 import cohort_pb2, query_pb2
from tidemark.v1 import question_pb2 as q
from tidemark.v1.cohort_pb2_grpc import CohortServiceStub
from tidemark.v1.query_pb2_grpc import QueryServiceStub

FAR = 3600.0
"""Seconds that a replica which stands still is never behind in a test."""
QUESTIONS = [
    series(NOON, NOON + HOUR, COUNT),
    asked(NOON, NOON + HOUR, events=q.EventsQuestion()),
    # Read in bulk, by a connection that takes the snapshot over.
    asked(
        NOON,
        NOON + HOUR,
        funnel=q.FunnelQuestion(steps=[q.Step(name="order_placed"), q.Step(name="paid")]),
    ),
]


@pytest.fixture(scope="module")
def follower(servers: Servers) -> Iterator[Replica]:
    """A replica of the server that all tests of this process have their databases on."""
    with tempfile.TemporaryDirectory(prefix="tidemark-replica-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with replicating(folder, servers.database_url) as replica:
            yield replica


@pytest.fixture
def replica(follower: Replica) -> Iterator[Replica]:
    """The same, which goes on replaying after the test."""
    yield follower
    follower.resume()


class Asking:
    """The target query beside a replica."""

    def __init__(self, served: Served, database: str) -> None:
        self.served, self._database = served, database
        self._stub = QueryServiceStub(served.channel)

    async def answer(self, question: q.Query | None = None, **others: Any) -> query_pb2.RunQueryResponse:
        """The answer to a question, of how many orders there were."""
        request = query_pb2.RunQueryRequest(query=question or series(NOON, NOON + HOUR, COUNT), **others)
        return await self._stub.RunQuery(request, metadata=self.served.key("viewer"))

    async def total(self) -> tuple[float, bool]:
        """How many orders there were, and whether the replica says so."""
        answer = await self.answer()
        return answer.series.series[0].total, answer.metadata.HasField("replica_behind")

    async def by_replica(self) -> query_pb2.RunQueryResponse:
        """The first answer that comes from there."""

        async def asked() -> query_pb2.RunQueryResponse | None:
            answer = await self.answer()
            return answer if answer.metadata.HasField("replica_behind") else None

        return await until(asked)  # type: ignore[arg-type, return-value]

    async def commit(self, *rows: Happened) -> None:
        """Commits and announces, as the writer does."""
        await committed(self.served, self._database, rows)


@pytest.fixture
def beside(suite: Suite, database: str, replica: Replica) -> Any:
    """Opens the target with a replica that may be so many seconds behind."""

    @asynccontextmanager
    async def opened(seconds: float) -> AsyncIterator[Asking]:
        changes = {"replica_url": replica.of(database), "replica_seconds": seconds, "query_cache_bytes": 0}
        async with suite(query, **changes) as served:
            asking = Asking(served, database)
            await asking.commit(Happened(NOON))
            await asking.by_replica()
            yield asking

    return opened


async def test_an_answer_of_the_replica_says_so_and_is_what_the_primary_says_once_it_is_away(
    beside: Any, replica: Replica
) -> None:
    async with beside(FAR) as asking:
        rows = [Happened(NOON + i * MINUTE, user_id=f"u{i}", partition=i % 8) for i in range(40)]
        await asking.commit(*rows)
        await asking.by_replica()
        there = [await asking.answer(question) for question in QUESTIONS]
        replica.kill()
        here = [await asking.answer(question) for question in QUESTIONS]
        assert [each.metadata.HasField("replica_behind") for each in there + here] == [True] * 3 + [False] * 3
        assert all(0 <= each.metadata.replica_behind.ToMilliseconds() < 10_000 for each in there)
        for answer in here + there:
            for name in ("query_id", "elapsed", "answered_at", "as_of", "replica_behind"):
                answer.metadata.ClearField(name)
        assert there == here
        replica.start()  # By the thread that it lives as long as.
        await asking.by_replica()


async def test_beyond_the_bound_the_primary_answers(beside: Any, database: str, replica: Replica) -> None:
    async with beside(1.0) as asking:
        replica.pause()
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON + MINUTE)])  # Which nobody announces.

        async def primary() -> bool:
            total, by_replica = await asking.total()
            assert by_replica == (total == 1)
            return not by_replica

        await until(primary)
        replica.resume()
        answer = await asking.by_replica()
        assert answer.series.series[0].total == 2


async def test_whoever_was_told_of_a_commit_finds_it(beside: Any, replica: Replica) -> None:
    async with beside(FAR) as asking:
        watch = Watch(asking.served, series(NOON, NOON + HOUR, COUNT))
        first = await watch.read()
        assert first.series.series[0].total == 1
        assert first.metadata.HasField("replica_behind")
        replica.pause()
        await asking.commit(Happened(NOON + MINUTE))
        change = await watch.changed()
        assert change.series.series[0].total == 2
        assert not change.metadata.HasField("replica_behind")
        assert await asking.total() == (2, False)
        replica.resume()
        assert (await asking.by_replica()).series.series[0].total == 2
        watch.cancel()


async def test_what_was_committed_while_nobody_listened_is_found(
    beside: Any, database: str, replica: Replica
) -> None:
    async with beside(FAR) as asking:
        watch = Watch(asking.served, series(NOON, NOON + HOUR, COUNT))
        await watch.read()
        replica.pause()
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON + MINUTE)])
        await asking.served.resources.redis.client_kill_filter(_type="pubsub")
        assert (await watch.changed()).series.series[0].total == 2
        watch.cancel()


async def test_answers_do_not_go_back(beside: Any, database: str, replica: Replica) -> None:
    async with beside(FAR) as asking:
        replica.pause()
        await asking.commit(Happened(NOON + MINUTE))
        state = (await asking.answer()).metadata.as_of
        again = await asking.answer(as_of=state)
        assert again.series.series[0].total == 2
        assert not again.metadata.HasField("replica_behind")


async def test_what_the_replica_does_not_know_yet_is_asked_for_again(beside: Any, replica: Replica) -> None:
    async with beside(FAR) as asking:
        replica.pause()
        people = cohort_pb2.CohortPeople(user_ids=["nobody"])
        request = cohort_pb2.CreateCohortRequest(
            parent="projects/demo", cohort_id="new", cohort=cohort_pb2.Cohort(people=people)
        )
        cohorts = CohortServiceStub(asking.served.channel)
        await cohorts.CreateCohort(request, metadata=asking.served.key("admin"))
        newcomers = q.Filter(cohort="projects/demo/cohorts/new")
        question = series(NOON, NOON + HOUR, COUNT, filter=newcomers)
        refused = await refusal(asking.answer(question))
        assert (refused.code, refused.reason) == ("UNAVAILABLE", "REPLICA_BEHIND")
        assert (await asking.answer(question)).series.series[0].total == 0


async def test_a_server_that_follows_nobody_is_not_asked(suite: Suite, database: str) -> None:
    async with suite(query, replica_url=database, replica_seconds=FAR) as served:
        asking = Asking(served, database)
        for _ in range(5):
            assert not (await asking.answer()).metadata.HasField("replica_behind")
