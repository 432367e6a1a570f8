"""Channels and notifications of AlertService; `services/insights/alerts/servicer.py` adds rules and incidents to them."""

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from services.insights.notify import channel as read
from services.insights.notify.message import Message
from services.insights.notify.store import Store
from services.insights.notify.writer import Writer
from services.kit import audit, page, resource, signature
from services.kit.errors import Invalid
from services.kit.identity import named, parent_of
from services.kit.instant import us_of
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import alert_pb2_grpc

PAGE, LARGEST_PAGE = 50, 1000


class Notify(alert_pb2_grpc.AlertServiceServicer):
    """The RPCs about whom to tell."""

    def __init__(self, channels: Store, writer: Writer) -> None:
        self._channels, self._writer = channels, writer

    async def CreateChannel(self, request: pb.CreateChannelRequest, context: Any) -> pb.CreateChannelResponse:
        """Makes a channel, and tells its secret."""
        parent = await parent_of(request.parent)
        channel_id = resource.new_id(request.channel_id, "channel_id") if request.channel_id else ""
        if channel_id:
            audit.note(f"{parent.name}/channels/{channel_id}")
        channel = read.read(request.channel)
        if why := await self._writer.check(channel):
            raise Invalid("channel.webhook.url", why)
        seed = secrets.token_bytes(signature.SEED_BYTES)
        made = await self._channels.create(parent, channel_id, channel, seed)
        audit.note(made.name)
        secret = signature.shown(self._writer.secret(made)) if channel.HasField("webhook") else ""
        return pb.CreateChannelResponse(channel=made.message(), secret=secret)

    async def ListChannels(self, request: pb.ListChannelsRequest, context: Any) -> pb.ListChannelsResponse:
        """Lists channels by id."""
        found = await self._channels.channels(await parent_of(request.parent))
        return pb.ListChannelsResponse(channels=[each.message() for each in found])

    async def DeleteChannel(self, request: pb.DeleteChannelRequest, context: Any) -> pb.DeleteChannelResponse:
        """Deletes a channel."""
        parent, channel_id = await named(request.name, "channels")
        await self._channels.delete(parent, channel_id)
        return pb.DeleteChannelResponse()

    async def TestChannel(self, request: pb.TestChannelRequest, context: Any) -> pb.TestChannelResponse:
        """Sends a test by a channel; one that arrives lets the channel be used again."""
        parent, channel_id = await named(request.name, "channels")
        channel = await self._channels.channel(parent, channel_id)
        message = Message(f"n{uuid.uuid4().hex}", "channel.test", parent.name, datetime.now(UTC))
        outcome = await self._writer.send(channel, message)
        if outcome.delivered and channel.fault:
            await self._channels.use_again(channel.channel_number)
        return pb.TestChannelResponse(delivered=outcome.delivered, outcome=outcome.text)

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, context: Any
    ) -> pb.ListNotificationsResponse:
        """Lists notifications, newest first."""
        parent = await parent_of(request.parent)
        incident_id = ""
        if request.incident:
            owner, incident_id = resource.parted(request.incident, "incidents", "incident")
            if owner != parent.name:
                raise Invalid("incident", f"is {request.incident[:100]!r}, not of {parent.name}")
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        after = page.newest(request)
        rows = await self._channels.notifications(parent, incident_id, after, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return pb.ListNotificationsResponse(
            notifications=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, us_of(last.created_at), last.notification_id) if last else "",
        )
