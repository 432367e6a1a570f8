"""Export through gRPC on a real database: whole files, in every form, of one state of the data."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc.aio
import psycopg
import pyarrow as pa
import pyarrow.parquet
import pytest

import tidemark
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.integration.history import Happened, Point, commit
from tests.polling import until
from tidemark import questions
from tidemark.errors import Invalid, Unavailable
from tidemark.v1 import query_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.query_pb2_grpc import QueryServiceStub

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FORMS = {"arrow": 1, "csv": 2, "ndjson": 3, "parquet": 4}


def span(hours: float = 24) -> dict[str, datetime]:
    return {"start": NOON, "end": NOON + hours * HOUR}


def asked(form: str = "csv", query: q.Query | None = None) -> pb.ExportRequest:
    return pb.ExportRequest(query=query or questions.events(**span()), format=FORMS[form])  # type: ignore[arg-type]


async def exported(served: Served, request: pb.ExportRequest) -> tuple[bytes, list[pb.ExportResponse]]:
    """The file and the messages that it came in."""
    call = QueryServiceStub(served.channel).Export(request, metadata=served.key("viewer"))
    messages = [message async for message in call]
    return b"".join(message.chunk for message in messages), messages


def rows(data: bytes, form: str) -> list[dict[str, object]]:
    """What a file of a form says."""
    match form:
        case "arrow":
            return pa.ipc.open_stream(data).read_all().to_pylist()  # type: ignore[no-any-return]
        case "csv":
            return list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        case "ndjson":
            return [json.loads(line) for line in data.decode().splitlines()]
        case _:
            return pa.parquet.read_table(io.BytesIO(data)).to_pylist()  # type: ignore[no-any-return]


def some(count: int = 10) -> list[Happened]:
    return [
        Happened(NOON + i * MINUTE, name=f"n{i % 2}", user_id=f"u{i}", properties={"i": i}, partition=i % 3)
        for i in range(count)
    ]


@pytest.mark.parametrize("form", FORMS)
async def test_a_file_holds_every_event_newest_first(suite: Suite, database: str, form: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            events = some()
            commit(connection, events, received_at=NOON + HOUR)
        data, messages = await exported(served, asked(form))
        found = rows(data, form)
        assert [row["event_id"] for row in found] == [str(each.event_id) for each in reversed(events)]
        first = found[0]
        assert (first["name"], first["type"], first["user_id"]) == ("n1", "USER_ACTION", "u9")
        properties = first["properties"]
        assert (properties if form == "ndjson" else json.loads(str(properties))) == {"i": 9}
        wanted = NOON + 9 * MINUTE, NOON + HOUR
        times = first["occurred_at"], first["received_at"]
        if form in ("csv", "ndjson"):
            assert times == tuple(f"{at:%Y-%m-%dT%H:%M:%S}.000000Z" for at in wanted)
        else:
            assert times == wanted
        assert first["committed_at"]
        assert first["session_id"] in (None, "")
        assert list(first) == [
            "event_id", "occurred_at", "type", "name", "user_id", "session_id", "properties", "context", "late",
            "received_at", "committed_at",
        ]  # fmt: skip
        assert not messages[0].chunk
        assert [message.HasField("metadata") for message in messages] == [
            *[False] * (len(messages) - 1),
            True,
        ]
        assert (messages[0].rows_expected, messages[-1].rows, messages[-1].rows_expected) == (10, 10, 10)
        assert messages[-1].metadata.watermark.ToDatetime(UTC) == NOON + 7 * MINUTE
        assert messages[-1].metadata.time_range.start.ToDatetime(UTC) == NOON


@pytest.mark.parametrize("form", FORMS)
async def test_an_answer_of_nothing_is_a_whole_file_too(suite: Suite, form: str) -> None:
    async with suite(query) as served:
        data, messages = await exported(served, asked(form))
        assert rows(data, form) == []
        assert (messages[-1].rows, messages[-1].HasField("metadata")) == (0, True)
        if form == "csv":
            assert data.startswith(b'"event_id","occurred_at"')


HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@a",
    "\ta",
    "\ra",
    'say "x", y',
    "a\r\nb",
    "",
    "'=1",
    "ünï 🦉",
    "null",
    "a\\b",
    "\x1f",
]


async def test_csv_texts_run_nothing_and_read_back(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON + i * MINUTE, user_id=text) for i, text in enumerate(HOSTILE)])
        found = [str(row["user_id"]) for row in rows((await exported(served, asked("csv")))[0], "csv")][::-1]
        # One that has an apostrophe there already is given another, so that whoever takes one away has what was stored.
        assert found == [f"'{text}" if re.match(r"'*[-=+@\t\r\n]", text) else text for text in HOSTILE]
        for form in ("arrow", "ndjson", "parquet"):
            data, _ = await exported(served, asked(form))
            assert [row["user_id"] for row in rows(data, form)][::-1] == HOSTILE


async def test_a_missing_text_is_not_an_empty_one(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [Happened(NOON, user_id=None), Happened(NOON + MINUTE, user_id="")])
        data, _ = await exported(served, asked("csv"))
        columns = [line.split(",")[4] for line in data.decode().splitlines()[1:]]
        assert columns == ['""', ""]


@pytest.mark.parametrize(
    ("where", "expected"), [(["name = n0"], 5), (["properties.i < 4"], 0), (["type = USER_ACTION"], 10)]
)
async def test_what_is_expected_is_what_the_rollups_know(
    suite: Suite, database: str, where: list[str], expected: int
) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, some())
        data, messages = await exported(served, asked("ndjson", questions.events(where=where, **span())))
        assert messages[0].rows_expected == expected
        assert len(rows(data, "ndjson")) == messages[-1].rows == (expected or 4)


async def test_another_project_is_not_in_the_file(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            connection.execute("INSERT INTO projects (slug) VALUES ('rival')")
            commit(connection, some(3))
            commit(connection, some(5), project_id=2)
        data, _ = await exported(served, asked("ndjson"))
        assert len(rows(data, "ndjson")) == 3
        request = asked()
        request.project = "projects/rival"
        refused = await refusal(
            anext(aiter(QueryServiceStub(served.channel).Export(request, metadata=served.key("viewer"))))
        )
        assert refused.code == "PERMISSION_DENIED"


async def test_a_large_file_comes_in_pieces_of_a_mebibyte(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            filled(connection, 20_000)
        data, messages = await exported(served, asked("ndjson"))
        sizes = [len(message.chunk) for message in messages]
        assert max(sizes) <= 1 << 20
        assert len(data) > 4 << 20
        progress = [message.rows for message in messages]
        assert progress == sorted(progress)
        assert len(rows(data, "ndjson")) == progress[-1] == 20_000


def filled(connection: psycopg.Connection[object], count: int) -> None:
    """Many events that only the table knows of."""
    connection.execute(
        "INSERT INTO events (project_id, event_id, occurred_at, batch_id, type, late, name, user_id, properties)"
        " SELECT 1, gen_random_uuid(), %s::timestamptz + i * interval '1 ms', 0, 1, false, 'n', 'u' || i,"
        " jsonb_build_object('text', repeat('x', 200), 'i', i) FROM generate_series(1, %s) AS i",
        (NOON, count),
    )
    connection.commit()


async def test_a_file_is_of_one_state_of_the_data(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            filled(connection, 100_000)
            call = QueryServiceStub(served.channel).Export(asked("ndjson"), metadata=served.key("viewer"))
            pieces = [(await anext(aiter(call))).chunk]  # its snapshot is taken
            commit(connection, some())
            pieces += [message.chunk async for message in call]
        assert len(b"".join(pieces).splitlines()) == 100_000


async def active(connection: psycopg.Connection[object]) -> int:
    found = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%committed_at%' AND datname = current_database()"
        " AND pid <> pg_backend_pid() AND state IN ('active', 'idle in transaction')"
    ).fetchone()
    assert found is not None
    return int(found[0])  # type: ignore[index]


async def test_who_goes_away_ends_the_statement(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database, autocommit=True) as connection:
            filled(connection, 200_000)

            async def busy() -> bool:
                return await active(connection) > 0

            async def idle() -> bool:
                return await active(connection) == 0

            for taken in (1, 2, 5):
                call = QueryServiceStub(served.channel).Export(asked("ndjson"), metadata=served.key("viewer"))
                messages = aiter(call)
                for _ in range(taken):
                    await anext(messages)
                await until(busy)
                call.cancel()
                await until(idle)
            data, _ = await exported(served, asked("ndjson"))  # and the connection can be used again
            assert len(data.splitlines()) == 200_000


async def test_a_reader_that_stops_reading_stops_the_database(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database, autocommit=True) as connection:
            filled(connection, 200_000)
            call = QueryServiceStub(served.channel).Export(asked("ndjson"), metadata=served.key("viewer"))
            first = [await anext(aiter(call)) for _ in range(3)][-1]

            async def waiting() -> bool:
                found = connection.execute(
                    "SELECT wait_event FROM pg_stat_activity WHERE query LIKE '%committed_at%' AND pid <> pg_backend_pid()"
                ).fetchall()
                return ("ClientWrite",) in found

            await until(waiting)
            assert first.rows < 100_000
            call.cancel()


async def test_a_lost_database_is_an_error_and_no_short_file(
    suite: Suite, database: str, tmp_path: Path
) -> None:
    async with suite(query) as served:
        with psycopg.connect(database, autocommit=True) as connection:
            filled(connection, 200_000)
            async with client(served) as asking:
                path = tmp_path / "events.csv"

                def cut(progress: object) -> None:
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%committed_at%'"
                        " AND pid <> pg_backend_pid()"
                    )

                with pytest.raises(Unavailable):
                    await asking.export(questions.events(**span()), path, on_progress=cut)
                assert names(tmp_path) == []


async def test_an_export_has_a_limit_of_time(suite: Suite, database: str) -> None:
    async with suite(query, export_seconds=0.05) as served:
        with psycopg.connect(database) as connection:
            filled(connection, 100_000)
        refused = await refusal(_all(served, asked("ndjson")))
        assert refused.code == "DEADLINE_EXCEEDED"
        assert "0.05 s" in refused.message


async def _all(served: Served, request: pb.ExportRequest) -> None:
    async for _ in QueryServiceStub(served.channel).Export(request, metadata=served.key("viewer")):
        pass


async def test_more_exports_at_once_than_allowed_are_refused(suite: Suite, database: str) -> None:
    async with suite(query, export_concurrency=1) as served:
        with psycopg.connect(database) as connection:
            filled(connection, 100_000)
        first = QueryServiceStub(served.channel).Export(asked("ndjson"), metadata=served.key("viewer"))
        await anext(aiter(first))
        refused = await refusal(_all(served, asked()))
        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_EXPORTS")
        first.cancel()

        async def free() -> bool:
            try:
                await _all(served, asked("arrow"))
            except grpc.aio.AioRpcError as error:
                return error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED
            return True

        await until(free)


@pytest.mark.parametrize("form", [0, 9])
async def test_a_file_of_no_form_is_refused(suite: Suite, form: int) -> None:
    async with suite(query) as served:
        request = asked()
        request.format = form  # type: ignore[assignment]
        refused = await refusal(_all(served, request))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["format"])


async def test_a_series_is_a_file_of_its_buckets(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, [*some(120), *(Point(NOON + i * MINUTE, float(i)) for i in range(120))])
        asked_for = questions.series(by=["name"], interval="hour", compare=True, **span(2))
        data, messages = await exported(served, asked("parquet", asked_for))
        found = rows(data, "parquet")
        assert found[0] == {
            "start": NOON, "measure": "count", "name": "n0", "other": False, "value": 30.0, "previous_value": 0.0
        }  # fmt: skip
        assert len(found) == messages[-1].rows == messages[0].rows_expected == 4
        assert messages[-1].metadata.source == q.DATA_SOURCE_ROLLUP
        missing = questions.series("latency", source="metrics", measure="avg", interval="hour", **span(3))
        data, _ = await exported(served, asked("ndjson", missing))
        assert [row["value"] for row in rows(data, "ndjson")] == [29.5, 89.5, None]


async def test_a_table_is_a_file_of_its_rows(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            commit(connection, some())
        asked_for = questions.table(
            measure=["count", "sum properties.i"],
            formulas={"=mean": "B / A"},
            by=["name", "user_id"],
            top=3,
            **span(),
        )
        found = rows((await exported(served, asked("csv", asked_for)))[0], "csv")
        assert list(found[0]) == ["name", "user_id", "other", "A", "B", "'=mean"]
        assert len(found) == 4
        assert (found[-1]["other"], found[-1]["name"], found[-1]["A"]) == ("true", "", "7")


@pytest.mark.parametrize(
    ("asked_for", "columns"),
    [
        (questions.funnel(["n0", "n1"], **span()), {"group", "step", "people", "median_seconds"}),
        (questions.retention(**span()), {"start", "offset", "back", "complete"}),
        (questions.lifecycle(**span()), {"start", "new", "dormant"}),
        (questions.sessions(interval="hour", **span()), {"start", "sessions", "bounce_share"}),
        (questions.paths("n0", **span()), {"step", "value", "next_value", "paths"}),
        (questions.people("n0", **span()), {"user_id", "first_seen", "events"}),
    ],
)
async def test_every_other_answer_is_a_file_too(
    suite: Suite, database: str, asked_for: q.Query, columns: set[str]
) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            users = [Happened(NOON + i * MINUTE, name=f"n{i % 2}", user_id=f"u{i % 5}") for i in range(20)]
            commit(connection, users)
        for form in FORMS:
            data, messages = await exported(served, asked(form, asked_for))
            found = rows(data, form)
            assert len(found) == messages[-1].rows > 0
            assert columns <= set(found[0])


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def client(served: Served) -> tidemark.Client:
    address = f"127.0.0.1:{served.port}"
    return tidemark.Client(address, address, key=served.secrets["viewer"])


async def test_the_client_leaves_a_whole_file_and_tells_how_far_it_is(
    suite: Suite, database: str, tmp_path: Path
) -> None:
    async with suite(query) as served, client(served) as asking:
        with psycopg.connect(database) as connection:
            commit(connection, some())
        path, seen = tmp_path / "events.parquet", []
        done = await asking.export(questions.events(**span()), path, on_progress=seen.append)
        assert pa.parquet.read_table(path).num_rows == done.rows == 10
        assert done.bytes == path.stat().st_size
        assert done.metadata is not None
        assert done.metadata.start == NOON
        assert seen[0].rows_expected == 10
        assert seen[-1] == done
        assert names(tmp_path) == ["events.parquet"]
        buffer = io.BytesIO()
        await asking.export(questions.events(**span()), buffer, format="ndjson")
        assert len(buffer.getvalue().splitlines()) == 10
        with pytest.raises(ValueError, match="format: '' is not known"):
            await asking.export(questions.events(**span()), tmp_path / "events")
        with pytest.raises(Invalid, match=r"query\.events\.filter"):
            await asking.export(questions.events(where=["nothing.a = 1"], **span()), tmp_path / "a.csv")
        assert names(tmp_path) == ["events.parquet"]
