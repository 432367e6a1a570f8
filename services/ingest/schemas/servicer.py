"""SchemaService: each method reads the request (`request.py`), asks the store, and builds the answer."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from services.ingest.schemas import request as read
from services.ingest.schemas.infer import propose, seen
from services.ingest.schemas.record import SchemaRecord
from services.ingest.schemas.store import Store
from services.kit import audit, page, resource
from services.kit.errors import Conflict, NotFound
from services.kit.identity import named, parent_of
from services.kit.profile import profiles
from tidemark.v1 import schema_pb2 as pb
from tidemark.v1 import schema_pb2_grpc

PAGE, LARGEST_PAGE = 50, 1000
MAX_BYTES = 3_000_000
"""Of a page: answers stay below the 4 MiB that gRPC clients take by default."""
ATTEMPTS = 5
"""How often an update without an etag is tried, when others change the schema meanwhile."""
NEWEST = 2**31 - 1


class Schemas(schema_pb2_grpc.SchemaServiceServicer):
    """The RPCs of SchemaService."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def CreateSchema(self, request: pb.CreateSchemaRequest, context: Any) -> pb.CreateSchemaResponse:
        """Makes a schema."""
        parent = await parent_of(request.parent)
        schema_id = resource.new_id(request.schema_id, "schema_id") if request.schema_id else ""
        if schema_id:
            audit.note(f"{parent.name}/schemas/{schema_id}")
        # A document of the largest size takes a tenth of a second to go through.
        fields = await asyncio.to_thread(read.new, request.schema)
        made = await self._store.create(parent, schema_id, fields, resource.request_id(request.request_id))
        audit.note(made.message().name)
        return pb.CreateSchemaResponse(schema=made.message())

    async def GetSchema(self, request: pb.GetSchemaRequest, context: Any) -> pb.GetSchemaResponse:
        """Reads a version of a schema."""
        parent, schema_id = await named(request.name, "schemas")
        found = await self._store.schema(parent, schema_id, read.version(request.version))
        return pb.GetSchemaResponse(schema=found.message())

    async def ListSchemas(self, request: pb.ListSchemasRequest, context: Any) -> pb.ListSchemasResponse:
        """Lists schemas by event."""
        parent = await parent_of(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (after,) = page.position(request, str) or ("",)
        shown, more = _fitting(await self._store.schemas(parent, after, limit + 1), limit)
        token = page.token(request, shown[-1].event_name) if more else ""
        return pb.ListSchemasResponse(schemas=shown, next_page_token=token)

    async def ListSchemaVersions(
        self, request: pb.ListSchemaVersionsRequest, context: Any
    ) -> pb.ListSchemaVersionsResponse:
        """Lists the versions of a schema, newest first."""
        parent, schema_id = await named(request.name, "schemas")
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (before,) = page.position(request, int) or (NEWEST,)
        found = await self._store.versions(parent, schema_id, max(0, min(before, NEWEST)), limit + 1)
        shown, more = _fitting(found, limit)
        token = page.token(request, shown[-1].version) if more else ""
        return pb.ListSchemaVersionsResponse(schemas=shown, next_page_token=token)

    async def UpdateSchema(self, request: pb.UpdateSchemaRequest, context: Any) -> pb.UpdateSchemaResponse:
        """Makes the next version of a schema."""
        parent, schema_id = await named(request.schema.name, "schemas", "schema.name")
        wanted = resource.revision(request.schema.etag, "schema.etag")
        for attempt in range(1, ATTEMPTS + 1):
            present = await self._store.schema(parent, schema_id)
            if wanted not in (None, present.version):
                break
            fields = await asyncio.to_thread(read.changed, request, present.message())
            try:
                made = await self._store.update(parent, schema_id, fields, present.version)
            except Conflict:
                if wanted is not None or attempt == ATTEMPTS:
                    raise
            else:
                return pb.UpdateSchemaResponse(schema=made.message())
        raise Conflict(f"{request.schema.name} was changed since it was read: read it again")

    async def DeleteSchema(self, request: pb.DeleteSchemaRequest, context: Any) -> pb.DeleteSchemaResponse:
        """Deletes a schema with its versions."""
        parent, schema_id = await named(request.name, "schemas")
        await self._store.delete(parent, schema_id, resource.revision(request.etag, "etag"))
        return pb.DeleteSchemaResponse()

    async def InferSchema(self, request: pb.InferSchemaRequest, context: Any) -> pb.InferSchemaResponse:
        """Proposes a schema that the newest stored events of a name fit."""
        parent = await parent_of(request.parent)
        audit.note(f"{parent.name} infer a schema of {request.event_name[:200]}")
        span, size = read.sample(request, parent.time_zone, datetime.now(UTC))
        objects = await self._store.newest(parent, request.event_name, span, size)
        if not objects:
            raise NotFound(
                f"no event {request.event_name!r} is stored in that time: give another time_range",
                reason="EVENT_NOT_FOUND",
            )
        document, found = await asyncio.to_thread(lambda: (propose(objects), profiles(objects)))
        response = pb.InferSchemaResponse(sample_count=len(objects))
        response.schema.event_name, response.schema.document = request.event_name, document
        response.schema.enforcement, response.schema.compatibility = (
            pb.ENFORCEMENT_WARN,
            pb.COMPATIBILITY_NONE,
        )
        frequent = sorted(found.values(), key=lambda each: (-each.present, each.path))
        response.properties.extend(seen(each, len(objects)) for each in frequent)
        return response


def _fitting(found: Sequence[SchemaRecord], limit: int) -> tuple[list[pb.Schema], bool]:
    """The messages that fit on a page of so many, and whether there are more."""
    messages = [each.message() for each in found]
    sizes = accumulate(each.ByteSize() for each in messages)
    count = max(1, min(limit, sum(size <= MAX_BYTES for size in sizes)))
    return messages[:count], len(messages) > count
