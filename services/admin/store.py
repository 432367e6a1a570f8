"""Projects, keys, readers and audit entries in the database. Plain values come in from `servicer.py`, records go back."""

# ruff: noqa: S608  (statements are made of constants of this file; values are always parameters)

import uuid
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from services.admin.record import EntryRecord, KeyRecord, ProjectRecord, ReaderRecord
from services.kit.errors import AlreadyExists, Conflict, Invalid, NotFound, Refused
from services.kit.identity import Secret
from services.kit.postgres import retouched
from services.kit.repetition import remember
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
      AND (%(before)s::text IS NULL
           OR (keys.created_at, key_id) < (SELECT created_at, key_id FROM api_keys WHERE key_id = %(before)s))
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
_READER = "slug AS project, reader, role, connections, bi_readers.created_at"
_INSERT_READER = """
    INSERT INTO bi_readers (role, project_id, reader, connections) VALUES (%s, %s, %s, %s)
    ON CONFLICT (project_id, reader) DO NOTHING
"""
_READ_READER = f"""
    SELECT {_READER} FROM bi_readers JOIN projects USING (project_id) WHERE project_id = %s AND reader = %s
"""
_LIST_READERS = f"""
    SELECT {_READER} FROM bi_readers JOIN projects USING (project_id)
    WHERE project_id = %s AND reader > %s ORDER BY reader LIMIT %s
"""
_DELETE_READER = "DELETE FROM bi_readers WHERE role = %s"
_CREATE_ROLE = """
    CREATE ROLE {role} LOGIN NOINHERIT CONNECTION LIMIT {connections} PASSWORD {password};
    GRANT USAGE ON SCHEMA bi TO {role};
    GRANT SELECT ON ALL TABLES IN SCHEMA bi TO {role};
    ALTER ROLE {role} SET default_transaction_read_only = on;
    ALTER ROLE {role} SET statement_timeout = '60s';
    ALTER ROLE {role} SET idle_in_transaction_session_timeout = '60s';
    ALTER ROLE {role} SET work_mem = '32MB';
    ALTER ROLE {role} SET search_path = bi, public;
    ALTER ROLE {role} SET timezone = 'UTC';
"""
# Only superusers may say this, and the reader cannot take it back.
_LIMIT_ROLE = "ALTER ROLE {role} SET temp_file_limit = '4GB'"
_ROLE_EXISTS = "SELECT FROM pg_roles WHERE rolname = %s"
_IS_SUPERUSER = "SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user"
# Roles are made and ended one at a time: two at once would trip over each other's changes of the catalogue.
_ALONE = "LOCK TABLE bi_readers IN EXCLUSIVE MODE"
_CLOSE = "SELECT close_to_public()"
_OPEN = """
    SELECT count(*) FROM pg_proc
    WHERE pronamespace = '_timescaledb_functions'::regnamespace AND has_function_privilege(%s, oid, 'EXECUTE')
"""
_END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s"

Connection = psycopg.AsyncConnection[Any]


