"""Wiring of the target `insights`."""

from datetime import timedelta

from services.insights.alerts.servicer import Alerts
from services.insights.alerts.store import Store as AlertStore
from services.insights.alerts.worker import Watch as AlertWatch
from services.insights.findings.servicer import Insights
from services.insights.findings.store import Store as FindingStore
from services.insights.findings.stream import Changes
from services.insights.forecast.servicer import Forecast
from services.insights.models.servicer import Models
from services.insights.models.source import Source as ModelSource
from services.insights.models.store import Store as ModelStore
from services.insights.models.worker import Trainer, Watcher
from services.insights.notify.store import Store as NotifyStore
from services.insights.notify.worker import Outbox
from services.insights.notify.writer import Writer
from services.insights.scaler.keda.externalscaler_pb2_grpc import add_ExternalScalerServicer_to_server
from services.insights.scaler.servicer import Scaler
from services.insights.scaler.worker import Watch
from services.insights.source import Query
from services.insights.watch.store import Store as WatchStore
from services.insights.watch.stream import Followers
from services.insights.watch.worker import Watcher as SeriesWatcher
from services.insights.worker import Keeper
from services.kit import memory, postgres, signature
from services.kit.outbound import Outbound
from services.kit.sending import Sender
from services.kit.service import Keyless, Resources, Service, Servicer
from services.kit.settings import Settings
from tidemark.v1.alert_pb2_grpc import add_AlertServiceServicer_to_server
from tidemark.v1.forecast_pb2_grpc import add_ForecastServiceServicer_to_server
from tidemark.v1.insight_pb2_grpc import add_InsightServiceServicer_to_server
from tidemark.v1.model_pb2_grpc import add_ModelServiceServicer_to_server


async def webhooks(settings: Settings) -> dict[str, bytes]:
    """By the name of each channel that takes webhooks, what signs them."""
    async with postgres.pool(settings.database_url, 1) as pool:
        taking = [each for each in await NotifyStore(pool).every() if each.message().HasField("webhook")]
    return {each.name: signature.secret(settings.webhook_key, each.seed) for each in taking}


async def insights(resources: Resources) -> Service:
    """The servicers of InsightService, AlertService, ForecastService and ModelService, the loops that look by themselves, and KEDA's scaler."""
    memory.give_back()
    settings, pool, draining = resources.settings, resources.pool, resources.draining
    query = Query(settings, pool)
    rules, channels = AlertStore(pool), NotifyStore(pool)
    models, features = ModelStore(pool), ModelSource(query)
    findings, work = FindingStore(pool), WatchStore(pool, timedelta(seconds=3 * settings.lease_seconds))
    changes = Changes(findings, settings, draining)
    watch = Watch(query, settings.scaler_forecast_seconds, draining)
    writer = Writer(Sender(Outbound.of(settings), settings), settings)
    scaled = (watch.run, watch.forecast) if settings.scaler_port else ()
    return Service(
        keyless=Keyless(
            settings.scaler_port, (Servicer(add_ExternalScalerServicer_to_server, Scaler(watch, draining)),)
        )
        if settings.scaler_port
        else None,
        servicers=(
            Servicer(
                add_InsightServiceServicer_to_server, Insights(findings, work, changes, query, settings)
            ),
            Servicer(add_AlertServiceServicer_to_server, Alerts(rules, channels, writer, query)),
            Servicer(add_ForecastServiceServicer_to_server, Forecast(query)),
            Servicer(add_ModelServiceServicer_to_server, Models(models, features)),
        ),
        workers=(
            changes.listen,
            SeriesWatcher(work, findings, query, settings, draining).run,
            Followers(work, findings, query, settings, draining).run,
            AlertWatch(rules, query, draining).run,
            Outbox(channels, writer, draining).run,
            Keeper(pool, timedelta(days=settings.insights_kept_days), draining).run,
            Trainer(pool, models, features, draining).run,
            Watcher(models, features, draining, settings.model_seconds).run,
            *scaled,
        ),
    )
