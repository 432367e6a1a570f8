"""The loop that mirrors events to segments: what was committed is read once, written as files of columns, and told to questions.

One process does it, elected by a lock that its database session holds; the frontier moves in that session, so that whoever lost
the lock moves nothing. Whatever goes wrong it begins anew from the database. It is in no hurry: it waits while writers are behind,
and runs at low priority.
"""

import asyncio
import contextlib
import gc
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import dbapi
import psycopg
from psycopg import AsyncConnection
from redis.exceptions import RedisError

from services.kit import metrics, postgres
from services.kit.settings import Settings
from services.query.columnar import rows, segment, store, writer
from services.query.columnar.segment import Frontier, Segment
from services.query.columnar.store import Outrun
from services.query.columnar.stream import Lake, Reader, Stream, exported, threaded, written
from services.query.columnar.where import Inquiry
from services.query.columnar.writer import Damaged
from services.query.stream import Log

CUT_ROWS = 1 << 17
"""Rows of a segment when it is first written: they are put in order in memory."""
BEHIND_ROWS = 100_000
"""With so many rows in the log the writers need the machine for themselves."""
PATIENCE = 10
"""So many times `mirror_seconds` writers are waited for."""
KEEP_SECONDS = 600.0
"""How often a frontier moves though nothing has come: what is touched is remembered for an hour only."""
MEMORY_BYTES = 160 << 20
_TICK, _SWEEP_SECONDS, _AUDIT_SECONDS = 1.0, 30.0, 600.0
_NICE = 10

T = TypeVar("T")
log = logging.getLogger(__name__)
