"""Projects, keys and audit entries in the database. Plain values come in from `servicer.py`, records go back."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from services.kit.errors import AlreadyExists, Conflict, Invalid, NotFound
from services.kit.identity import Secret
from services.kit.service import Pool

_PROJECT = "project_id, slug, display_name, time_zone, revision, created_at, updated_at"
_KEY = (
    "key_id, coalesce(slug, '-') AS project, keys.display_name, role, events_per_minute, requests_per_minute, "
    "keys.created_at, expires_at, revoked_at"
)
_INSERT_PROJECT = f"""
    INSERT INTO projects (slug, display_name, time_zone) VALUES (%(slug)s, %(display_name)s, %(time_zone)s)
    ON CONFLICT (slug) DO NOTHING RETURNING {_PROJECT}
"""
_READ_PROJECT = f"SELECT {_PROJECT} FROM projects WHERE slug = %s"
_LIST_PROJECTS = f"""
    SELECT {_PROJECT} FROM projects
    WHERE slug > %(after)s AND (%(only)s::integer IS NULL OR project_id = %(only)s)
    ORDER BY slug LIMIT %(limit)s
"""
_UPDATE_PROJECT = f"""
    UPDATE projects SET {{changes}} revision = revision + 1, updated_at = now()
    WHERE slug = %(slug)s AND (%(revision)s::bigint IS NULL OR revision = %(revision)s) RETURNING {_PROJECT}
"""
_INSERT_KEY = """
    INSERT INTO api_keys (key_id, project_id, secret_sha256, display_name, role, events_per_minute, requests_per_minute,
                          expires_at)
    VALUES (%(key_id)s, %(project_id)s, %(sha256)s, %(display_name)s, %(role)s, %(events_per_minute)s,
            %(requests_per_minute)s, %(expires_at)s)
"""
_READ_KEY = f"""
    SELECT {_KEY} FROM api_keys AS keys LEFT JOIN projects USING (project_id)
    WHERE key_id = %(key_id)s AND project_id IS NOT DISTINCT FROM %(project_id)s
"""
_LIST_KEYS = f"""
    SELECT {_KEY} FROM api_keys AS keys LEFT JOIN projects USING (project_id)
    WHERE project_id IS NOT DISTINCT FROM %(project_id)s
      AND (%(before)s::timestamptz IS NULL OR (keys.created_at, key_id) < (%(before)s, %(before_id)s))
    ORDER BY keys.created_at DESC, key_id DESC LIMIT %(limit)s
"""
_REVOKE_KEY = """
    UPDATE api_keys SET revoked_at = coalesce(revoked_at, now())
    WHERE key_id = %(key_id)s AND project_id IS NOT DISTINCT FROM %(project_id)s
"""
_LIST_ENTRIES = """
    SELECT sequence, occurred_at, actor, action, resource, peer, outcome, request_id, hash FROM audit_log
    WHERE project_id = %(project_id)s AND (%(before)s::bigint IS NULL OR sequence < %(before)s)
      AND (%(actor)s = '' OR actor = %(actor)s) AND (%(action)s = '' OR action = %(action)s)
    ORDER BY sequence DESC LIMIT %(limit)s
"""
_FORGET_REQUESTS = "DELETE FROM request_ids WHERE created_at < now() - INTERVAL '1 day'"
_REMEMBER_REQUEST = """
    INSERT INTO request_ids (request_id, action, made) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_MADE = "SELECT made FROM request_ids WHERE request_id = %s AND action = %s"

Connection = psycopg.AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project as stored."""

    project_id: int
    slug: str
    display_name: str
    time_zone: str
    revision: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as stored, without its secret; `project` is `-` for one of the whole installation."""

    key_id: str
    project: str
    display_name: str
    role: int
    events_per_minute: int
    requests_per_minute: int
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An audit entry as stored."""

    sequence: int
    occurred_at: datetime
    actor: str
    action: str
    resource: str
    peer: str
    outcome: str
    request_id: str
    hash: bytes
