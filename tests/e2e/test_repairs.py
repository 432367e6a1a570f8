"""Repairs of dead letters while processes are killed: every letter is stored once, and the ledger of its project balances."""

import grpc.aio
import psycopg

from services.kit.postgres import conninfo
from tests.deployment import Tenant
from tests.ingesting import event, event_batch
from tests.unit.ingest.letters.ruling import amount, to_number
from tidemark.v1 import ingest_pb2, schema_pb2
from tidemark.v1 import letter_pb2 as pb
from tidemark.v1.ingest_pb2_grpc import IngestServiceStub
from tidemark.v1.letter_pb2_grpc import DeadLetterServiceStub
from tidemark.v1.schema_pb2_grpc import SchemaServiceStub

PRODUCERS, EACH = 24, 250
LETTERS = PRODUCERS * EACH
MEND = to_number("properties.amount")
STATES = """
SELECT state, count(*) FROM dead_letters JOIN projects USING (project_id) WHERE slug = %s GROUP BY 1 ORDER BY 1
"""
BATCHES = """
SELECT sum(stored)::int, sum(duplicate)::int, sum(dead_lettered)::int FROM batches JOIN projects USING (project_id) WHERE slug = %s
"""


async def make_letters(channel: grpc.aio.Channel, tenant: Tenant, metadata: grpc.aio.Metadata) -> None:
    """Sends events of many producers that their schema does not allow."""
    schema = amount()
    schema.name = ""
    create = schema_pb2.CreateSchemaRequest(parent=tenant.project, schema_id="paid", schema=schema)
    await SchemaServiceStub(channel).CreateSchema(create, metadata=metadata)
    stub, kept = IngestServiceStub(channel), 0
    for number in range(PRODUCERS):
        rows = [
            event(EACH * number + row, name="paid", properties_json=b'{"amount":"12"}') for row in range(EACH)
        ]
        batch = event_batch(*rows, name=f"web-{number}", sequence=0)
        mode = ingest_pb2.ACK_MODE_COMMITTED
        request = ingest_pb2.PublishBatchRequest(project=tenant.project, batch=batch, ack_mode=mode)
        kept += (await stub.PublishBatch(request, metadata=metadata)).dead_lettered_count
    assert kept == LETTERS


async def test_what_is_repaired_is_stored_once_whatever_is_killed(tenant: Tenant) -> None:
    members, slug = tenant.suite.members, tenant.project.rpartition("/")[2]
    metadata = grpc.aio.Metadata(("authorization", f"Bearer {tenant.key}"))
    request = pb.RepairDeadLettersRequest(parent=tenant.project, patches=[MEND])
    async with grpc.aio.insecure_channel(members["ingest-1"].address) as channel:
        await make_letters(channel, tenant, metadata)
        # One that dies with its ingest: what it had appended is stored all the same, or repaired by the next.
        async with grpc.aio.insecure_channel(members["ingest-2"].address) as other:
            dying = DeadLetterServiceStub(other).RepairDeadLetters(request, metadata=metadata)
            await dying.read()
            members["ingest-2"].kill()
        members["ingest-2"].spawn()
        # Two at once, while the writers die in turn, in the middle of what they commit.
        stub = DeadLetterServiceStub(channel)
        repairs = [stub.RepairDeadLetters(request, metadata=metadata) for _ in range(2)]
        answers: list[pb.RepairDeadLettersResponse] = []
        for name in ("writer-1", "writer-2", "writer-1"):
            answers.append(await repairs[0].read())
            members[name].kill()
            members[name].spawn()
        for repair in repairs:
            while (answer := await repair.read()) is not grpc.aio.EOF:
                answers.append(answer)
        assert all(each.failed_count == 0 for each in answers if each is not grpc.aio.EOF)
        last = pb.RepairDeadLettersResponse()
        async for last in stub.RepairDeadLetters(request, metadata=metadata):
            assert last.failed_count == 0
    members["ingest-2"].await_ready()
    with psycopg.connect(conninfo(tenant.suite.postgres.url)) as connection:
        assert connection.execute(STATES, (slug,)).fetchall() == [(pb.DEAD_LETTER_STATE_REPAIRED, LETTERS)]
        assert connection.execute(BATCHES, (slug,)).fetchall() == [(LETTERS, 0, 0)]
    async with tenant.client() as client:
        ledger = await tenant.settled(client)
        assert ledger.balanced
        assert (ledger.total.received, ledger.total.stored, ledger.total.dead_lettered) == (
            LETTERS,
            LETTERS,
            0,
        )
