"""DeliveryService: each method reads the request, asks the store, and builds the answer; tests are brought by `writer`."""

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from services.kit import audit, page, resource, signature
from services.kit.errors import Invalid
from services.kit.identity import named, parent_of
from services.kit.instant import us_of
from services.reports.delivery import request as read
from services.reports.delivery.record import Parcel
from services.reports.delivery.store import Store
from services.reports.delivery.writer import Writer
from tidemark.v1 import delivery_pb2 as pb
from tidemark.v1 import delivery_pb2_grpc

PAGE, LARGEST_PAGE = 50, 1000


class Deliveries(delivery_pb2_grpc.DeliveryServiceServicer):
    """The RPCs of DeliveryService."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store, self._writer = store, writer

    async def CreateDestination(
        self, request: pb.CreateDestinationRequest, context: Any
    ) -> pb.CreateDestinationResponse:
        """Makes a destination, and tells the secret that signs its webhooks."""
        parent = await parent_of(request.parent)
        destination_id = (
            resource.new_id(request.destination_id, "destination_id") if request.destination_id else ""
        )
        if destination_id:
            audit.note(f"{parent.name}/destinations/{destination_id}")
        destination, secret = read.destination(request.destination)
        field, why = await self._writer.refusal(destination, secret)
        if why:
            raise Invalid(f"destination.{field}", why)
        seed = secrets.token_bytes(signature.SEED_BYTES)
        sealed = self._writer.sealed(secret, seed)
        made = await self._store.create(parent, destination_id, destination, sealed, seed)
        audit.note(made.name)
        signs = signature.shown(self._writer.secret(made)) if destination.HasField("webhook") else ""
        return pb.CreateDestinationResponse(destination=made.message(), secret=signs)

    async def ListDestinations(
        self, request: pb.ListDestinationsRequest, context: Any
    ) -> pb.ListDestinationsResponse:
        """Lists destinations by id."""
        found = await self._store.destinations(await parent_of(request.parent))
        return pb.ListDestinationsResponse(destinations=[each.message() for each in found])

    async def DeleteDestination(
        self, request: pb.DeleteDestinationRequest, context: Any
    ) -> pb.DeleteDestinationResponse:
        """Deletes a destination."""
        parent, destination_id = await named(request.name, "destinations")
        await self._store.delete(parent, destination_id)
        return pb.DeleteDestinationResponse()

    async def TestDestination(
        self, request: pb.TestDestinationRequest, context: Any
    ) -> pb.TestDestinationResponse:
        """Brings a test; one that arrives lets the destination be used again."""
        parent, destination_id = await named(request.name, "destinations")
        destination = await self._store.destination(parent, destination_id)
        test = Parcel(f"d{uuid.uuid4().hex}", parent.name, datetime.now(UTC))
        outcome = await self._writer.test(destination, test)
        if outcome.delivered and destination.fault:
            await self._store.use_again(destination.destination_number)
        return pb.TestDestinationResponse(delivered=outcome.delivered, outcome=outcome.text)

    async def ListDeliveries(
        self, request: pb.ListDeliveriesRequest, context: Any
    ) -> pb.ListDeliveriesResponse:
        """Lists deliveries, newest first."""
        parent = await parent_of(request.parent)
        of, states = read.of(request.of, parent.name), read.states(list(request.states))
        destination_id = ""
        if request.destination:
            owner, destination_id = resource.parted(request.destination, "destinations", "destination")
            if owner != parent.name:
                raise Invalid("destination", f"is {request.destination[:100]!r}, not of {parent.name}")
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        rows = await self._store.deliveries(
            parent, of, destination_id, states, page.newest(request), limit + 1
        )
        last = rows[limit - 1] if len(rows) > limit else None
        return pb.ListDeliveriesResponse(
            deliveries=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, us_of(last.created_at), last.delivery_id) if last else "",
        )

    async def ReplayDelivery(
        self, request: pb.ReplayDeliveryRequest, context: Any
    ) -> pb.ReplayDeliveryResponse:
        """Brings an edition again, with the same id."""
        parent, delivery_id = await named(request.name, "deliveries")
        found = await self._store.replay(parent, delivery_id)
        return pb.ReplayDeliveryResponse(delivery=found.message())
