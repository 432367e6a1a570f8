"""Sends what there is to tell: a channel and a `Message` come in, an `Outcome` goes out to `worker` or to whoever tests a channel."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import aiosmtplib

from services.insights.notify import message as told
from services.insights.notify import signature
from services.insights.notify.message import Message
from services.insights.notify.record import ChannelRecord
from services.insights.notify.retry import retry_after
from services.kit.errors import BadSetting
from services.kit.outbound import Forbidden, Outbound, Unreachable
from services.kit.settings import Settings
from tidemark.v1.alert_pb2 import Channel

SMTP_SECONDS = 20.0
_TLS = {"starttls", "tls", "none"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try."""

    delivered: bool
    text: str
    """What the receiver said, or why it could not be reached."""
    wait: timedelta | None = None
    """How long the receiver wants to be left alone."""
    gone: bool = False
    """Whether it says that it is there no more."""


class Writer:
    """Webhooks by the one client of all services, mail by the operator's server."""

    def __init__(self, outbound: Outbound, settings: Settings) -> None:
        if settings.smtp_tls not in _TLS:
            raise BadSetting(f"TIDEMARK_SMTP_TLS is {settings.smtp_tls!r}; write starttls, tls or none")
        self._outbound, self._settings = outbound, settings

    def secret(self, channel: ChannelRecord) -> bytes:
        """What signs the webhooks of a channel."""
        return signature.secret(self._settings.webhook_key, channel.seed)

    async def check(self, channel: Channel) -> str:
        """Why nothing could be sent to the channel's URL, empty where it could."""
        try:
            if channel.HasField("webhook"):
                await self._outbound.check(channel.webhook.url)
        except Forbidden as error:
            return str(error)
        return ""

    async def send(self, channel: ChannelRecord, message: Message) -> Outcome:
        """Sends a message; whatever goes wrong is its outcome."""
        target = Channel.FromString(channel.definition)
        if target.HasField("webhook"):
            return await self._webhook(target.webhook.url, self.secret(channel), message)
        return await self._mail(list(target.email.to), message)

    async def _webhook(self, url: str, secret: bytes, message: Message) -> Outcome:
        body, now = told.body(message), datetime.now(UTC)
        headers = signature.headers(secret, message.message_id, int(now.timestamp()), body)
        try:
            answer = await self._outbound.post(url, body, headers)
        except Forbidden as error:
            return Outcome(False, f"the URL {error}")
        except Unreachable as error:
            return Outcome(False, str(error))
        text = f"{answer.status} {_phrase(answer.status)}".strip()
        if 300 <= answer.status < 400:
            text += "; redirects are not followed, write the address that it leads to"
        return Outcome(
            200 <= answer.status < 300,
            text,
            retry_after(answer.headers, now),
            answer.status == HTTPStatus.GONE,
        )

    async def _mail(self, to: list[str], message: Message) -> Outcome:
        settings = self._settings
        if not settings.smtp_host:
            return Outcome(False, "there is no mail server; the operator names one by TIDEMARK_SMTP_HOST")
        try:
            refused, text = await aiosmtplib.send(
                told.mail(message, settings.smtp_from, to, datetime.now(UTC)),
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_user or None,
                password=settings.smtp_password or None,
                use_tls=settings.smtp_tls == "tls",
                start_tls=settings.smtp_tls == "starttls",
                timeout=SMTP_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as error:
            return Outcome(
                False, f"{settings.smtp_host}: {' '.join(str(error).split())[:300] or type(error).__name__}"
            )
        # Those who were taken must not be told again because of the others.
        but = f", but not for {', '.join(refused)}" if refused else ""
        return Outcome(True, f"taken: {' '.join(text.split())[:200]}{but}")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
