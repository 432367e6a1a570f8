"""Services that answer as a test wishes, to test what stands in front of a servicer."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from services.kit import identity
from services.kit.server import Builder
from services.kit.service import Resources, Service, Servicer
from tests.contract import FILES
from tidemark.v1 import ingest_pb2, query_pb2
from tidemark.v1.ingest_pb2_grpc import add_IngestServiceServicer_to_server
from tidemark.v1.query_pb2_grpc import add_QueryServiceServicer_to_server


async def answering(resources: Resources) -> Service:
    """Every RPC answers with an empty message; a stream asked to go on `for ever` does so until it is ended."""
    return Service(
        servicers=[
            _servicer(file, service, resources)
            for file in FILES
            for service in file.DESCRIPTOR.services_by_name.values()
        ]
    )


async def call(channel: grpc.aio.Channel, rpc: MethodDescriptor, metadata: Any) -> str:
    """Calls an RPC with an empty request; gives the name of the status code."""
    kinds = {False: "unary", True: "stream"}
    kind = f"{kinds[rpc.client_streaming]}_{kinds[rpc.server_streaming]}"
    request, response = (message_factory.GetMessageClass(each) for each in (rpc.input_type, rpc.output_type))
    stub = getattr(channel, kind)(
        f"/{rpc.containing_service.full_name}/{rpc.name}",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    made = stub(iter([request()]) if rpc.client_streaming else request(), metadata=metadata)
    try:
        if rpc.server_streaming:
            async for _ in made:
                pass
        else:
            await made
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


def _servicer(file: Any, service: ServiceDescriptor, resources: Resources) -> Servicer:
    grpc_module = importlib.import_module(f"{file.__name__}_grpc")
    handlers = {method.name: _handler(method, resources) for method in service.methods}
    implementation = type(
        service.name, (), {name: staticmethod(handler) for name, handler in handlers.items()}
    )()
    return Servicer(getattr(grpc_module, f"add_{service.name}Servicer_to_server"), implementation)


def _handler(method: MethodDescriptor, resources: Resources) -> Any:
    response = message_factory.GetMessageClass(method.output_type)

    async def unary(request: Any, context: Any) -> Any:
        if method.name == "PublishBatch":
            await identity.spend_events(len(request.batch.events))
        return response()

    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        if method.client_streaming:
            async for _ in request:
                yield response()
            return
        yield response()
        if getattr(request, "cursor", "") == "for ever":
            drained = asyncio.create_task(resources.draining.wait())
            await drained

    return stream if method.server_streaming else unary


async def revoke(served: Any, key: Any) -> None:
    """Ends a key behind the server's back."""
    async with served.resources.pool.connection() as connection:
        await connection.execute("UPDATE api_keys SET revoked_at = now() WHERE key_id = %s", (key.key_id,))


class Handlers:
    """Handlers that a test sets, in place of a service's."""

    def __init__(self, **handlers: Callable[..., Any]) -> None:
        self.__dict__.update(handlers)

    def __getattr__(self, name: str) -> Any:
        async def missing(request: Any, context: Any) -> None:
            raise AssertionError(name)

        return missing


def ingest_of(**handlers: Callable[..., Any]) -> Builder:
    """IngestService with these handlers; its streams echo sequences where no other is given."""

    async def build(resources: Resources) -> Service:
        streams = {"Publish": _echo, "RecordMetrics": _echo} | handlers
        return Service(servicers=[Servicer(add_IngestServiceServicer_to_server, Handlers(**streams))])

    return build


def query_of(**handlers: Callable[..., Any]) -> Builder:
    """QueryService with these handlers; its stream counts up to the cursor where no other is given."""

    async def build(resources: Resources) -> Service:
        streams = {"WatchQuery": _count} | handlers
        return Service(servicers=[Servicer(add_QueryServiceServicer_to_server, Handlers(**streams))])

    return build


async def _echo(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[ingest_pb2.PublishResponse]:
    async for request in requests:
        yield ingest_pb2.PublishResponse(sequence=request.batch.producer.sequence)


async def _count(request: Any, context: Any) -> AsyncIterator[query_pb2.WatchQueryResponse]:
    for number in range(int(request.cursor or 0)):
        yield query_pb2.WatchQueryResponse(cursor=str(number))
