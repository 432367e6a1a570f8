"""Readers and the views of `bi`: what tools see, and what somebody who means harm does not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
import sqlalchemy
from adbc_driver_postgresql import dbapi
from psycopg import sql

from services.admin.service import admin
from services.kit.migrate import migrate
from services.kit.settings import Settings
from services.query.service import query
from tests.conftest import Served, Servers, Suite, refusal
from tests.integration.history import Happened, Point, commit
from tests.polling import until
from tidemark.v1 import admin_pb2, query_pb2
from tidemark.v1 import question_pb2 as q
from tidemark.v1.admin_pb2_grpc import AdminServiceStub
from tidemark.v1.query_pb2_grpc import QueryServiceStub

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DEMO = "projects/demo"
VIEWS = [
    "batches",
    "events",
    "freshness",
    "ledger",
    "metric_points",
    "names",
    "rollups_1d",
    "rollups_1h",
    "rollups_1m",
]


@dataclass(frozen=True)
class Reader:
    """A reader under test."""

    served: Served
    name: str
    role: str
    url: str

    def connect(self, **options: object) -> psycopg.Connection[object]:
        return psycopg.connect(self.url, autocommit=True, **options)  # type: ignore[arg-type]

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        with self.connect() as connection:
            return connection.execute(statement).fetchall()  # type: ignore[arg-type, return-value]


def url_of(database: str, role: str, password: str, driver: str = "postgresql") -> str:
    parts = urlsplit(database)
    place = f"{role}:{quote(password, safe='')}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(scheme=driver, netloc=place))


@asynccontextmanager
async def reading(
    served: Served, database: str, reader_id: str = "grafana", **fields: int
) -> AsyncIterator[Reader]:
    """A reader of the project `demo`, deleted afterwards: roles belong to the whole server."""
    stub, key = AdminServiceStub(served.channel), served.key("admin")
    request = admin_pb2.CreateReaderRequest(
        parent=DEMO, reader_id=reader_id, reader=admin_pb2.Reader(**fields)
    )
    made = await stub.CreateReader(request, metadata=key)
    url = url_of(database, made.reader.role, made.password)
    try:
        yield Reader(served, made.reader.name, made.reader.role, url)
    finally:
        listed = await stub.ListReaders(admin_pb2.ListReadersRequest(parent=DEMO), metadata=key)
        if made.reader in listed.readers:
            await stub.DeleteReader(admin_pb2.DeleteReaderRequest(name=made.reader.name), metadata=key)


@contextmanager
def two_projects(database: str) -> Iterator[psycopg.Connection[object]]:
    """Events and points of `demo`, and others of a project next to it."""
    with psycopg.connect(database, autocommit=True) as connection:
        other = connection.execute(
            "INSERT INTO tidemark.projects (slug) VALUES ('rival') RETURNING project_id"
        ).fetchone()
        assert other is not None
        connection.execute("SET search_path = tidemark, public")
        mine = [
            Happened(
                NOON + i * MINUTE,
                name=f"n{i % 2}",
                user_id=f"u{i}",
                properties={"amount": i},
                partition=i % 3,
            )
            for i in range(30)
        ]
        points = [Point(NOON + i * MINUTE, float(i), partition=i % 3) for i in range(10)]
        commit(connection, [*mine, *points])
        theirs = [Happened(NOON + i * MINUTE, name="secret", user_id="mallory") for i in range(7)]
        commit(connection, theirs, project_id=int(other[0]))
        yield connection


async def test_a_reader_is_made_listed_and_ended(suite: Suite, database: str) -> None:
    async with suite(admin) as served, reading(served, database, connections=2) as reader:
        stub, key = AdminServiceStub(served.channel), served.key("admin")
        listed = (await stub.ListReaders(admin_pb2.ListReadersRequest(parent=DEMO), metadata=key)).readers
        assert [(each.name, each.role, each.connections) for each in listed] == [
            (f"{DEMO}/readers/grafana", reader.role, 2)
        ]
        assert listed[0].HasField("create_time")
        assert reader.rows("SELECT current_user::text") == [(reader.role,)]
        with reader.connect() as held:
            await stub.DeleteReader(admin_pb2.DeleteReaderRequest(name=reader.name), metadata=key)
            with pytest.raises(psycopg.OperationalError):
                held.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            reader.connect()
        refused = await refusal(
            stub.DeleteReader(admin_pb2.DeleteReaderRequest(name=reader.name), metadata=key)
        )
        assert (refused.code, refused.reason) == ("NOT_FOUND", "READER_NOT_FOUND")


async def test_a_second_reader_of_the_same_id_is_refused(suite: Suite, database: str) -> None:
    async with suite(admin) as served, reading(served, database):
        request = admin_pb2.CreateReaderRequest(parent=DEMO, reader_id="grafana")
        refused = await refusal(
            AdminServiceStub(served.channel).CreateReader(request, metadata=served.key("admin"))
        )
        assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "READER_EXISTS")


async def test_two_projects_may_call_their_readers_the_same(suite: Suite, database: str) -> None:
    async with suite(admin) as served, reading(served, database, "a" * 40) as mine:
        stub, operator = AdminServiceStub(served.channel), served.key("operator")
        await stub.CreateProject(admin_pb2.CreateProjectRequest(project_id="b" * 40), metadata=operator)
        request = admin_pb2.CreateReaderRequest(parent=f"projects/{'b' * 40}", reader_id="a" * 40)
        theirs = (await stub.CreateReader(request, metadata=operator)).reader
        assert theirs.role != mine.role
        assert len(theirs.role) <= 63
        await stub.DeleteReader(admin_pb2.DeleteReaderRequest(name=theirs.name), metadata=operator)


async def test_readers_made_at_once_do_not_trip_over_each_other(suite: Suite) -> None:
    async with suite(admin) as served:
        stub, key = AdminServiceStub(served.channel), served.key("admin")

        async def live(reader_id: str) -> str:
            request = admin_pb2.CreateReaderRequest(parent=DEMO, reader_id=reader_id)
            made = (await stub.CreateReader(request, metadata=key)).reader
            await stub.DeleteReader(admin_pb2.DeleteReaderRequest(name=made.name), metadata=key)
            return made.role

        roles = await asyncio.gather(*(live(f"reader-{i}") for i in range(5)))
        assert len(set(roles)) == 5
        assert not (await stub.ListReaders(admin_pb2.ListReadersRequest(parent=DEMO), metadata=key)).readers


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        ({"reader_id": "X"}, "reader_id"),
        ({"reader_id": "a'; DROP"}, "reader_id"),
        ({"reader_id": "abc", "reader": admin_pb2.Reader(connections=51)}, "reader.connections"),
        ({"parent": "projects/-", "reader_id": "abc"}, "parent"),
    ],
)
async def test_a_bad_reader_is_refused_with_its_field(
    suite: Suite, fields: dict[str, object], violation: str
) -> None:
    async with suite(admin) as served:
        request = admin_pb2.CreateReaderRequest(**{"parent": DEMO} | fields)
        refused = await refusal(
            AdminServiceStub(served.channel).CreateReader(request, metadata=served.key("operator"))
        )
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [violation])


async def test_a_password_is_stored_as_a_hash_alone(suite: Suite, database: str) -> None:
    async with suite(admin) as served, reading(served, database) as reader:
        password = urlsplit(reader.url).password
        with psycopg.connect(database) as connection:
            stored = connection.execute(
                "SELECT rolpassword FROM pg_authid WHERE rolname = %s", (reader.role,)
            ).fetchone()
            assert stored is not None
            assert stored[0].startswith("SCRAM-SHA-256$")
            for table in ("bi_readers", "audit_log", "request_ids"):
                rows = connection.execute(f"SELECT t::text FROM tidemark.{table} AS t").fetchall()
                assert not any(str(password) in row[0] for row in rows)


async def test_without_the_right_to_make_roles_the_remedy_is_said(
    suite: Suite, settings: Settings, database: str
) -> None:
    async with suite(admin):
        pass  # makes the first keys
    role = f"server_{settings.query_port}"
    named = sql.Identifier(role)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(named))
        for schema in ("tidemark", "bi"):
            place = sql.Identifier(schema)
            connection.execute(
                sql.SQL("GRANT USAGE ON SCHEMA {} TO {} WITH GRANT OPTION").format(place, named)
            )
            connection.execute(
                sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA {} TO {} WITH GRANT OPTION").format(place, named)
            )
        try:
            limited = replace(settings, database_url=url_of(database, role, "x"))
            await _refused_and_then_made(limited, database, role, connection)
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(named))
            connection.execute(sql.SQL("DROP ROLE {}").format(named))


async def _refused_and_then_made(
    settings: Settings, database: str, role: str, owner: psycopg.Connection[object]
) -> None:
    from services.admin.store import Store
    from services.kit.errors import Refused
    from services.kit.server import opened

    async with opened(settings) as resources:
        store = Store(resources.pool)
        with pytest.raises(Refused, match=f"ALTER ROLE {role} CREATEROLE"):
            await store.create_reader(1, "grafana", f"tm_{role}", "p" * 20, 5)
        assert await store.readers(1, "", 10) == []
        owner.execute(sql.SQL("ALTER ROLE {} CREATEROLE").format(sql.Identifier(role)))
        owner.execute("GRANT EXECUTE ON ALL ROUTINES IN SCHEMA _timescaledb_functions TO PUBLIC")
        with pytest.raises(Refused, match="REVOKE EXECUTE ON ALL ROUTINES"):
            await store.create_reader(1, "grafana", f"tm_{role}", "p" * 20, 5)
        owner.execute("REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA _timescaledb_functions FROM PUBLIC")
        await store.create_reader(1, "grafana", f"tm_{role}", "p" * 20, 5)
        with psycopg.connect(url_of(database, f"tm_{role}", "p" * 20)) as held:
            assert held.execute("SELECT count(*) FROM bi.freshness").fetchall() == [(1,)]
            await store.delete_reader(1, "grafana")
            with pytest.raises(psycopg.OperationalError):
                held.execute("SELECT 1")
        assert await store.readers(1, "", 10) == []


async def test_a_reader_is_made_though_something_else_touches_the_catalogue(
    suite: Suite, database: str
) -> None:
    async def made() -> None:
        async with reading(served, database) as reader:
            assert reader.rows("SELECT project FROM bi.freshness") == [("demo",)]

    async def held_up() -> bool:
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
        return owner.execute(waits).fetchone() != (0,)

    async with suite(admin) as served:
        with psycopg.connect(database, autocommit=True) as owner, psycopg.connect(database) as other:
            other.execute("GRANT USAGE ON SCHEMA bi TO pg_monitor")
            making = asyncio.ensure_future(made())
            await until(held_up)
            other.commit()
            await making


async def test_the_views_show_one_project_and_are_explained(suite: Suite, database: str) -> None:
    async with suite(admin) as served, reading(served, database) as reader:
        with two_projects(database):
            assert reader.rows("SELECT name, count(*) FROM bi.events GROUP BY name ORDER BY name") == [
                ("n0", 15),
                ("n1", 15),
            ]
            assert reader.rows("SELECT count(*), sum(value) FROM bi.metric_points") == [(10, 45.0)]
            assert reader.rows("SELECT sum(stored) FROM bi.batches") == [(40,)]
            assert reader.rows("SELECT sum(stored) FROM bi.ledger") == [(40,)]
            assert reader.rows("SELECT project FROM bi.freshness") == [("demo",)]
            assert reader.rows("SELECT source, name, type, count FROM bi.names ORDER BY 1, 2") == [
                ("events", "n0", "USER_ACTION", 15),
                ("events", "n1", "USER_ACTION", 15),
                ("metrics", "latency", "TIMER", 10),
            ]
            for table in ("rollups_1m", "rollups_1h", "rollups_1d"):
                found = reader.rows(
                    f"SELECT sum(count), count(DISTINCT bucket), count(*) FROM bi.{table} WHERE source = 'events'"
                )
                assert found[0][0] == 30, "partitions are added up"
                assert found[0][2] == (30 if table == "rollups_1m" else 2)
        described = reader.rows(
            "SELECT c.relname::text, obj_description(c.oid, 'pg_class') IS NOT NULL,"
            " bool_and(col_description(c.oid, a.attnum) IS NOT NULL)"
            " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'bi'::regnamespace"
            " GROUP BY c.oid, c.relname ORDER BY 1"
        )
        assert described == [(view, True, True) for view in VIEWS]


HOSTILE = [
    "SELECT * FROM tidemark.events",
    "SELECT * FROM tidemark.projects",
    "SELECT * FROM tidemark.api_keys",
    "SELECT * FROM tidemark.bi_readers",
    "UPDATE tidemark.bi_readers SET project_id = 2",
    "INSERT INTO tidemark.bi_readers VALUES (current_user, 2, 'xxx', 5)",
    "SET ROLE {owner}",
    "SET SESSION AUTHORIZATION {owner}",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER CREATEROLE",
    "ALTER ROLE CURRENT_USER CONNECTION LIMIT 100",
    "ALTER ROLE {owner} RENAME TO tm_other",
    "CREATE ROLE mine",
    "GRANT {owner} TO CURRENT_USER",
    "GRANT pg_read_all_data TO CURRENT_USER",
    "CREATE SCHEMA mine",
    "CREATE TABLE public.mine (a int)",
    "CREATE TABLE bi.mine (a int)",
    "CREATE TEMP TABLE mine (a int)",
    "CREATE VIEW bi.mine AS SELECT 1",
    "CREATE OR REPLACE VIEW bi.events AS SELECT 1",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    (
        "CREATE FUNCTION pg_temp.mine(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
        " 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END'"
    ),
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION postgres_fdw",
    "DROP VIEW bi.events",
    "ALTER VIEW bi.events SET (security_barrier = false)",
    "INSERT INTO bi.ledger (producer_id) VALUES ('x')",
    "UPDATE bi.events SET name = 'x'",
    "DELETE FROM bi.events",
    "TRUNCATE tidemark.events",
    "LOCK TABLE bi.events IN ACCESS EXCLUSIVE MODE",
    "LOCK TABLE bi.events IN ROW EXCLUSIVE MODE",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/mine'",
    "COPY bi.events FROM STDIN",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/mine')",
    "SELECT pg_advisory_lock(7433001)",
    "SELECT pg_try_advisory_xact_lock(1)",
    "SELECT * FROM pg_authid",
    "SELECT pg_reload_conf()",
    "SELECT pg_switch_wal()",
    "SELECT pg_export_snapshot(), pg_create_restore_point('x')",
    "SET session_replication_role = replica",
    "SET temp_file_limit = -1",
    "SET log_statement = 'all'",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "CHECKPOINT",
    "VACUUM tidemark.events",
    "SELECT query_to_xml('SELECT 1', true, true, '')",
    "SELECT drop_chunks('tidemark.events', older_than => now())",
    "SELECT drop_chunks({events}, older_than => now())",
    "SELECT set_chunk_time_interval({events}, interval '1 hour')",
    "SELECT add_dimension({events}, 'name', 2)",
    "SELECT attach_tablespace('pg_default', {events})",
    "SELECT create_hypertable('bi.events', 'occurred_at')",
    "SELECT hypertable_size({events})",
    "SELECT _timescaledb_functions.drop_chunk({chunk})",
    "SELECT _timescaledb_functions.show_chunk({chunk})",
    "SELECT _timescaledb_internal.drop_chunk({chunk})",
    "UPDATE _timescaledb_catalog.metadata SET value = 'x'",
]


def test_hostile_statements_are_refused(hostile: psycopg.Connection[object]) -> None:
    hostile.execute("SET default_transaction_read_only = off")  # a reader may; it must not help
    found = hostile.execute(
        "SELECT quote_ident(nspowner::regrole::text) FROM pg_namespace WHERE nspname = 'bi'"
    ).fetchone()
    assert found is not None
    allowed = []
    things = {"owner": found[0], "events": _relation("events"), "chunk": _relation("_hyper%chunk")}  # type: ignore[index]
    for statement in (each.format_map(things) for each in HOSTILE):
        try:
            with hostile.transaction(force_rollback=True):
                hostile.execute(statement)  # type: ignore[arg-type]
            allowed.append(statement)
        except psycopg.errors.ActiveSqlTransaction:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                hostile.execute(statement)  # type: ignore[arg-type]
        except (
            psycopg.errors.InsufficientPrivilege,
            psycopg.errors.UndefinedFile,
            psycopg.errors.UndefinedFunction,
            psycopg.errors.FeatureNotSupported,
        ):
            pass
    assert allowed == []
    assert hostile.execute("SELECT count(*) FROM bi.events").fetchone() == (30,)


def _relation(name: str) -> str:
    """A table that cannot be named, by its number in the catalogue."""
    return f"(SELECT min(oid)::regclass FROM pg_class WHERE relname LIKE '{name}' AND relkind = 'r')"


def test_what_an_update_of_the_extension_opens_is_closed_again(
    hostile: psycopg.Connection[object], database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute("GRANT EXECUTE ON ALL ROUTINES IN SCHEMA _timescaledb_functions TO PUBLIC")
        asyncio.run(migrate(database, 8, say=lambda line: None))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        hostile.execute(f"SELECT _timescaledb_functions.drop_chunk({_relation('_hyper%chunk')})")  # type: ignore[arg-type]


def test_the_migration_takes_temporary_tables_from_everybody(servers: Servers, template: str) -> None:
    with psycopg.connect(servers.database_url) as connection:
        rights = connection.execute(
            "SELECT privilege_type FROM pg_database, aclexplode(datacl) WHERE datname = %s AND grantee = 0",
            (template,),
        ).fetchall()
    assert rights == [("CONNECT",)]


def test_chunks_are_as_closed_as_the_table(hostile: psycopg.Connection[object]) -> None:
    chunks = hostile.execute(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = '_timescaledb_internal' AND c.relkind = 'r' AND c.relname LIKE '_hyper%'"
    ).fetchall()
    assert chunks
    for (chunk,) in chunks:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            hostile.execute(f"SELECT * FROM {chunk} LIMIT 1")  # type: ignore[arg-type]


def test_no_table_but_the_views_and_the_catalogues_can_be_read(hostile: psycopg.Connection[object]) -> None:
    readable = hostile.execute(
        "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND has_schema_privilege(n.oid, 'USAGE')"
        " AND has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE') ORDER BY 1, 2"
    ).fetchall()
    catalogues = {
        "pg_catalog",
        "information_schema",
        "_timescaledb_catalog",
        "_timescaledb_config",
        "_timescaledb_cache",
    }
    catalogues |= {"timescaledb_information", "timescaledb_experimental", "_timescaledb_internal"}
    assert [row for row in readable if row[0] not in catalogues] == [("bi", view) for view in VIEWS]  # type: ignore[index]
    internal = {row[1] for row in readable if row[0] == "_timescaledb_internal"}  # type: ignore[index]
    assert not any(name.startswith(("_hyper", "compress_hyper", "_dist_hyper")) for name in internal)


def test_errors_tell_nothing_of_rows_of_others(hostile: psycopg.Connection[object]) -> None:
    # Names of the other project are no numbers: a condition that met them would fail.
    found = hostile.execute(
        "SELECT count(*) FROM bi.events WHERE CASE WHEN name LIKE 'n%' THEN 1 ELSE name::int END = 1"
    ).fetchone()
    assert found == (30,)
    assert hostile.execute(
        "SELECT count(*) FROM bi.events WHERE (properties ->> 'amount')::int >= 0"
    ).fetchone() == (30,)
    assert hostile.execute("SELECT count(*) FROM bi.events WHERE user_id = 'mallory'").fetchone() == (0,)


def test_a_reader_begins_read_only_and_with_a_limit_of_time(hostile: psycopg.Connection[object]) -> None:
    for name, value in (
        ("default_transaction_read_only", "on"), ("statement_timeout", "1min"), ("search_path", "bi, public"),
        ("idle_in_transaction_session_timeout", "1min"), ("temp_file_limit", "4GB"),
    ):  # fmt: skip
        assert hostile.execute(f"SHOW {name}").fetchone() == (value,)


def test_somebody_elses_statements_and_sessions_are_out_of_reach(hostile: psycopg.Connection[object]) -> None:
    seen = hostile.execute(
        "SELECT DISTINCT query FROM pg_stat_activity WHERE usename <> current_user"
    ).fetchall()
    assert {row[0] for row in seen} <= {"<insufficient privilege>"}  # type: ignore[index]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        hostile.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user"
        )


async def test_no_more_connections_than_allowed(suite: Suite, database: str) -> None:
    async with suite(admin) as served, reading(served, database, connections=1) as reader:
        with reader.connect(), pytest.raises(psycopg.OperationalError, match="too many connections"):
            reader.connect()


@pytest.fixture
def hostile(suite: Suite, database: str) -> Iterator[psycopg.Connection[object]]:
    """The connection of a reader who means harm, next to a rival's project."""

    async def make() -> tuple[str, str]:
        async with suite(admin) as served:
            stub, key = AdminServiceStub(served.channel), served.key("admin")
            request = admin_pb2.CreateReaderRequest(parent=DEMO, reader_id="hostile")
            made = await stub.CreateReader(request, metadata=key)
            return made.reader.role, made.password

    role, password = asyncio.run(make())
    with two_projects(database) as owner:
        try:
            with psycopg.connect(url_of(database, role, password), autocommit=True) as connection:
                yield connection
        finally:
            owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


