"""Wiring of the targets `ingest` and `writer`."""

import os
import socket
from functools import partial

from services.ingest.backlog import Backlog
from services.ingest.servicer import Ingest
from services.ingest.stream import Commits, Log
from services.ingest.writer import Writer
from services.kit import redis
from services.kit.service import Resources, Service, Servicer
from tidemark.v1 import ingest_pb2_grpc

_COUNT = "SELECT count(*) FROM partitions"


async def ingest(resources: Resources) -> Service:
    """The servicer of IngestService, and the loops that watch backlog and commits."""
    wait_for_disk = await redis.durability(resources.redis) != "always"
    log = Log(resources.redis, wait_for_disk=wait_for_disk)
    await log.prepare()
    async with resources.pool.connection() as connection:
        row = await (await connection.execute(_COUNT)).fetchone()
    partitions = int(row[0]) if row else 0
    backlog = Backlog(log, resources.settings, partitions)
    commits = Commits(resources.redis)
    return Service(
        servicers=[
            Servicer(
                ingest_pb2_grpc.add_IngestServiceServicer_to_server,
                Ingest(log, commits, backlog, resources.pool, partitions),
            )
        ],
        workers=[partial(backlog.watch, resources.draining), partial(commits.listen, resources.draining)],
    )


async def writer(resources: Resources) -> Service:
    """The loop that owns partitions."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    return Service(workers=[Writer(Log(resources.redis), resources.settings, name, resources.draining).run])
