"""Migrations on the real database."""

import asyncio
import re
import shutil

import psycopg
import pytest
from psycopg import sql

from services.kit.errors import BadSetting
from services.kit.migrate import FOLDER, await_migrated, migrate, migrations, require_migrated
from services.kit.postgres import connect
from tests.polling import until


def silent(line: str) -> None:
    pass


@pytest.fixture
def empty(database, servers):
    """A database without anything of ours."""
    name = database.rpartition("/")[2] + "_empty"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield servers.url_of(name)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    async with await connect(url) as connection:
        return await (await connection.execute(statement)).fetchall()


async def test_an_empty_database_gets_every_table_and_partition(empty):
    lines: list[str] = []
    await migrate(empty, 5, lines.append)
    assert [line for line in lines if line.startswith("migrating")] == [
        f"migrating: {migration.name}" for migration in migrations()
    ]
    assert await rows(empty, "SELECT partition FROM partitions ORDER BY 1") == [
        (number,) for number in range(5)
    ]
    schemas = await rows(
        empty, "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename IN ('events', 'projects')"
    )
    assert schemas == [("tidemark",)]
    in_public = await rows(
        empty, "SELECT extname FROM pg_extension WHERE extnamespace = 'public'::regnamespace"
    )
    assert ("timescaledb",) in in_public


async def test_a_second_run_changes_nothing_not_even_the_partitions(empty):
    await migrate(empty, 5, silent)
    lines: list[str] = []
    await migrate(empty, 9, lines.append)
    assert lines == [f"the database is at migration {len(migrations())}, 0 applied now"]
    assert await rows(empty, "SELECT count(*) FROM partitions") == [(5,)]


async def test_several_processes_may_migrate_at_once(empty):
    applied: list[str] = []
    await asyncio.gather(*(migrate(empty, 8, applied.append) for _ in range(3)))
    assert sum(line.startswith("migrating") for line in applied) == len(migrations())


async def test_a_file_that_fails_leaves_nothing_behind(empty, tmp_path):
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    number = len(migrations()) + 1
    (tmp_path / f"{number:04}_broken.sql").write_text("CREATE TABLE half (x integer); SELECT 1/0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await migrate(empty, 8, silent, folder=tmp_path)
    assert await rows(empty, "SELECT to_regclass('half')") == [(None,)]
    assert await rows(empty, "SELECT max(number) FROM migrations") == [(number - 1,)]


async def test_a_changed_file_is_refused(database, tmp_path):
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    first = sorted(tmp_path.iterdir())[0]
    first.write_text(first.read_text() + "-- a word more")
    with pytest.raises(BadSetting, match="was changed after it was applied"):
        await migrate(database, 8, silent, folder=tmp_path)


async def test_a_database_newer_than_the_code_is_refused_by_migrate_and_served(database, tmp_path):
    for path in sorted(FOLDER.glob("*.sql"))[:-1]:
        shutil.copy(path, tmp_path)
    with pytest.raises(BadSetting, match="run a newer release"):
        await migrate(database, 8, silent, folder=tmp_path)
    async with await connect(database) as connection:
        await require_migrated(connection, folder=tmp_path)


async def test_a_database_behind_the_code_is_not_served(empty, database, tmp_path):
    async with await connect(empty) as connection:
        with pytest.raises(BadSetting, match=r"at migration 0 .*run: python -m services migrate"):
            await require_migrated(connection)
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    number = len(migrations()) + 1
    (tmp_path / f"{number:04}_more.sql").write_text("SELECT 1;")
    async with await connect(database) as connection:
        with pytest.raises(BadSetting, match=f"at migration {number - 1} and this code needs {number}"):
            await require_migrated(connection, folder=tmp_path)


async def test_whoever_waits_goes_on_once_somebody_else_has_migrated(empty):
    told: list[str] = []
    waiting = asyncio.create_task(await_migrated(empty, told.append))

    async def said() -> bool:
        return bool(told)

    await until(said)
    assert not waiting.done()
    await migrate(empty, 5, silent)
    await waiting
    assert told[0].startswith("waiting: the database is at migration 0")


async def test_whoever_has_waited_long_enough_is_told_what_to_do(empty):
    with pytest.raises(BadSetting, match="run: python -m services migrate"):
        await await_migrated(empty, silent, patience_seconds=0)


async def test_an_owner_that_is_no_superuser_migrates_where_the_extension_is(empty):
    name = empty.rpartition("/")[2]
    owner = sql.Identifier(f"{name}_owner")
    async with await connect(empty) as connection:
        await connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'owner'").format(owner))
        try:
            await connection.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), owner)
            )
            await connection.execute("CREATE EXTENSION timescaledb SCHEMA public")
            theirs = re.sub("//.*@", f"//{name}_owner:owner@", empty)
            await migrate(theirs, 5, silent)
            async with await connect(theirs) as own:
                await require_migrated(own)
        finally:
            await connection.execute(
                sql.SQL("REASSIGN OWNED BY {0} TO CURRENT_USER; DROP OWNED BY {0}; DROP ROLE {0}").format(
                    owner
                )
            )


async def test_a_server_that_does_not_answer_is_named(servers):
    with pytest.raises(BadSetting, match=r"127\.0\.0\.1:1/x does not answer.*TIDEMARK_DATABASE_URL"):
        await connect("postgresql://tidemark:hunter2@127.0.0.1:1/x", patience_seconds=0)


async def test_a_wrong_password_is_not_waited_for_nor_shown(servers):
    url = servers.url_of("postgres").replace("://tidemark:", "://tidemark:wrong")
    with pytest.raises(BadSetting, match="authentication failed") as refused:
        await connect(url)
    assert "wrong" not in str(refused.value)


async def test_an_unknown_database_is_not_waited_for(servers):
    with pytest.raises(BadSetting, match="does not exist"):
        await connect(servers.url_of("no_such_database"))
