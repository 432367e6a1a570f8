"""Deliveries: where editions are brought, and what came of it; reached as `client.deliveries`, answered by `DeliveryService`.

    made = await client.deliveries.create("Data team", url="https://hooks.example.com/tidemark")  # made.secret signs; it is told only here
    await client.deliveries.create("Ann", email=["ann@example.com"])
    print((await client.deliveries.test("ann")).outcome)
    async for delivery in client.deliveries.all(states=["failed"]):
        await client.deliveries.replay(delivery.name)

What has a name is told by its id or its name. Destinations and deliveries are the contract's own messages.
"""

from collections.abc import AsyncIterator, Iterable

from tidemark.scope import Scope
from tidemark.spelling import chosen
from tidemark.v1 import alert_pb2, delivery_pb2_grpc
from tidemark.v1 import delivery_pb2 as pb

STATES = {
    "pending": alert_pb2.Notification.STATE_PENDING,
    "delivered": alert_pb2.Notification.STATE_DELIVERED,
    "failed": alert_pb2.Notification.STATE_FAILED,
}


class Deliveries(Scope):
    """The destinations and deliveries of the client's project; needs a key of role admin to change destinations, of role analyst or admin
    to deliver again.
    """

    _service = delivery_pb2_grpc.DeliveryServiceStub

    async def create(
        self,
        title: str,
        *,
        url: str = "",
        email: Iterable[str] = (),
        folder: str | None = None,
        s3: pb.S3Target | None = None,
        chat: str = "",
        destination_id: str = "",
    ) -> pb.CreateDestinationResponse:
        """Makes a destination: a web server, mail boxes, a folder of the server, a store like S3, or a chat by the address of its webhook.

        The answer holds the secret that signs what a web server gets, told only here.
        """
        addresses = [email] if isinstance(email, str) else list(email)
        given = [bool(url), bool(addresses), folder is not None, s3 is not None, bool(chat)]
        if sum(given) != 1:
            raise ValueError("url: give it, or email, folder, s3 or chat, and one of them alone")
        destination = pb.Destination(
            display_name=title,
            webhook=alert_pb2.WebhookTarget(url=url) if url else None,
            email=alert_pb2.EmailTarget(to=addresses) if addresses else None,
            folder=None if folder is None else pb.FolderTarget(path=folder),
            s3=s3,
            chat=pb.ChatTarget(url=chat) if chat else None,
        )
        request = pb.CreateDestinationRequest(
            parent=await self._parent(), destination_id=destination_id, destination=destination
        )
        return await self._ask(self._stub.CreateDestination, request)  # type: ignore[no-any-return]

    async def destinations(self) -> list[pb.Destination]:
        """The destinations of the project, by name."""
        request = pb.ListDestinationsRequest(parent=await self._parent())
        return list((await self._ask(self._stub.ListDestinations, request)).destinations)

    async def test(self, destination: str) -> pb.TestDestinationResponse:
        """Brings a small test to a destination, and tells what came of it."""
        request = pb.TestDestinationRequest(name=await self._named("destinations", destination))
        return await self._ask(self._stub.TestDestination, request)  # type: ignore[no-any-return]

    async def delete(self, destination: str) -> None:
        """Deletes a destination; what it has not delivered is given up."""
        request = pb.DeleteDestinationRequest(name=await self._named("destinations", destination))
        await self._ask(self._stub.DeleteDestination, request)

    async def all(
        self, *, of: str = "", destination: str = "", states: Iterable[str] = ()
    ) -> AsyncIterator[pb.Delivery]:
        """Deliveries, newest first, with every try: `of` a report by its id, or of a report, edition or run by its name."""
        request = pb.ListDeliveriesRequest(
            parent=await self._parent(),
            of=await self._named("reports", of) if of else "",
            destination=await self._named("destinations", destination) if destination else "",
            states=[chosen("states", each, STATES) for each in states],  # type: ignore[misc]
        )
        async for page in self._pages(self._stub.ListDeliveries, request):
            for delivery in page.deliveries:
                yield delivery

    async def replay(self, delivery: str) -> pb.Delivery:
        """Delivers again, with the same id."""
        request = pb.ReplayDeliveryRequest(name=await self._named("deliveries", delivery))
        return (await self._ask(self._stub.ReplayDelivery, request)).delivery  # type: ignore[no-any-return]
