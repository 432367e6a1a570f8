"""Wiring of the targets `query` and `mirror`."""

from functools import partial

from services.kit import memory, postgres
from services.kit.service import Resources, Service, Servicer
from services.kit.turns import Turns
from services.query.cache import Cache
from services.query.catalogue.servicer import Pipeline
from services.query.cohorts.servicer import Cohort
from services.query.cohorts.source import Cohorts
from services.query.cohorts.store import Store as CohortStore
from services.query.columnar.source import Bulk
from services.query.columnar.worker import Mirror, idle
from services.query.critical.stream import Critical
from services.query.dashboards.servicer import Dashboards
from services.query.dashboards.store import Store as DashboardStore
from services.query.export.source import Exports
from services.query.features.servicer import Feature
from services.query.features.source import Features
from services.query.live.stream import Boards
from services.query.live.worker import Feeds
from services.query.replica.source import Replica
from services.query.servicer import Query
from services.query.source import Source
from services.query.store import Store
from services.query.stream import Commits, Log
from tidemark.v1.cohort_pb2_grpc import add_CohortServiceServicer_to_server
from tidemark.v1.dashboard_pb2_grpc import add_DashboardServiceServicer_to_server
from tidemark.v1.feature_pb2_grpc import add_FeatureServiceServicer_to_server
from tidemark.v1.pipeline_pb2_grpc import add_PipelineServiceServicer_to_server
from tidemark.v1.query_pb2_grpc import add_QueryServiceServicer_to_server


async def query(resources: Resources) -> Service:
    """QueryService with what it asks about and saves, and the two loops behind its watches."""
    memory.give_back()
    settings, draining = resources.settings, resources.draining
    bulk = Bulk(
        postgres.conninfo(settings.database_url),
        settings.query_scans,
        settings.segments_folder,
        settings.query_scan_bytes,
        settings.query_spine_bytes,
    )
    log, commits = Log(resources.redis), Commits(resources.redis)
    replica = Replica(settings, commits, bulk) if settings.replica_url else None
    store = Store(resources.pool, Turns(settings.query_concurrency, settings.query_queue), bulk, replica)
    cohorts = Cohorts(store, settings.query_seconds)
    feeds = Feeds(store, cohorts, log, commits, settings.query_seconds, settings.query_watches)
    boards = Boards(feeds, store, settings.query_seconds)
    source = Source(store, log, cohorts, Cache(settings.query_cache_bytes))
    exports = Exports(source, store, log, settings)
    critical = Critical(resources.redis, draining)
    servicer = Query(store, log, source, exports, boards, critical, settings)
    return Service(
        servicers=(
            Servicer(add_QueryServiceServicer_to_server, servicer),
            Servicer(add_CohortServiceServicer_to_server, Cohort(CohortStore(resources.pool))),
            Servicer(
                add_DashboardServiceServicer_to_server,
                Dashboards(DashboardStore(resources.pool), cohorts, boards),
            ),
            Servicer(
                add_PipelineServiceServicer_to_server,
                Pipeline(store, settings.segments_folder, settings.query_seconds),
            ),
            Servicer(add_FeatureServiceServicer_to_server, Feature(Features(store, log, settings))),
        ),
        workers=(
            partial(commits.follow, draining),
            partial(boards.close, draining),
            partial(bulk.close, draining),
            *((partial(replica.follow, draining), partial(replica.bulk.close, draining)) if replica else ()),
        ),
    )


async def mirror(resources: Resources) -> Service:
    """The loop that writes segments; where no folder is named for them, one that waits."""
    memory.give_back()
    settings, draining = resources.settings, resources.draining
    if not settings.segments_folder:
        return Service(workers=(partial(idle, draining),))
    return Service(workers=(Mirror(resources.pool, Log(resources.redis), settings, draining).run,))
