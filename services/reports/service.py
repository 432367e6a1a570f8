"""Wiring of the target `reports`."""

from datetime import timedelta

from services.kit import memory, postgres, signature
from services.kit.errors import BadSetting
from services.kit.outbound import Outbound
from services.kit.sending import Sender
from services.kit.service import Resources, Service, Servicer
from services.kit.settings import Settings
from services.reports.definitions.servicer import Reports
from services.reports.definitions.store import Store as DefinitionStore
from services.reports.delivery.servicer import Deliveries
from services.reports.delivery.source import Parcels
from services.reports.delivery.store import Store as DeliveryStore
from services.reports.delivery.worker import Outbox
from services.reports.delivery.writer import Writer
from services.reports.editions.servicer import Editions
from services.reports.editions.store import Store as EditionStore
from services.reports.formats.typeset import source as fonts
from services.reports.runs.store import Store as RunStore
from services.reports.runs.worker import Press
from services.reports.schedules.servicer import Schedules
from services.reports.schedules.store import Store as ScheduleStore
from services.reports.schedules.worker import Clock
from services.reports.source import Sources
from tidemark.v1.delivery_pb2_grpc import add_DeliveryServiceServicer_to_server
from tidemark.v1.edition_pb2_grpc import add_EditionServiceServicer_to_server
from tidemark.v1.report_pb2_grpc import add_ReportServiceServicer_to_server
from tidemark.v1.schedule_pb2_grpc import add_ScheduleServiceServicer_to_server


async def webhooks(settings: Settings) -> dict[str, bytes]:
    """By the name of each destination that takes webhooks, what signs them. What `webhook_key_before` has sealed is sealed by the key of
    today; raises `BadSetting` where neither opens it."""
    async with postgres.pool(settings.database_url, 1) as pool:
        found, closed = await DeliveryStore(pool).seal_anew(settings.webhook_keys)
    if closed:
        raise BadSetting(
            f"no key opens the secrets of {', '.join(each.name for each in closed)}: set TIDEMARK_WEBHOOK_KEY_BEFORE to the one "
            "that they were given under, or create them anew"
        )
    taking = [each for each in found if each.message().HasField("webhook")]
    return {each.name: signature.secret(settings.webhook_key, each.seed) for each in taking}


async def reports(resources: Resources) -> Service:
    """The servicers of ReportService, EditionService, ScheduleService and DeliveryService, and the loops behind them."""
    memory.give_back()
    fonts.install(resources.settings.report_fonts_folder)
    settings, pool, draining = resources.settings, resources.pool, resources.draining
    sources, definitions = Sources(settings, pool), DefinitionStore(pool)
    editions = EditionStore(pool, timedelta(days=settings.reports_kept_days))
    schedules, deliveries = ScheduleStore(pool), DeliveryStore(pool)
    outbound = Outbound.of(settings)
    writer = Writer(Sender(outbound, settings), outbound, Parcels(editions, settings.edge_url), settings)
    runs = RunStore(pool, editions)
    press = Press(pool, runs, editions, definitions, sources, settings, draining)
    clock = Clock(pool, schedules, sources, draining)
    return Service(
        servicers=(
            Servicer(add_ReportServiceServicer_to_server, Reports(definitions, sources)),
            Servicer(
                add_EditionServiceServicer_to_server,
                Editions(editions, runs, definitions, deliveries, sources, settings.edge_url),
            ),
            Servicer(add_ScheduleServiceServicer_to_server, Schedules(schedules, definitions, sources)),
            Servicer(add_DeliveryServiceServicer_to_server, Deliveries(deliveries, writer)),
        ),
        workers=(
            press.run,
            press.forget,
            clock.run,
            clock.wait,
            Outbox(deliveries, writer, draining).run,
        ),
    )
