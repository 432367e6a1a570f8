"""What Redis holds of the log, by name: ingest and the writer fill it, query reads its totals. Pure.

The keys of a partition share the tag in braces, and so the slot in which one function call touches all of them.
"""

import zlib

MAX_PARTITIONS = 4096
"""Shards of the log at most: `batch_id` is this times the batch's number in its partition, plus the partition."""
VISIT_SLOTS = 16
"""Slots in which the people of a project are."""
COMMITS = "tm:commits"
"""The channel on which the writer announces what it has just committed."""


def partition_of(project_id: int, producer_id: str, partitions: int) -> int:
    """The partition of a producer: always the same one."""
    return zlib.crc32(f"{project_id}:{producer_id}".encode()) % partitions


def log_key(partition: int) -> str:
    """The stream of a partition."""
    return f"tm:{{{partition}}}:log"


def meta_key(partition: int) -> str:
    """The hash with a partition's totals: `received` and `bytes` appended, and the `last_id` committed."""
    return f"tm:{{{partition}}}:meta"


def projects_key(partition: int) -> str:
    """The hash with the total received of each project in a partition."""
    return f"tm:{{{partition}}}:projects"


def producer_key(partition: int, producer: str) -> str:
    """The hash with the epoch and last sequence of a producer, given as `{project_id}:{producer_id}`."""
    return f"tm:{{{partition}}}:producer:{producer}"


def once_key(partition: int, project_id: int, token: str) -> str:
    """Says that a batch of a project came with this token, which another one with the same token repeats."""
    return f"tm:{{{partition}}}:once:{project_id}:{token}"


def critical_key(partition: int, project_id: int) -> str:
    """The stream of a project's errors and security events, which are followed before they are committed."""
    return f"tm:{{{partition}}}:critical:{project_id}"


def visit_key(project_id: int, user_id: str) -> str:
    """The running session of a person, kept for twice as long as the person may be inactive in it.

    People share slots, so that one function call tells the sessions of many.
    """
    return f"tm:visit:{{{project_id}:{zlib.crc32(user_id.encode()) % VISIT_SLOTS}}}:{user_id}"
