"""Tells the outside: a signed webhook or a mail comes in, an `Outcome` goes out to whoever keeps the outbox or tests a destination."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http import HTTPStatus

import aiosmtplib

from services.kit import signature
from services.kit.errors import BadSetting
from services.kit.outbound import Answer, Forbidden, Outbound, Unreachable, trust
from services.kit.retry import retry_after
from services.kit.settings import Settings

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


class Sender:
    """Webhooks by the one client of all services, mail by the operator's server."""

    def __init__(self, outbound: Outbound, settings: Settings) -> None:
        if settings.smtp_tls not in _TLS:
            raise BadSetting(f"TIDEMARK_SMTP_TLS is {settings.smtp_tls!r}; write starttls, tls or none")
        self._outbound, self._settings = outbound, settings
        self._trust = trust(settings.outbound_roots_file)
        self._trust.load_default_certs()

    def secret(self, seed: bytes) -> bytes:
        """What signs the webhooks of a receiver with this seed."""
        return signature.secret(self._settings.webhook_key, seed)

    async def refusal(self, url: str) -> str:
        """Why nothing could be sent to a URL, empty where it could."""
        try:
            await self._outbound.check(url)
        except Forbidden as error:
            return str(error)
        return ""

    async def webhook(
        self, url: str, seed: bytes, message_id: str, body: bytes, content_type: str = "application/json"
    ) -> Outcome:
        """Posts a message by Standard Webhooks; its id is the same in every try."""
        seconds = int(datetime.now(UTC).timestamp())
        secrets = [signature.secret(key, seed) for key in self._settings.webhook_keys]
        headers = signature.headers(secrets, message_id, seconds, body)
        return await self.post(url, body, headers | {"content-type": content_type})

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Posts to a URL; whatever goes wrong is the outcome."""
        try:
            return outcome(await self._outbound.post(url, body, headers))
        except Forbidden as error:
            return Outcome(False, f"the URL {error}")
        except Unreachable as error:
            return Outcome(False, str(error))

    async def mail(self, message: EmailMessage) -> Outcome:
        """Hands a mail to the operator's server; who has taken it for some of the receivers has taken it."""
        settings = self._settings
        if not settings.smtp_host:
            return Outcome(False, "there is no mail server; the operator names one by TIDEMARK_SMTP_HOST")
        try:
            refused, text = await aiosmtplib.send(
                message,
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_user or None,
                password=settings.smtp_password or None,
                use_tls=settings.smtp_tls == "tls",
                start_tls=settings.smtp_tls == "starttls",
                tls_context=self._trust,
                timeout=SMTP_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as error:
            return Outcome(
                False, f"{settings.smtp_host}: {' '.join(str(error).split())[:300] or type(error).__name__}"
            )
        # Those who were taken must not be told again because of the others.
        but = f", but not for {', '.join(refused)}" if refused else ""
        return Outcome(True, f"taken: {' '.join(text.split())[:200]}{but}")


def outcome(answer: Answer) -> Outcome:
    """What an answer by HTTP means for a delivery."""
    text = f"{answer.status} {_phrase(answer.status)}".strip()
    if 300 <= answer.status < 400:
        text += "; redirects are not followed, write the address that it leads to"
    return Outcome(
        200 <= answer.status < 300,
        text,
        retry_after(answer.headers, datetime.now(UTC)),
        answer.status == HTTPStatus.GONE,
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
