"""Dead letters: events that were taken and could not be stored; reached as `client.dead_letters`, answered by `DeadLetterService`.

for cluster in await client.dead_letters.clusters():
    print(cluster.count, cluster.message)
drop = rule_pb2.Rule(drop={"field": "properties.amount"})
foreseen = await client.dead_letters.repair(signature=cluster.signature, patches=[drop])
done = await client.dead_letters.repair(signature=cluster.signature, patches=[drop], validate_only=False)
"""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, TypedDict, Unpack

import grpc.aio

from tidemark import errors
from tidemark.scope import Scope
from tidemark.spelling import Instant, Span, any_range, chosen
from tidemark.v1 import letter_pb2 as pb
from tidemark.v1 import letter_pb2_grpc, rule_pb2, schema_pb2

REASONS = {
    name.removeprefix("DEAD_LETTER_REASON_").lower(): number
    for name, number in pb.DeadLetterReason.items()
    if number
}
STATES = {
    name.removeprefix("DEAD_LETTER_STATE_").lower(): number
    for name, number in pb.DeadLetterState.items()
    if number
}
Progress = Callable[[pb.RepairDeadLettersResponse], None]


class Which(TypedDict, total=False):
    """Which dead letters: by name, kind of fault, reason, event, time of receipt and state; open ones where nothing is said."""

    names: Iterable[str]
    signature: str
    reason: str
    event_name: str
    state: str
    last: Span | None
    start: Instant | None
    end: Instant | None
    during: str | None


class DeadLetters(Scope):
    """The dead letters of the client's project; needs a key of role analyst or admin to repair them."""

    _service = letter_pb2_grpc.DeadLetterServiceStub

    async def all(self, **which: Unpack[Which]) -> AsyncIterator[pb.DeadLetter]:
        """Dead letters, newest first."""
        request = pb.ListDeadLettersRequest(parent=await self._parent(), selection=_selection(which))
        async for page in self._pages(self._stub.ListDeadLetters, request):
            for letter in page.dead_letters:
                yield letter

    async def clusters(self, **which: Unpack[Which]) -> list[pb.DeadLetterCluster]:
        """The kinds of fault that they have, most frequent first."""
        request = pb.ListDeadLetterClustersRequest(parent=await self._parent(), selection=_selection(which))
        return list((await self._ask(self._stub.ListDeadLetterClusters, request)).clusters)

    async def repair(
        self,
        patches: Iterable[rule_pb2.Rule] = (),
        *,
        validate_only: bool = True,
        draft_rules: rule_pb2.Rules | None = None,
        draft_schemas: Iterable[schema_pb2.Schema] = (),
        on_progress: Progress | None = None,
        **which: Unpack[Which],
    ) -> pb.RepairDeadLettersResponse:
        """Sends dead letters through the pipeline again, `patches` first, and says what was recovered; as long as `validate_only`, what
        would be. Safe to repeat: a letter is stored once.
        """
        request = pb.RepairDeadLettersRequest(
            parent=await self._parent(),
            selection=_selection(which),
            patches=patches,
            validate_only=validate_only,
            draft_rules=draft_rules,
            draft_schemas=draft_schemas,
        )
        last = pb.RepairDeadLettersResponse()
        try:
            async for last in self._stub.RepairDeadLetters(request, metadata=self._metadata):
                if on_progress:
                    on_progress(last)
        except grpc.aio.AioRpcError as error:
            raise errors.from_rpc(error) from error
        return last

    async def discard(self, **which: Unpack[Which]) -> int:
        """Gives dead letters up, and says how many; they stay dead-lettered in the ledger."""
        request = pb.DiscardDeadLettersRequest(parent=await self._parent(), selection=_selection(which))
        return int((await self._ask(self._stub.DiscardDeadLetters, request)).discarded_count)

    async def name(self, letter: str) -> str:
        """The name of a letter that is told by its number or its name."""
        return await self._named("deadLetters", letter)

    async def resume(self, partition: int) -> None:
        """Lets the writer go on with a partition that paused; needs a key of the whole installation."""
        await self._ask(self._stub.ResumePartition, pb.ResumePartitionRequest(partition=partition))


def _selection(which: Which) -> pb.DeadLetterSelection:
    given: dict[str, Any] = dict(which)
    span = [given.pop(name, None) for name in ("last", "start", "end", "during")]
    for name, choices in (("reason", REASONS), ("state", STATES)):
        if given.get(name):
            given[name] = chosen(name, given[name], choices)
        else:
            given.pop(name, None)
    selection = pb.DeadLetterSelection(**given)
    if asked := any_range(*span):
        selection.time_range.CopyFrom(asked)
    return selection