async def test_tools_read_the_figures_that_run_query_gives(suite: Suite, database: str) -> None:
    async with suite(admin, query) as served, reading(served, database) as reader:
        with two_projects(database):
            counted = q.Measure(aggregation=q.AGGREGATION_COUNT)
            summed = q.Measure(aggregation=q.AGGREGATION_SUM, field="properties.amount")
            asked = q.Query(table=q.TableQuestion(measures=[counted, summed], group_by=["name"]))
            asked.time_range.start.FromDatetime(NOON)
            asked.time_range.end.FromDatetime(NOON + 20 * MINUTE)
            answer = await QueryServiceStub(served.channel).RunQuery(
                query_pb2.RunQueryRequest(query=asked), metadata=served.key("viewer")
            )
            wanted = {row.group[0]: tuple(row.values) for row in answer.table.rows}
            statement = (
                "SELECT name, count(*) AS count, sum((properties ->> 'amount')::float8) AS amount FROM bi.events"
                f" WHERE occurred_at >= '{NOON.isoformat()}' AND occurred_at < '{(NOON + 20 * MINUTE).isoformat()}' GROUP BY name"
            )
            assert wanted == {"n0": (10.0, 90.0), "n1": (10.0, 100.0)}
            assert await asyncio.to_thread(_by_sqlalchemy, reader.url, statement) == wanted
            assert await asyncio.to_thread(_by_adbc, reader.url, statement) == wanted


