"""Long work: asked for, taken by one worker, kept by its lease, followed and cancelled by callers."""

import asyncio

import pytest

from services.admin.service import admin
from services.kit import operation
from services.kit.errors import Refused
from services.kit.operation import Cancelled, Job
from tests.conftest import Served, Suite, refusal
from tidemark.v1 import operation_pb2 as pb
from tidemark.v1 import window_pb2
from tidemark.v1.operation_pb2_grpc import OperationServiceStub

TARGET = "projects/demo/models/churn"
EXPIRED = "UPDATE operations SET leased_until = now() - interval '1 second' WHERE operation_id = %s"


async def asked(served: Served, verb: str = "train", target: str = TARGET) -> str:
    """The id of an operation of the project `demo`."""
    async with served.resources.pool.connection() as connection:
        row = await (
            await connection.execute("SELECT project_id FROM projects WHERE slug = 'demo'")
        ).fetchone()
        assert row is not None
        request = window_pb2.GetWindowRequest(name="asked")
        return await operation.create(connection, row[0], verb, target, request)


async def taken(served: Served, owner: str = "one") -> Job:
    """The next operation, in the hands of a worker."""
    job = await operation.claim(served.resources.pool, "train", owner)
    assert job is not None
    return job


async def shown(served: Served, operation_id: str) -> pb.GetOperationResponse:
    """An operation as a viewer sees it."""
    stub = OperationServiceStub(served.channel)
    request = pb.GetOperationRequest(name=f"projects/demo/operations/{operation_id}")
    return await stub.GetOperation(request, metadata=served.key("viewer"))


def about(answer: pb.GetOperationResponse) -> pb.OperationMetadata:
    """How far an operation is."""
    found = pb.OperationMetadata()
    answer.operation.metadata.Unpack(found)
    return found


async def test_an_operation_is_followed_to_its_response(suite: Suite) -> None:
    async with suite(admin) as served:
        name = await asked(served)
        waiting = await shown(served, name)
        assert (waiting.operation.done, about(waiting).target, about(waiting).attempts) == (False, TARGET, 0)
        job = await taken(served)
        asked_for = job.request(window_pb2.GetWindowRequest)
        assert asked_for == window_pb2.GetWindowRequest(name="asked")
        await job.progress(0.25, "reading features")
        under_way = about(await shown(served, name))
        assert (under_way.progress, under_way.step, under_way.attempts) == (0.25, "reading features", 1)
        async with served.resources.pool.connection() as connection:
            await job.done(connection, window_pb2.Window(name="made"))
        ended, response = await shown(served, name), window_pb2.Window()
        assert ended.operation.done
        assert ended.operation.response.Unpack(response)
        assert (response.name, about(ended).progress) == ("made", 1.0)


async def test_an_operation_is_worked_on_by_one_until_its_lease_is_over(suite: Suite) -> None:
    async with suite(admin) as served:
        name = await asked(served)
        first = await taken(served, "first")
        assert await operation.claim(served.resources.pool, "train", "second") is None
        assert await operation.claim(served.resources.pool, "report", "second") is None
        async with served.resources.pool.connection() as connection:
            await connection.execute(EXPIRED, (name,))
        second = await taken(served, "second")
        assert second.operation.attempts == 2
        with pytest.raises(Cancelled):
            await first.progress(0.5, "late")
        async with served.resources.pool.connection() as connection:
            with pytest.raises(Cancelled):
                await first.done(connection, window_pb2.Window())
            await second.done(connection, window_pb2.Window())


async def test_an_operation_given_back_is_begun_anew_at_once_and_was_not_tried(suite: Suite) -> None:
    async with suite(admin) as served:
        await asked(served)
        first = await taken(served, "first")
        await first.progress(0.5, "half")
        await first.release()
        second = await taken(served, "second")
        assert second.operation.attempts == 1
        await first.release()
        assert await operation.claim(served.resources.pool, "train", "third") is None
        async with served.resources.pool.connection() as connection:
            await second.done(connection, window_pb2.Window())
        await second.release()
        assert await operation.claim(served.resources.pool, "train", "third") is None


async def test_two_workers_never_take_the_same(suite: Suite) -> None:
    async with suite(admin) as served:
        names = {await asked(served) for _ in range(8)}
        pool = served.resources.pool
        claims = await asyncio.gather(*(operation.claim(pool, "train", f"w{i}") for i in range(12)))
        jobs = [job for job in claims if job is not None]
        assert len(jobs) == 8
        assert {job.operation.operation_id for job in jobs} == names


async def test_an_operation_asked_to_stop_ends_as_cancelled(suite: Suite) -> None:
    async with suite(admin) as served:
        name = await asked(served)
        job = await taken(served)
        stub = OperationServiceStub(served.channel)
        request = pb.CancelOperationRequest(name=f"projects/demo/operations/{name}")
        told = await stub.CancelOperation(request, metadata=served.key("admin"))
        assert not told.operation.done
        with pytest.raises(Cancelled):
            await job.progress(0.5, "on it")
        await job.cancelled()
        ended = await shown(served, name)
        assert (ended.operation.done, ended.operation.error.code) == (True, 1)


async def test_an_operation_that_fails_says_why(suite: Suite) -> None:
    async with suite(admin) as served:
        name = await asked(served)
        job = await taken(served)
        await job.failed(Refused("there are 3 rows; 50 are needed", reason="TOO_FEW_ROWS"))
        error = (await shown(served, name)).operation.error
        assert (error.code, error.message) == (9, "there are 3 rows; 50 are needed")


async def test_operations_are_listed_newest_first_and_by_target(suite: Suite) -> None:
    async with suite(admin) as served:
        names = [await asked(served, target=f"{TARGET}-{number % 2}") for number in range(5)]
        stub, found, token = OperationServiceStub(served.channel), [], ""
        while True:
            request = pb.ListOperationsRequest(parent="projects/demo", page_size=2, page_token=token)
            page = await stub.ListOperations(request, metadata=served.key("viewer"))
            found += [each.name.rpartition("/")[2] for each in page.operations]
            if not (token := page.next_page_token):
                break
        assert found == names[::-1]
        request = pb.ListOperationsRequest(parent="projects/demo", target=f"{TARGET}-1")
        page = await stub.ListOperations(request, metadata=served.key("viewer"))
        assert [each.name.rpartition("/")[2] for each in page.operations] == [names[3], names[1]]


async def test_an_operation_that_is_not_there_is_not_found(suite: Suite) -> None:
    async with suite(admin) as served:
        error = await refusal(shown(served, "train-nothing"))
        assert (error.code, error.reason) == ("NOT_FOUND", "OPERATION_NOT_FOUND")
