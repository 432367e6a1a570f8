"""What tests of deliveries stand on: the target reports, editions made of given files, and the outbox at work for a while."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc.aio

from services.kit import operation
from services.kit.call import Project
from services.kit.outbound import Outbound
from services.kit.sending import Sender
from services.kit.server import listening, opened
from services.kit.service import Resources
from services.reports.delivery.source import Parcels
from services.reports.delivery.store import Store
from services.reports.delivery.worker import Outbox
from services.reports.delivery.writer import Writer
from services.reports.editions.store import Filed, Made
from services.reports.editions.store import Store as Editions
from services.reports.runs.store import REPORT, begin
from services.reports.runs.store import Store as Runs
from services.reports.service import reports
from tests.conftest import Served
from tests.polling import until
from tidemark.v1 import delivery_pb2 as pb
from tidemark.v1 import edition_pb2, report_pb2
from tidemark.v1.delivery_pb2_grpc import DeliveryServiceStub
from tidemark.v1.schedule_pb2 import Recipient

DEMO = "projects/demo"
REPORT_NAME = f"{DEMO}/reports/weekly"
PDF, CSV = report_pb2.REPORT_FORMAT_PDF, report_pb2.REPORT_FORMAT_CSV
TYPES = {PDF: ("weekly.pdf", "application/pdf"), CSV: ("weekly.zip", "application/zip")}


@dataclass(frozen=True)
class Delivering:
    """DeliveryService with a key, and what its loop is made of."""

    resources: Resources
    address: str
    stub: DeliveryServiceStub
    metadata: Any
    store: Store
    writer: Writer
    outbox: Outbox

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        request = getattr(pb, f"{name}Request")
        return lambda **fields: getattr(self.stub, name)(request(**fields), metadata=self.metadata)

    async def destination(self, destination_id: str, **target: Any) -> pb.CreateDestinationResponse:
        """A destination made."""
        return await self.CreateDestination(
            parent=DEMO, destination_id=destination_id, destination=pb.Destination(**target)
        )

    async def edition(self, *recipients: Recipient | str, **contents: bytes) -> edition_pb2.Edition:
        """An edition made of a PDF and, where it is given, an archive of CSV, for these recipients."""
        editions, files = Editions(self.resources.pool, timedelta(days=400)), {PDF: b"%PDF-1.4 a page"}
        files |= {{"pdf": PDF, "csv": CSV}[name]: content for name, content in contents.items()}
        to = [
            Recipient(destination=f"{DEMO}/destinations/{each}") if isinstance(each, str) else each
            for each in recipients
        ]
        with tempfile.TemporaryDirectory() as folder:
            filed = []
            for form, content in files.items():
                name, content_type = TYPES[form]
                path = Path(folder) / name
                path.write_bytes(content)
                about = edition_pb2.EditionFile(
                    format=form,
                    file_name=name,
                    size_bytes=len(content),
                    sha256=hashlib.sha256(content).hexdigest(),
                )
                filed.append(Filed(path, content_type, about))
            manifest = edition_pb2.Manifest(
                report_version=1, time_zone="Europe/Berlin", locale="de", data_version="v1",
                files=[each.about for each in filed],
                figures=[edition_pb2.EditionFigure(id="signups", title="Sign-ups <b>", value="1.234", change="+12 %")],
            )  # fmt: skip
            manifest.time_range.start.FromDatetime(datetime(2026, 3, 1, 23, tzinfo=UTC))
            manifest.time_range.end.FromDatetime(datetime(2026, 3, 8, 23, tzinfo=UTC))
            manifest.watermark.FromDatetime(datetime(2026, 3, 9, 5, tzinfo=UTC))
            async with self.resources.pool.connection() as connection:
                run, _ = await begin(
                    connection, 1, report_pb2.Report(name=REPORT_NAME, version=1), formats=list(files)
                )
            job = await operation.claim(self.resources.pool, REPORT, "test")
            assert job is not None
            await Runs(self.resources.pool, editions).keep(
                job, run, [Made(manifest, "Weekly", None, datetime.now(UTC), filed, to)]
            )
        [made] = await editions.editions(Project(1, "demo", "UTC"), "weekly", None, 1)
        return made.message()

    async def deliveries(self, **fields: Any) -> list[pb.Delivery]:
        """Deliveries, newest first."""
        return list((await self.ListDeliveries(parent=DEMO, **fields)).deliveries)

    async def due_now(self) -> None:
        """Lets what waits be tried."""
        async with self.resources.pool.connection() as connection:
            await connection.execute("UPDATE deliveries SET next_at = now() WHERE state = 1")

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """The outbox of one replica at work."""
        task = asyncio.create_task(self.outbox.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def settled(self, *states: int) -> list[pb.Delivery]:
        """The deliveries once they stand like this, newest first."""

        async def found() -> list[pb.Delivery] | None:
            seen = await self.deliveries()
            return seen if [each.state for each in seen] == list(states) else None

        return await until(found)

    async def tried(self) -> pb.Delivery:
        """The only delivery, once its first try has ended."""

        async def found() -> pb.Delivery | None:
            [seen] = await self.deliveries()
            return seen if seen.outcome else None

        return await until(found)


@asynccontextmanager
async def delivering(
    served: Served, key: str = "admin", *, patience: float = 10.0, **changes: Any
) -> AsyncIterator[Delivering]:
    """The servicers of the target reports; its loops run only when a test lets them. Receivers have `patience` seconds."""
    settings = replace(
        served.resources.settings,
        **{"query_address": f"127.0.0.1:{served.port}", "outbound_private": True, "outbound_http": True}
        | changes,
    )
    async with opened(settings) as resources:
        service = await reports(resources)
        async with (
            listening([service], resources, 0) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            store = Store(resources.pool)
            outbound = Outbound(
                private=settings.outbound_private,
                http=settings.outbound_http,
                seconds=patience,
                roots_file=settings.outbound_roots_file,
            )
            parcels = Parcels(Editions(resources.pool, timedelta(days=400)), settings.edge_url)
            writer = Writer(Sender(outbound, settings), outbound, parcels, settings)
            yield Delivering(
                resources,
                f"127.0.0.1:{port}",
                DeliveryServiceStub(channel),
                served.key(key),
                store,
                writer,
                Outbox(store, writer, resources.draining, lambda: 0.0),
            )
            await outbound.close()
