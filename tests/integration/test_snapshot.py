"""Redis is copied as it runs, however it sends its snapshot, and starts again on what came of it."""

import io
import tempfile
from pathlib import Path

import pytest
import redis

from deploy.backup import snapshot
from deploy.backup.base import Uncopied
from deploy.local.accounts import cache_folder, server_account
from deploy.local.packages import provision
from deploy.local.ports import free_port
from deploy.local.servers import Redis


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_redis_starts_on_the_snapshot_of_another(redis_url: str, diskless: str) -> None:
    held, sink = {f"key-{number}".encode(): b"x" * number * 1000 for number in range(1, 200)}, io.BytesIO()
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("repl-diskless-sync", diskless)
        client.config_set("repl-diskless-sync-delay", 0)
        try:
            client.mset(held)
            snapshot.copied(redis_url, sink)
            client.set("later", "not in it")
        finally:
            client.config_set("repl-diskless-sync", "yes")
            client.config_set("repl-diskless-sync-delay", 5)
    sink.seek(0)
    with tempfile.TemporaryDirectory(prefix="tidemark-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        snapshot.restored(sink, folder / "redis" / "data")
        programs = provision(cache_folder(server_account()), print)
        with (
            Redis(programs, folder / "redis", free_port()) as server,
            redis.Redis.from_url(server.url) as client,
        ):
            assert dict(zip(held, client.mget(list(held)), strict=True)) == held
            assert client.dbsize() == len(held)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://:wrong@{host}/0", "Redis refuses AUTH: -WRONGPASS"),
        ("redis://{host}/0", "Redis refuses REPLCONF rdb-only 1: -NOAUTH"),
        ("redis+cluster://{host}", "names a cluster"),
    ],
)
def test_a_redis_that_refuses_is_told(redis_url: str, url: str, why: str) -> None:
    host = redis_url.rpartition("@")[2].partition("/")[0]
    with pytest.raises(Uncopied, match=why):
        snapshot.copied(url.format(host=host), io.BytesIO())