class Store:
    """The tables `projects`, `api_keys`, `request_ids`, and the audit log for reading."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create_project(
        self, slug: str, fields: Mapping[str, str], request_id: uuid.UUID | None
    ) -> ProjectRecord:
        """The project made now, or by an earlier request of the same id."""
        async with self._pool.connection() as connection:
            made = await remember(connection, request_id, "CreateProject", slug)
            if made not in (None, slug):
                raise Invalid("request_id", f"has made projects/{made} before; write a new one")
            if made is not None:
                return await _read_project(connection, slug)
            cursor = connection.cursor(row_factory=class_row(ProjectRecord))
            await cursor.execute(_INSERT_PROJECT, {"slug": slug, **fields})
            project = await cursor.fetchone()
            if project is None:
                raise AlreadyExists(f"there is a project projects/{slug} already", reason="PROJECT_EXISTS")
            return project

    async def project(self, slug: str) -> ProjectRecord:
        """The project; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _read_project(connection, slug)

    async def projects(self, only: int | None, after: str, limit: int) -> list[ProjectRecord]:
        """Projects by slug behind `after`; only one where `only` says its id."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(ProjectRecord))
            await cursor.execute(_LIST_PROJECTS, {"only": only, "after": after, "limit": limit})
            return await cursor.fetchall()

    async def update_project(
        self, slug: str, changes: Mapping[str, str], revision: int | None
    ) -> ProjectRecord:
        """The project as changed; raises `Conflict` unless it still has that revision."""
        columns = sql.SQL("").join(
            sql.SQL("{} = {}, ").format(sql.Identifier(name), sql.Placeholder(name)) for name in changes
        )
        statement = sql.SQL(_UPDATE_PROJECT).format(changes=columns)
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(ProjectRecord))
            await cursor.execute(statement, {"slug": slug, "revision": revision, **changes})
            project = await cursor.fetchone()
            if project is None:
                await _read_project(connection, slug)
                raise Conflict(f"projects/{slug} was changed since it was read: read it again")
            return project

    async def create_key(
        self, project_id: int | None, secret: Secret, fields: Mapping[str, Any], request_id: uuid.UUID | None
    ) -> KeyRecord:
        """The key made now, or by an earlier request of the same id; its id tells which."""
        async with self._pool.connection() as connection:
            made = await remember(connection, request_id, f"CreateKey {project_id or 0}", secret.key_id)
            if made is None:
                await insert_key(connection, project_id, secret, fields)
            return await _read_key(connection, project_id, made or secret.key_id)

    async def keys(self, project_id: int | None, before: str | None, limit: int) -> list[KeyRecord]:
        """Keys of a project, newest first, older than the key `before`."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(KeyRecord))
            await cursor.execute(_LIST_KEYS, {"project_id": project_id, "before": before, "limit": limit})
            return await cursor.fetchall()

    async def revoke_key(self, project_id: int | None, key_id: str) -> KeyRecord:
        """The key as ended; one ended before stays as it is."""
        async with self._pool.connection() as connection:
            await connection.execute(_REVOKE_KEY, {"project_id": project_id, "key_id": key_id})
            return await _read_key(connection, project_id, key_id)

    async def create_reader(
        self, project_id: int, reader: str, role: str, password: str, connections: int
    ) -> ReaderRecord:
        """The reader made, with a role that sees the views of its project. The password goes to the database as a hash."""
        return await retouched(lambda: self._create_reader(project_id, reader, role, password, connections))

    async def _create_reader(
        self, project_id: int, reader: str, role: str, password: str, connections: int
    ) -> ReaderRecord:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_IS_SUPERUSER)).fetchone()
            assert row is not None, "there is always a current user"
            account, superuser = row
            await connection.execute(_ALONE)
            await connection.execute(_CLOSE)
            try:
                made = await connection.execute(_INSERT_READER, (role, project_id, reader, connections))
                if not made.rowcount:
                    raise AlreadyExists(f"there is a reader {reader} already", reason="READER_EXISTS")
                hashed = connection.pgconn.encrypt_password(
                    password.encode(), role.encode(), b"scram-sha-256"
                )
                statement = sql.SQL(_CREATE_ROLE).format(
                    role=sql.Identifier(role), connections=connections, password=hashed.decode()
                )
                await connection.execute(statement)
                if superuser:
                    await connection.execute(sql.SQL(_LIMIT_ROLE).format(role=sql.Identifier(role)))
            except psycopg.errors.InsufficientPrivilege as error:
                raise Refused(
                    f"the server's account {account} may not make roles; run as a superuser: ALTER ROLE {account} CREATEROLE",
                    reason="MAY_NOT_CREATE_ROLES",
                ) from error
            row = await (await connection.execute(_OPEN, (role,))).fetchone()
            if row is None or row[0]:
                raise Refused(
                    "every role may call the inner functions of TimescaleDB, which drop chunks without asking who calls; run as a "
                    "superuser: REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA _timescaledb_functions FROM PUBLIC",
                    reason="OPEN_TO_PUBLIC",
                )
            return await _read_reader(connection, project_id, reader)

    async def readers(self, project_id: int, after: str, limit: int) -> list[ReaderRecord]:
        """Readers of a project by name, behind the reader `after`."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(ReaderRecord))
            await cursor.execute(_LIST_READERS, (project_id, after, limit))
            return await cursor.fetchall()

    async def delete_reader(self, project_id: int, reader: str) -> None:
        """Ends the role and its sessions. What is interrupted halfway can be repeated; nobody comes in meanwhile."""
        await retouched(lambda: self._delete_reader(project_id, reader))

    async def _delete_reader(self, project_id: int, reader: str) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(_ALONE)
            role = (await _read_reader(connection, project_id, reader)).role
            if await (await connection.execute(_ROLE_EXISTS, (role,))).fetchone() is not None:
                named = sql.Identifier(role)
                await connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(named))
                await connection.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE").format(named))
                await connection.commit()
                await connection.execute(_ALONE)
                await connection.execute(_END_SESSIONS, (role,))
                await connection.execute(sql.SQL("DROP OWNED BY {}").format(named))
                await connection.execute(sql.SQL("DROP ROLE {}").format(named))
            await connection.execute(_DELETE_READER, (role,))

    async def entries(
        self, project_id: int, actor: str, action: str, before: int | None, limit: int
    ) -> list[EntryRecord]:
        """Audit entries of a chain, newest first, before a sequence."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(EntryRecord))
            arguments = {
                "project_id": project_id, "actor": actor, "action": action, "before": before, "limit": limit
            }  # fmt: skip
            await cursor.execute(_LIST_ENTRIES, arguments)
            return await cursor.fetchall()


async def insert_key(
    connection: Connection, project_id: int | None, secret: Secret, fields: Mapping[str, Any]
) -> None:
    """Stores a key, in the caller's transaction."""
    arguments = {"key_id": secret.key_id, "sha256": secret.sha256, "project_id": project_id, **fields}
    await connection.execute(_INSERT_KEY, arguments)


async def _read_project(connection: Connection, slug: str) -> ProjectRecord:
    cursor = connection.cursor(row_factory=class_row(ProjectRecord))
    await cursor.execute(_READ_PROJECT, (slug,))
    project = await cursor.fetchone()
    if project is None:
        raise NotFound(f"there is no project projects/{slug}", reason="PROJECT_NOT_FOUND")
    return project


async def _read_key(connection: Connection, project_id: int | None, key_id: str) -> KeyRecord:
    cursor = connection.cursor(row_factory=class_row(KeyRecord))
    await cursor.execute(_READ_KEY, {"project_id": project_id, "key_id": key_id})
    key = await cursor.fetchone()
    if key is None:
        raise NotFound(f"there is no key {key_id} in this project", reason="KEY_NOT_FOUND")
    return key


async def _read_reader(connection: Connection, project_id: int, reader: str) -> ReaderRecord:
    cursor = connection.cursor(row_factory=class_row(ReaderRecord))
    await cursor.execute(_READ_READER, (project_id, reader))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"there is no reader {reader} in this project", reason="READER_NOT_FOUND")
    return found
