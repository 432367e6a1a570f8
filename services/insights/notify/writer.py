"""Sends what there is to tell: a channel and a `Message` come in, an `Outcome` goes out to `worker` or to whoever tests a channel."""

from datetime import UTC, datetime

from services.insights.notify import message as told
from services.insights.notify.message import Message
from services.insights.notify.record import ChannelRecord
from services.kit.sending import Outcome, Sender
from services.kit.settings import Settings
from tidemark.v1.alert_pb2 import Channel


class Writer:
    """Makes webhooks and mails of messages."""

    def __init__(self, sender: Sender, settings: Settings) -> None:
        self._sender, self._from = sender, settings.smtp_from

    def secret(self, channel: ChannelRecord) -> bytes:
        """What signs the webhooks of a channel."""
        return self._sender.secret(channel.seed)

    async def check(self, channel: Channel) -> str:
        """Why nothing could be sent to the channel's URL, empty where it could."""
        return await self._sender.refusal(channel.webhook.url) if channel.HasField("webhook") else ""

    async def send(self, channel: ChannelRecord, message: Message) -> Outcome:
        """Sends a message; whatever goes wrong is its outcome."""
        target = Channel.FromString(channel.definition)
        if target.HasField("webhook"):
            body = told.body(message)
            return await self._sender.webhook(target.webhook.url, channel.seed, message.message_id, body)
        return await self._sender.mail(
            told.mail(message, self._from, list(target.email.to), datetime.now(UTC))
        )
