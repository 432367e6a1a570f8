"""The servers lose nothing they acknowledged, here and in containers."""

import re
from pathlib import Path

from deploy.local.settings import memory_bytes, postgres_settings, redis_settings

COMPOSE = Path(__file__).parents[3] / "deploy" / "compose.yaml"
SIZES = {"shared_buffers", "effective_cache_size", "work_mem", "maintenance_work_mem", "maxmemory"}


def test_postgres_writes_to_disk_what_it_commits() -> None:
    settings = postgres_settings(64)
    assert (settings["fsync"], settings["synchronous_commit"]) == ("on", "on")


def test_redis_writes_to_disk_what_it_acknowledges_and_never_evicts() -> None:
    settings = redis_settings(64)
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"


def test_the_memory_asked_for_is_what_the_servers_get() -> None:
    assert postgres_settings(96)["shared_buffers"] == "96MB"
    assert redis_settings(96)["maxmemory"] == "96mb"
    assert memory_bytes() > 0


def test_compose_gives_the_servers_the_same_settings() -> None:
    text = COMPOSE.read_text()
    ours = postgres_settings(64) | redis_settings(64)
    postgres = re.findall(r"^ +- -c([a-z_.]+)=(\S+)$", text, re.MULTILINE)
    redis = re.findall(r'^ +- --([a-z-]+) ([a-z0-9"]+)$', text, re.MULTILINE)
    assert len(postgres) > 10
    assert len(redis) > 8
    for key, value in [*postgres, *redis]:
        if key in ours and key not in SIZES:
            assert value == ours[key], key
    assert set(redis_settings(64)) <= {key for key, _ in redis}
