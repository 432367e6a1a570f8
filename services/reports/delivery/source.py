"""What is brought: an `Item` comes in, the edition with its files or links to them goes out to `writer` as a `Parcel`."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from services.reports.delivery.record import File, Item, Parcel
from services.reports.editions import link
from services.reports.editions.record import EditionRecord
from services.reports.editions.store import Store


class Parcels:
    """Editions on their way. `address` is the one at which people find the edge; empty where nobody has said it."""

    def __init__(self, editions: Store, address: str) -> None:
        self._editions, self._address = editions, address

    async def parcel(self, item: Item) -> Parcel:
        """What an item brings; raises `NotFound` where the edition is kept no more."""
        edition = await self._edition(item)
        told = edition.message()
        wanted = [each for each in told.manifest.files if not item.formats or each.format in item.formats]
        files = [
            File(each, (await self._editions.file(edition, each.format)).content_type) for each in wanted
        ]
        return Parcel(item.delivery_id, item.project, edition.created_at, told, files)

    async def linked(self, item: Item, parcel: Parcel, lifetime: timedelta) -> Parcel:
        """The same with a link to each file, which holds so long."""
        edition, files, ends = await self._edition(item), [], []
        for file in parcel.files:
            token = secrets.token_urlsafe(link.BYTES)
            ends.append(await self._editions.link(edition, file.about.format, link.stored(token), lifetime))
            files.append(replace(file, path=link.path(token), url=link.url(self._address, token)))
        return replace(parcel, files=files, links_expire_at=min(ends, default=None))

    async def pieces(self, item: Item, file: File) -> AsyncIterator[bytes]:
        """The content of a file."""
        found = await self._editions.file(await self._edition(item), file.about.format)
        async for piece in self._editions.pieces(found):
            yield piece

    async def content(self, item: Item, file: File) -> bytes:
        """The content of a small file, whole."""
        return b"".join([piece async for piece in self.pieces(item, file)])

    async def _edition(self, item: Item) -> EditionRecord:
        return (await self._editions.original(item.edition_number)).edition
