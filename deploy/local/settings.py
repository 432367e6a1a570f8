"""The settings of our PostgreSQL and Redis.

Comes in: how much memory a server may use. Goes out: names and values. Next: `servers` writes them
into configuration files; `deploy/compose.yaml` says the same for containers.
"""

import os
from pathlib import Path

MEGABYTE = 1024 * 1024


def postgres_settings(shared_buffers_mb: int) -> dict[str, str]:
    """The settings for analytics on a small machine; what a server loses in a crash is nothing."""
    memory_mb = memory_bytes() // MEGABYTE
    roomy = shared_memory_bytes() >= 512 * MEGABYTE  # containers often have 64
    return {
        "shared_preload_libraries": "timescaledb",
        "timescaledb.telemetry_level": "off",
        "unix_socket_directories": "",  # loopback with a password is the only door
        "shared_buffers": f"{shared_buffers_mb}MB",
        "effective_cache_size": f"{max(memory_mb // 2, 128)}MB",
        "work_mem": f"{min(max(memory_mb // 256, 4), 64)}MB",
        "maintenance_work_mem": f"{min(max(memory_mb // 32, 32), 1024)}MB",
        "dynamic_shared_memory_type": "posix" if roomy else "mmap",
        "max_connections": "100",
        "max_locks_per_transaction": "256",
        "max_worker_processes": "24",
        "random_page_cost": "1.1",
        "jit": "off",
        "fsync": "on",
        "synchronous_commit": "on",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "datestyle": "iso, ymd",
        "default_text_search_config": "pg_catalog.simple",
    }


def redis_settings(maxmemory_mb: int) -> dict[str, str]:
    """The settings that make an acknowledged write a durable one."""
    return {
        "protected-mode": "yes",
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "aof-load-truncated": "yes",
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": "64mb",
        "maxmemory": f"{maxmemory_mb}mb",
        "maxmemory-policy": "noeviction",
        "save": '""',
    }


def shared_memory_bytes() -> int:
    """The size of /dev/shm; 0 when there is none."""
    try:
        told = os.statvfs("/dev/shm")
    except OSError:
        return 0
    return told.f_frsize * told.f_blocks


def memory_bytes() -> int:
    """What this machine, or the container we are in, may use."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    told = limit.read_text().strip() if limit.exists() else "max"
    return physical if told == "max" else min(physical, int(told))