def _by_sqlalchemy(url: str, statement: str) -> dict[str, tuple[float, float]]:
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        inspector = sqlalchemy.inspect(engine)
        assert sorted(inspector.get_view_names("bi")) == VIEWS
        comments = {column["name"]: column["comment"] for column in inspector.get_columns("events", "bi")}
        assert comments["occurred_at"] == "When it happened, by the clock of the client."
        with engine.connect() as connection:
            return {row.name: (float(row.count_), row.amount) for row in connection.execute(
                sqlalchemy.text(statement.replace("AS count,", "AS count_,"))
            )}  # fmt: skip
    finally:
        engine.dispose()


def _by_adbc(url: str, statement: str) -> dict[str, tuple[float, float]]:
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        table = cursor.fetch_arrow_table()
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT occurred_at, name, user_id, properties FROM bi.events ORDER BY occurred_at")
        frame = cursor.fetch_df()
    assert list(frame["user_id"][:3]) == ["u0", "u1", "u2"]
    assert str(frame["occurred_at"].dtype).startswith("datetime64")
    return {row["name"]: (float(row["count"]), row["amount"]) for row in table.to_pylist()}


async def test_a_new_commit_is_seen_by_the_next_statement(suite: Suite, database: str) -> None:
    async with suite(admin) as served, reading(served, database) as reader:
        with psycopg.connect(database) as connection:
            connection.execute("SET search_path = tidemark, public")
            commit(connection, [Happened(NOON)])

        async def seen() -> bool:
            return reader.rows("SELECT count(*) FROM bi.events") == [(1,)]

        await until(seen)
