"""Wiring of the target `insights`."""

from services.insights.alerts.servicer import Alerts
from services.insights.alerts.store import Store as AlertStore
from services.insights.alerts.worker import Watch as AlertWatch
from services.insights.notify.store import Store as NotifyStore
from services.insights.notify.worker import Outbox
from services.insights.notify.writer import Writer
from services.insights.source import Query
from services.kit.outbound import Outbound
from services.kit.service import Resources, Service, Servicer
from tidemark.v1.alert_pb2_grpc import add_AlertServiceServicer_to_server


async def insights(resources: Resources) -> Service:
    """The servicers of InsightService, AlertService, ForecastService and ModelService, and the loops that look by themselves."""
    settings, pool, draining = resources.settings, resources.pool, resources.draining
    query = Query(settings, pool)
    rules, channels = AlertStore(pool), NotifyStore(pool)
    outbound = Outbound.of(settings)
    writer = Writer(outbound, settings)
    return Service(
        servicers=(Servicer(add_AlertServiceServicer_to_server, Alerts(rules, channels, writer, query)),),
        workers=(
            AlertWatch(rules, query, draining).run,
            Outbox(channels, writer, draining).run,
        ),
    )
