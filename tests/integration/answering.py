"""A service that answers every RPC of the contract, to test what stands in front of a servicer."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from services.kit import identity
from services.kit.service import Resources, Service, Servicer
from tests.contract import FILES


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
    """Call an RPC with an empty request; gives the name of the status code."""
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
    implementation = type(service.name, (), {name: staticmethod(handler) for name, handler in handlers.items()})()
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
        if request.cursor == "for ever":
            drained = asyncio.create_task(resources.draining.wait())
            await drained

    return stream if method.server_streaming else unary


async def revoke(served: Any, key: Any) -> None:
    """End a key behind the server's back."""
    async with served.resources.pool.connection() as connection:
        await connection.execute("UPDATE api_keys SET revoked_at = now() WHERE key_id = %s", (key.key_id,))
