"""Schemas: what the properties of events must look like; reached as `client.schemas`, answered by `SchemaService`.

proposal = await client.schemas.infer("order_placed", last="7d")
await client.schemas.create("order_placed", proposal.schema.document, enforcement="dead_letter")

A schema is the contract's own message; its document is JSON Schema, given as a text or as plain values.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import orjson

from tidemark.scope import Scope
from tidemark.spelling import Instant, Span, any_range, chosen
from tidemark.v1 import schema_pb2 as pb
from tidemark.v1 import schema_pb2_grpc

ENFORCEMENTS = {
    "warn": pb.ENFORCEMENT_WARN,
    "dead_letter": pb.ENFORCEMENT_DEAD_LETTER,
    "reject": pb.ENFORCEMENT_REJECT,
}
COMPATIBILITIES = {
    "none": pb.COMPATIBILITY_NONE,
    "backward": pb.COMPATIBILITY_BACKWARD,
    "forward": pb.COMPATIBILITY_FORWARD,
    "full": pb.COMPATIBILITY_FULL,
}
Document = str | Mapping[str, Any]


class Schemas(Scope):
    """Manages the schemas of the client's project; needs a key of role analyst or admin to change them. A schema is told by its id or
    its name, `projects/{project}/schemas/{schema}`.
    """

    _service = schema_pb2_grpc.SchemaServiceStub

    async def create(
        self,
        event_name: str,
        document: Document,
        *,
        enforcement: str = "warn",
        compatibility: str = "none",
        description: str = "",
        schema_id: str = "",
    ) -> pb.Schema:
        """Makes the schema of an event: `warn`, `dead_letter` or `reject` is what becomes of events that it does not allow."""
        schema = pb.Schema(
            event_name=event_name,
            document=_text(document),
            enforcement=chosen("enforcement", enforcement, ENFORCEMENTS),  # type: ignore[arg-type]
            compatibility=chosen("compatibility", compatibility, COMPATIBILITIES),  # type: ignore[arg-type]
            description=description,
        )
        request = pb.CreateSchemaRequest(
            parent=await self._parent(), schema_id=schema_id, schema=schema, request_id=str(uuid4())
        )
        return (await self._ask(self._stub.CreateSchema, request)).schema  # type: ignore[no-any-return]

    async def get(self, schema: str, *, version: int = 0) -> pb.Schema:
        """Reads a schema, or one of its versions."""
        request = pb.GetSchemaRequest(name=await self._name(schema), version=version)
        return (await self._ask(self._stub.GetSchema, request)).schema  # type: ignore[no-any-return]

    async def of(self, event_name: str) -> pb.Schema | None:
        """The schema of an event; None where it has none."""
        async for schema in self.all():
            if schema.event_name == event_name:
                return schema
        return None

    async def all(self) -> AsyncIterator[pb.Schema]:
        """The schemas of the project, by event."""
        request = pb.ListSchemasRequest(parent=await self._parent())
        async for page in self._pages(self._stub.ListSchemas, request):
            for schema in page.schemas:
                yield schema

    async def versions(self, schema: str) -> AsyncIterator[pb.Schema]:
        """The versions of a schema, newest first."""
        request = pb.ListSchemaVersionsRequest(name=await self._name(schema))
        async for page in self._pages(self._stub.ListSchemaVersions, request):
            for version in page.schemas:
                yield version

    async def update(
        self,
        schema: str,
        document: Document | None = None,
        *,
        enforcement: str | None = None,
        compatibility: str | None = None,
        description: str | None = None,
        etag: str = "",
    ) -> pb.Schema:
        """Makes the next version with what is given; with `etag`, only if nobody else did since."""
        given: dict[str, Any] = {
            "document": None if document is None else _text(document),
            "enforcement": None if enforcement is None else chosen("enforcement", enforcement, ENFORCEMENTS),
            "compatibility": (
                None if compatibility is None else chosen("compatibility", compatibility, COMPATIBILITIES)
            ),
            "description": description,
        }
        given = {name: value for name, value in given.items() if value is not None}
        request = pb.UpdateSchemaRequest(schema=pb.Schema(name=await self._name(schema), etag=etag, **given))
        request.update_mask.paths.extend(given)
        return (await self._ask(self._stub.UpdateSchema, request)).schema  # type: ignore[no-any-return]

    async def delete(self, schema: str, *, etag: str = "") -> None:
        """Deletes a schema with its versions; its events are no longer checked."""
        request = pb.DeleteSchemaRequest(name=await self._name(schema), etag=etag)
        await self._ask(self._stub.DeleteSchema, request)

    async def infer(
        self,
        event_name: str,
        *,
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        during: str | None = None,
        sample_size: int = 0,
    ) -> pb.InferSchemaResponse:
        """A schema that the newest stored events of a name fit, with what was seen; nothing is saved."""
        request = pb.InferSchemaRequest(
            parent=await self._parent(), event_name=event_name, sample_size=sample_size
        )
        if asked := any_range(last, start, end, during):
            request.time_range.CopyFrom(asked)
        return await self._ask(self._stub.InferSchema, request)  # type: ignore[no-any-return]

    async def _name(self, schema: str) -> str:
        return await self._named("schemas", schema)


def _text(document: Document) -> str:
    return document if isinstance(document, str) else orjson.dumps(document).decode()
