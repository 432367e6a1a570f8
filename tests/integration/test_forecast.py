"""ForecastService through gRPC, on a real database and answers of query; the SDK and the command line ask it."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg

import tidemark
from services.admin.service import admin
from services.insights.forecast.servicer import Forecast
from services.insights.source import Query
from services.kit import postgres
from services.kit.service import Resources, Service, Servicer
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.integration.history import Happened, commit
from tidemark import questions
from tidemark.v1 import forecast_pb2 as pb
from tidemark.v1.forecast_pb2_grpc import ForecastServiceStub, add_ForecastServiceServicer_to_server

END = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = 20
ORDERS = questions.series(
    "order", measure="sum properties.value", interval="hour", start=END - DAYS * 24 * HOUR, end=END
)


async def forecasts(resources: Resources) -> Service:
    """The target insights without its loops."""
    query = Query(resources.settings, resources.pool)
    return Service(servicers=[Servicer(add_ForecastServiceServicer_to_server, Forecast(query))])


def expected(hour: datetime) -> float:
    return 100 + 50 * np.sin(2 * np.pi * hour.hour / 24)


def filled(served: Served, name: str = "order", hours: int = DAYS * 24, project_id: int = 1) -> None:
    """Commits an event for each of the last hours, whose value has a daily season, and one in the hour that is not finished."""
    starts = [END - (hours - i) * HOUR for i in range(hours + 1)]
    rows = [
        Happened(start + timedelta(minutes=1), name, properties={"value": expected(start)})
        for start in starts
    ]
    with psycopg.connect(postgres.conninfo(served.resources.settings.database_url)) as connection:
        commit(connection, rows, project_id)


def client(served: Served, key: str = "viewer") -> tidemark.Client:
    address = f"127.0.0.1:{served.port}"
    return tidemark.Client(address, address, address, key=served.secrets[key])


async def test_a_series_is_forecast_with_its_error_and_a_band(suite: Suite) -> None:
    async with suite(query, admin, forecasts) as served, client(served) as asking:
        filled(served)
        made = await asking.forecasts.make(ORDERS, horizon=24, method="ets")
        (line,) = made.lines
        assert made.starts == tuple(END + i * HOUR for i in range(24))
        np.testing.assert_allclose(line.values, [expected(start) for start in made.starts], rtol=0.05)
        assert all(low <= value <= high for low, value, high in zip(line.lower, line.values, line.upper))
        assert (line.method, line.seasons) == ("ets", (24,))
        assert line.error is not None
        assert line.baseline is not None
        assert line.error.wape < 0.05
        assert line.error.count == line.baseline.count
        assert made.metadata.data_version
        again = await asking.forecasts.make(ORDERS, horizon=24, method="ets")
        assert (again.lines[0].values, again.lines[0].lower) == (line.values, line.lower)
        assert len(made.to_arrow()) == 24


async def test_a_forecast_of_an_earlier_state_is_the_one_made_then(suite: Suite) -> None:
    async with suite(query, admin, forecasts) as served, client(served) as asking:
        filled(served)
        then = await asking.forecasts.make(ORDERS, horizon=3, method="ets")
        filled(served, hours=48)
        now = await asking.forecasts.make(ORDERS, horizon=3, method="ets")
        again = await asking.forecasts.make(ORDERS, horizon=3, method="ets", as_of=then.metadata.as_of)
        assert again.lines[0].values == then.lines[0].values != now.lines[0].values


async def test_a_back_test_tells_every_value_with_its_truth(suite: Suite) -> None:
    async with suite(query, admin, forecasts) as served, client(served) as asking:
        filled(served)
        tested = await asking.forecasts.backtest(ORDERS, horizon=12, origins=3, step=24)
        (line,) = tested.lines
        assert len(line.points) == 36
        assert {point.origin for point in line.points} == {END - (12 + 24 * i) * HOUR for i in range(3)}
        for point in line.points:
            np.testing.assert_allclose(point.truth, expected(point.start))
        assert {method for method, _ in line.methods} == {
            "naive",
            "seasonal naive",
            "ets",
            "theta",
            "linear",
            "boosted",
        }


async def test_what_is_missing_is_said(suite: Suite) -> None:
    async with suite(query, admin, forecasts) as served:
        filled(served, hours=1)
        stub, key = ForecastServiceStub(served.channel), served.key("viewer")
        short = await refusal(stub.Forecast(pb.ForecastRequest(query=ORDERS), metadata=key))
        assert (short.code, short.reason) == ("FAILED_PRECONDITION", "SERIES_TOO_SHORT")
        nothing = questions.series(
            "latency", source="metrics", measure="avg", interval="hour", start=END - 48 * HOUR, end=END
        )
        empty = await refusal(stub.Forecast(pb.ForecastRequest(query=nothing), metadata=key))
        assert (empty.code, empty.reason) == ("FAILED_PRECONDITION", "SERIES_EMPTY")
        wrong = await refusal(stub.Forecast(pb.ForecastRequest(query=ORDERS, horizon=1_001), metadata=key))
        assert (wrong.code, wrong.violations) == ("INVALID_ARGUMENT", ["horizon"])
        unknown = pb.ForecastRequest(query=questions.series("order", measure="count", by=["nonsense"]))
        assert (await refusal(stub.Forecast(unknown, metadata=key))).code == "INVALID_ARGUMENT"


async def test_a_forecast_is_asked_for_on_the_command_line(suite: Suite) -> None:
    async with suite(query, admin, forecasts) as served:
        filled(served)
        address = f"127.0.0.1:{served.port}"
        common = [
            "--name", "order", "--measure", "sum properties.value", "--interval", "hour",
            "--start", (END - DAYS * 24 * HOUR).isoformat(), "--end", END.isoformat(), "--horizon", "6",
        ]  # fmt: skip

        async def run(*arguments: str) -> str:
            environment = {
                "TIDEMARK_KEY": served.secrets["viewer"],
                "TIDEMARK_QUERY_ADDRESS": address,
                "TIDEMARK_INSIGHTS_ADDRESS": address,
            }
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tidemark", "forecast", "series", *common, *arguments,
                env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            out, err = await process.communicate()
            assert process.returncode == 0, err.decode()
            return out.decode()

        shown = await run("--method", "theta")
        assert "by theta, seasons of 24 buckets" in shown
        assert "seasonal naive" in shown
        (line,) = map(json.loads, (await run("--method", "theta", "--format", "json")).splitlines())
        assert len(line["values"]) == 6
        tested = await run("--backtest", "--origins", "2")
        assert "boosted" in tested
        assert "chosen" in tested
