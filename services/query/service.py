"""Wiring of the target `query`."""

from functools import partial

from services.kit.service import Resources, Service, Servicer
from services.query.servicer import Query
from services.query.store import Store, Turns
from services.query.stream import Commits, Log
from services.query.worker import Feeds
from tidemark.v1.query_pb2_grpc import add_QueryServiceServicer_to_server


async def query(resources: Resources) -> Service:
    """QueryService, and the two loops behind its watches."""
    settings, draining = resources.settings, resources.draining
    store = Store(resources.pool, Turns(settings.query_concurrency, settings.query_queue))
    log, commits = Log(resources.redis), Commits(resources.redis)
    feeds = Feeds(store, log, commits, settings.query_seconds, settings.query_watches)
    servicer = Query(store, log, feeds, settings)
    return Service(
        servicers=(Servicer(add_QueryServiceServicer_to_server, servicer),),
        workers=(partial(commits.follow, draining), partial(feeds.close, draining)),
    )
