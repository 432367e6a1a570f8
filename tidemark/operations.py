"""Long work that was begun by another call: followed to its end, listed, cancelled.

operation = await client.models.train("churn")
operation = await client.operations.wait(operation.name, on_progress=print)
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc.aio
from google.longrunning import operations_pb2

from tidemark.channel import Metadata
from tidemark.errors import Error, from_status
from tidemark.plain import instant
from tidemark.scope import Scope
from tidemark.v1 import operation_pb2, operation_pb2_grpc

FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0
"""Seconds between two looks at an operation."""


@dataclass(frozen=True, slots=True)
class Operation:
    """How far it is, or what has become of it."""

    name: str
    verb: str
    target: str
    done: bool
    progress: float
    step: str
    create_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    attempts: int
    error: Error | None
    message: operations_pb2.Operation

    @classmethod
    def of(cls, message: operations_pb2.Operation) -> "Operation":
        """An operation as the contract tells it."""
        about = operation_pb2.OperationMetadata()
        message.metadata.Unpack(about)
        return cls(
            name=message.name,
            verb=about.verb,
            target=about.target,
            done=message.done,
            progress=about.progress,
            step=about.step,
            create_time=instant(about.create_time),
            start_time=instant(about.start_time),
            end_time=instant(about.end_time),
            attempts=about.attempts,
            error=from_status(message.error) if message.HasField("error") else None,
            message=message,
        )

    def result(self, kind: type[Any]) -> Any:
        """The response as a message of `kind`; raises what the operation ended with, or `ValueError` while it goes on."""
        if self.error is not None:
            raise self.error
        if not self.done:
            raise ValueError(f"{self.name} has not ended yet; wait for it")
        response = kind()
        self.message.response.Unpack(response)
        return response


class Operations(Scope):
    """The operations of the client's project."""

    _service = operation_pb2_grpc.OperationServiceStub

    async def get(self, operation: str) -> Operation:
        """An operation, by its id or name."""
        request = operation_pb2.GetOperationRequest(name=await self._named("operations", operation))
        return Operation.of((await self._ask(self._stub.GetOperation, request)).operation)

    async def list(self, target: str = "") -> AsyncIterator[Operation]:
        """Operations, newest first; of one resource, or of all."""
        request = operation_pb2.ListOperationsRequest(parent=await self._parent(), target=target)
        async for page in self._pages(self._stub.ListOperations, request):
            for operation in page.operations:
                yield Operation.of(operation)

    async def cancel(self, operation: str) -> Operation:
        """Asks an operation to stop."""
        request = operation_pb2.CancelOperationRequest(name=await self._named("operations", operation))
        return Operation.of((await self._ask(self._stub.CancelOperation, request)).operation)

    async def wait(self, operation: str, on_progress: Callable[[Operation], None] | None = None) -> Operation:
        """The operation when it has ended; `on_progress` hears of each look at it."""
        wait = FIRST_WAIT
        while True:
            found = await self.get(operation)
            if on_progress is not None:
                on_progress(found)
            if found.done:
                return found
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, LONGEST_WAIT)


class Working(Scope):
    """A scope whose calls begin long work."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        project: str,
        metadata: Metadata,
        timeout: float,
        directory: grpc.aio.Channel,
    ) -> None:
        super().__init__(channel, project, metadata, timeout, directory)
        self._operations = Operations(directory, project, metadata, timeout)
