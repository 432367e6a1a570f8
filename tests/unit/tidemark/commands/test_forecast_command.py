"""Forecasts as people and programs read them."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tidemark.cli import parser
from tidemark.commands.forecast import forecast
from tidemark.forecasts import Backtest, BacktestLine, BacktestPoint, Forecast, ForecastError, ForecastLine
from tidemark.plain import Metadata
from tidemark.terminal.console import Console

START = datetime(2026, 11, 1, tzinfo=UTC)
METADATA = Metadata("q1", START, 0.999, "rollup", 0.0, 0.012, "v1", START, None)
ERROR = ForecastError(0.05, 0.7, 5.0, 0.91, 14, 336)
BASELINE = ForecastError(0.08, 1.1, 8.0, float("nan"), 14, 336)


def line(**changed):
    values = {
        "measure": "orders",
        "group": (),
        "other": False,
        "unit": "",
        "values": (1.0, 2.0),
        "lower": (0.5, 1.5),
        "upper": (1.5, 2.5),
        "method": "mean",
        "members": ("boosted", "ets"),
        "seasons": (24, 168),
        "error": ERROR,
        "baseline": BASELINE,
        "notes": ("the last bucket is not finished and was left out",),
    }
    return ForecastLine(**values | changed)


def made(*lines):
    return Forecast((START, START + timedelta(hours=1)), lines, METADATA)


def back_test():
    point = BacktestPoint(START, START, 1.0, 0.5, 1.5, 1.2)
    return Backtest(
        (
            BacktestLine(
                "orders", (), False, ERROR, BASELINE, (("ets", ERROR), ("naive", BASELINE)), (point,)
            ),
        ),
        METADATA,
    )


def say(capsys: pytest.CaptureFixture[str], found, *arguments):
    async def answer(*_, **asked):
        answer.asked = asked
        return found

    given = parser().parse_args(["forecast", "series", "--name", "order", *arguments])
    client = SimpleNamespace(forecasts=SimpleNamespace(make=answer, backtest=answer))
    code = asyncio.run(forecast(client, given, Console(sys.stdout, sys.stderr)))
    return code, capsys.readouterr().out, answer.asked


def test_a_forecast_shows_its_error_beside_the_baseline(capsys):
    code, out, asked = say(capsys, made(line()), "--horizon", "2", "--coverage", "0.8", "--method", "mean")
    assert code == 0
    assert "by boosted and ets, seasons of 24, 168 buckets" in out
    assert "95%" in out
    assert "92%" in out
    assert "the last bucket is not finished" in out
    assert asked == {"horizon": 2, "coverage": 0.8, "method": "mean"}


def test_a_series_that_cannot_be_forecast_says_why_and_fails(capsys):
    code, out, _ = say(capsys, made(line(values=(), lower=(), upper=(), error=None, notes=("has no value",))))
    assert code == 1
    assert "has no value" in out


def test_programs_read_lines_or_rows(capsys):
    _, out, _ = say(capsys, made(line()), "--format", "json")
    assert json.loads(out)["members"] == ["boosted", "ets"]
    _, out, _ = say(capsys, made(line()), "--format", "csv")
    assert out.splitlines()[0] == "start,measure,group,value,lower,upper"
    assert len(out.splitlines()) == 3


def test_a_back_test_shows_every_method(capsys):
    code, out, asked = say(capsys, back_test(), "--backtest", "--origins", "3", "--step", "24")
    assert code == 0
    assert [word in out for word in ("truth", "expected", "chosen", "ets", "naive")] == [True] * 5
    assert (asked["origins"], asked["step"]) == (3, 24)


def test_rows_of_series_without_a_band_have_no_ends():
    assert made(line(lower=(), upper=())).rows()[0]["lower"] is None
    assert back_test().rows()[0]["truth"] == 1.2
