"""Brings what there is to its destination: an `Item` comes in, an `Outcome` goes out to `worker`, or to whoever tests a destination.

Whatever is brought may be brought again, and leaves the same: messages have the id of the delivery, files the place of the edition.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

from services.kit import seal
from services.kit.errors import Error
from services.kit.folder import Folder
from services.kit.outbound import Answer, Content, Forbidden, Outbound, Unreachable
from services.kit.sending import Outcome, Sender, outcome
from services.kit.settings import Settings
from services.reports.delivery import message, s3
from services.reports.delivery.record import DestinationRecord, Item, Parcel
from services.reports.delivery.source import Parcels
from services.reports.editions.link import LIFETIME
from tidemark.v1.delivery_pb2 import Destination

SECONDS = 600.0
"""How long a try may take as a whole."""
ATTACHED_BYTES = 10_000_000
"""Of the files of a mail together."""
TEST_FILE, MANIFEST = "tidemark-test.txt", "manifest.json"
_CODE = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")
_NO_ADDRESS = "there is no address that links could begin with; the operator gives one by TIDEMARK_EDGE_URL"
_NO_FOLDER = "there is no folder to bring files to; the operator names one by TIDEMARK_DELIVERY_FOLDER"
_OTHER_KEY = (
    "its secret cannot be read: TIDEMARK_WEBHOOK_KEY is another than when it was given; name the one before in TIDEMARK_WEBHOOK_KEY_BEFORE, "
    "or create the destination anew"
)

Place = tuple[str, str, int, str]
"""A file as a store takes it: its name, type, size and SHA-256."""


class Writer:
    """Webhooks, mails, messages of chats, files in folders and in stores."""

    def __init__(self, sender: Sender, outbound: Outbound, parcels: Parcels, settings: Settings) -> None:
        self._sender, self._outbound, self._parcels, self._settings = sender, outbound, parcels, settings

    def sealed(self, secret: str, seed: bytes) -> bytes | None:
        """A secret that others have given, as the database holds it."""
        return seal.closed(self._settings.webhook_key, secret, seed) if secret else None

    def secret(self, destination: DestinationRecord) -> bytes:
        """What signs the webhooks of a destination."""
        return self._sender.secret(destination.seed)

    async def refusal(self, target: Destination, secret: str) -> tuple[str, str]:
        """The field because of which nothing could be brought, and why; empty where it could."""
        match target.WhichOneof("target"):
            case "webhook":
                return "webhook.url", await self._sender.refusal(target.webhook.url)
            case "s3":
                return "s3.endpoint", await self._sender.refusal(target.s3.endpoint)
            case "chat":
                return "chat.url", _without(secret, await self._sender.refusal(secret))
            case "folder":
                return "folder.path", "" if self._settings.delivery_folder else _NO_FOLDER
            case _:
                return "", ""

    async def send(self, item: Item) -> Outcome:
        """Brings an edition; whatever goes wrong is its outcome."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._brought(item.destination, await self._parcels.parcel(item), item)
        except TimeoutError:
            return Outcome(False, f"it took longer than {SECONDS:g} s")
        except Error as error:
            return Outcome(False, str(error))

    async def test(self, destination: DestinationRecord, test: Parcel) -> Outcome:
        """Brings a small test."""
        return await self._brought(destination, test, None)

    async def _brought(self, destination: DestinationRecord, parcel: Parcel, item: Item | None) -> Outcome:
        target, secret = Destination.FromString(destination.definition), ""
        if destination.secret is not None:
            try:
                secret = seal.opened(self._settings.webhook_keys, destination.secret, destination.seed)
            except ValueError:
                return Outcome(False, _OTHER_KEY)
        match target.WhichOneof("target"):
            case "webhook":
                if item is not None:
                    parcel = await self._parcels.linked(item, parcel, item.link_lifetime or LIFETIME)
                body = message.envelope(parcel)
                return await self._sender.webhook(
                    target.webhook.url, destination.seed, parcel.delivery_id, body, message.CONTENT_TYPE
                )
            case "email":
                return await self._mailed(list(target.email.to), parcel, item)
            case "folder":
                return await self._filed(target, parcel, item)
            case "s3":
                return await self._stored(target, secret, parcel, item)
            case _:
                if item is not None and self._settings.edge_url:
                    parcel = await self._parcels.linked(item, parcel, item.link_lifetime or LIFETIME)
                found = await self._sender.post(
                    secret, message.chat(parcel), {"content-type": "application/json"}
                )
                return Outcome(found.delivered, _without(secret, found.text), found.wait, found.gone)

    async def _mailed(self, to: list[str], parcel: Parcel, item: Item | None) -> Outcome:
        attached = []
        if item is not None and (item.link_lifetime is not None or parcel.size > ATTACHED_BYTES):
            if not self._settings.edge_url:
                return Outcome(False, _NO_ADDRESS)
            parcel = await self._parcels.linked(item, parcel, item.link_lifetime or LIFETIME)
        elif item is not None:
            attached = [(each, await self._parcels.content(item, each)) for each in parcel.files]
        mail = message.mail(parcel, self._settings.smtp_from, to, datetime.now(UTC), attached)
        return await self._sender.mail(mail)

    async def _filed(self, target: Destination, parcel: Parcel, item: Item | None) -> Outcome:
        if not self._settings.delivery_folder:
            return Outcome(False, _NO_FOLDER)
        folder = Folder(self._settings.delivery_folder)
        inside = "/".join(part for part in (target.folder.path, parcel.folder) if part)
        count = 0
        try:
            async for (name, *_), content in self._files(parcel, item):
                pieces = content() if callable(content) else _piece(content)
                await folder.write(inside.split("/") if inside else [], name, pieces, parcel.delivery_id)
                count += 1
        except OSError as error:
            return Outcome(False, f"the folder takes nothing: {error.strerror or error}")
        return Outcome(True, f"{count} files written to {inside or 'the folder'}")

    async def _stored(self, target: Destination, secret: str, parcel: Parcel, item: Item | None) -> Outcome:
        inside, count = f"{parcel.folder}/" if parcel.folder else "", 0
        async for (name, content_type, size, sha256), content in self._files(parcel, item):
            key = inside + name
            headers = s3.headers(
                target.s3,
                secret,
                key,
                sha256=sha256,
                size=size,
                content_type=content_type,
                now=datetime.now(UTC),
            )
            try:
                answer = await self._outbound.put(s3.address(target.s3, key), content, headers, SECONDS)
            except Forbidden as error:
                return Outcome(False, f"the endpoint {error}")
            except Unreachable as error:
                return Outcome(False, str(error))
            found = outcome(answer)
            if not found.delivered:
                return Outcome(False, f"{name}: {found.text}{_code(answer)}", found.wait, found.gone)
            count += 1
        return Outcome(True, f"{count} objects put to {target.s3.bucket}/{target.s3.prefix}{inside}")

    async def _files(self, parcel: Parcel, item: Item | None) -> AsyncIterator[tuple[Place, Content]]:
        """The files of a parcel, and behind them its manifest: where that is, all is. Of a test, a line of text."""
        if item is None or parcel.edition is None:
            text = f"{message.subject(parcel)} of {parcel.project}.\n".encode()
            yield _whole(TEST_FILE, "text/plain", text)
            return
        for each in parcel.files:
            about = each.about
            place = (about.file_name, each.content_type, about.size_bytes, about.sha256)
            yield place, partial(self._parcels.pieces, item, each)
        yield _whole(MANIFEST, "application/json", message.manifest(parcel.edition))


def _whole(name: str, content_type: str, content: bytes) -> tuple[Place, bytes]:
    return (name, content_type, len(content), hashlib.sha256(content).hexdigest()), content


async def _piece(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _without(secret: str, text: str) -> str:
    """What is told of an address that is a secret: not the address."""
    return text.replace(secret[:100], "(its address)") if secret else text


def _code(answer: Answer) -> str:
    """What a store calls the reason, as in ` (NoSuchBucket)`."""
    found = _CODE.search(answer.body)
    return f" ({found[1].decode()})" if found else ""
