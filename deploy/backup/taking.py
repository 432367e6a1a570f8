"""Takes a backup while events flow: Redis first, then PostgreSQL.

Comes in: settings and the folder of backups. Goes out: a folder with two copies and a manifest. Whatever was acknowledged before it began is in one
of the two: what the log has given up between the copies is in the database by then.
"""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import redis

from deploy.backup import base, proof, shelf, snapshot
from deploy.backup.box import Box, File
from deploy.backup.manifest import NAME, TIME, Manifest
from services.kit.postgres import conninfo
from services.kit.settings import Settings

FILES = {"redis": "redis.rdb", "postgres": "postgres.tar", "postgres_manifest": "postgres.json"}
"""What a backup consists of; beside the content, names tell how it is packed."""
_VERSIONS = """
SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
    (SELECT name FROM migrations ORDER BY number DESC LIMIT 1), (SELECT count(*)::int FROM partitions)
"""


def take(settings: Settings, folder: Path) -> Manifest:
    """A new backup in `folder`; raises `Uncopied` where a server cannot be copied."""
    began_at = datetime.now(UTC)
    with psycopg.connect(conninfo(settings.database_url)) as connection:
        row = connection.execute(_VERSIONS).fetchone()
        assert row is not None, "the statement always returns a row"
        postgresql, timescaledb, migration, partitions = row
    with redis.Redis.from_url(settings.redis_url) as log:
        promised = proof.acknowledged(log, partitions)
        version = str(log.info("server")["redis_version"])
    with shelf.adding(folder, began_at) as part:
        box = Box(settings.backup_key, began_at.strftime(TIME))
        paths = {what: part / packed_name(name, sealed=bool(box.key)) for what, name in FILES.items()}
        files: dict[str, File] = {}
        with box.packing(paths["redis"]) as packing:
            snapshot.copied(settings.redis_url, packing)
        files["redis"] = packing.told
        with ExitStack() as stack:
            archive, listed = (
                stack.enter_context(box.packing(paths[what])) for what in ("postgres", "postgres_manifest")
            )
            reach = base.copied(settings.database_url, archive, listed)
        files |= {"postgres": archive.told, "postgres_manifest": listed.told}
        made = Manifest(
            name=box.about,
            began_at=began_at.isoformat(),
            ended_at=datetime.now(UTC).isoformat(),
            sealed=bool(box.key),
            migration=migration,
            versions={"postgresql": postgresql, "timescaledb": timescaledb, "redis": version},
            reach=reach,
            acknowledged={str(project): rows for project, rows in sorted(promised.items())},
            files=files,
        )
        (part / NAME).write_text(made.text())
    return made


def packed_name(name: str, *, sealed: bool) -> str:
    """What a file is called that holds this."""
    return f"{name}.zst.sealed" if sealed else f"{name}.zst"
