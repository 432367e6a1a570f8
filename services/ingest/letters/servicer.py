"""DeadLetterService: each method reads the request (`request.py`), asks the store or starts a repair (`worker.py`), and builds the
answer.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from services.ingest.definitions.definition import compiled
from services.ingest.intake import Intake
from services.ingest.letters import request as read
from services.ingest.letters.record import CONTENTS_BYTES, cluster_messages
from services.ingest.letters.store import Store
from services.ingest.letters.tally import MAX_CLUSTERS
from services.ingest.letters.worker import Repair
from services.ingest.stream import Log
from services.kit import audit, page
from services.kit.errors import Invalid
from services.kit.identity import parent_of
from services.kit.instant import us_of
from tidemark.v1 import letter_pb2 as pb
from tidemark.v1 import letter_pb2_grpc
from tidemark.v1.rule_pb2 import Rule

PAGE, LARGEST_PAGE = 50, 1000
PROGRESS_SECONDS = 1.0


class DeadLetters(letter_pb2_grpc.DeadLetterServiceServicer):
    """The RPCs of DeadLetterService."""

    def __init__(self, store: Store, intake: Intake, log: Log, redis: Redis) -> None:
        self._store, self._intake, self._log, self._redis = store, intake, log, redis

    async def ListDeadLetters(
        self, request: pb.ListDeadLettersRequest, context: Any
    ) -> pb.ListDeadLettersResponse:
        """Lists letters, newest first; a page ends early when it is full."""
        parent = await parent_of(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        selection = read.selection(request.selection, parent.name, parent.time_zone, datetime.now(UTC))
        after = page.newest(request, int)
        letters, more = await self._store.letters(parent.project_id, selection, after, limit, CONTENTS_BYTES)
        response = pb.ListDeadLettersResponse(dead_letters=[each.message_in(parent.name) for each in letters])
        if more:
            last = letters[-1]
            response.next_page_token = page.token(request, us_of(last.received_at), last.dead_letter_id)
        return response

    async def ListDeadLetterClusters(
        self, request: pb.ListDeadLetterClustersRequest, context: Any
    ) -> pb.ListDeadLetterClustersResponse:
        """Lists kinds of fault, most frequent first."""
        parent = await parent_of(request.parent)
        selection = read.selection(request.selection, parent.name, parent.time_zone, datetime.now(UTC))
        clusters = await self._store.clusters(parent.project_id, selection, MAX_CLUSTERS)
        return pb.ListDeadLetterClustersResponse(clusters=cluster_messages(clusters, parent.name))

    async def RepairDeadLetters(
        self, request: pb.RepairDeadLettersRequest, context: Any
    ) -> AsyncIterator[pb.RepairDeadLettersResponse]:
        """Repairs letters, and tells how far it is."""
        parent = await parent_of(request.parent)
        audit.note(f"{parent.name}/deadLetters")
        selection = read.open_selection(request.selection, parent.name, parent.time_zone, datetime.now(UTC))
        rules = (*request.patches, *request.draft_rules.rules)
        stored = await self._store.definition(parent.project_id, hashing=_hashes(rules))
        present = await asyncio.to_thread(compiled, stored.rules, stored.hash_key, stored.schemas)
        plan = await asyncio.to_thread(read.plan, request, present, stored.hash_key)
        repair = Repair(self._store, self._intake, self._redis, parent, selection, plan)
        running = asyncio.create_task(repair.run())
        try:
            while not (await asyncio.wait({running}, timeout=PROGRESS_SECONDS))[0]:
                yield repair.tally.progress()
            running.result()
            yield repair.tally.result(parent.name)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def DiscardDeadLetters(
        self, request: pb.DiscardDeadLettersRequest, context: Any
    ) -> pb.DiscardDeadLettersResponse:
        """Gives letters up."""
        parent = await parent_of(request.parent)
        audit.note(f"{parent.name}/deadLetters")
        selection = read.some_selection(request.selection, parent.name, parent.time_zone, datetime.now(UTC))
        count = await self._store.discard(parent.project_id, selection)
        return pb.DiscardDeadLettersResponse(discarded_count=count)

    async def ResumePartition(
        self, request: pb.ResumePartitionRequest, context: Any
    ) -> pb.ResumePartitionResponse:
        """Lets a paused partition go on; one that is not paused goes on anyway."""
        audit.note(f"partitions/{request.partition}")
        if not 0 <= request.partition < 1 << 15:
            raise Invalid("partition", f"is {request.partition}; write the number of one, from 0")
        newest = await self._log.last_generated_id(request.partition)
        await self._store.resume(request.partition, newest or "0-0")
        return pb.ResumePartitionResponse()


def _hashes(rules: Iterable[Rule]) -> bool:
    return any(rule.HasField("hash") for rule in rules)
