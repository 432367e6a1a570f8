"""Forecasts of usage, for `bench_prediction.py`: public series come in by `tidemark load`, `ForecastService` forecasts them, and rivals
of statsforecast do the same from the same instants.

`prediction_rivals.py` has the rivals, and says what it is to be as good as they. The truth that the server tells is checked against the files.
"""

import asyncio
import csv
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

import tidemark
from benchmarks.harness import QUICK, Bench
from benchmarks.prediction_rivals import (
    LEAST_ORIGINS,
    M4_HORIZON,
    Compared,
    naive2,
    rivals_of,
    scores,
    share,
    shares,
)
from benchmarks.report import Figure
from tidemark import questions
from tidemark.forecasts import BacktestLine, ForecastLine

Values = NDArray[np.float64]
DATA = Path(os.environ.get("TIDEMARK_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BUCKETS = 9_996
"""As many as a question may ask for, in whole weeks of hours."""
ORIGINS, DAILY_ORIGINS = 28, LEAST_ORIGINS
NEXT_ORIGINS, NEXT_STEP = 60, 11
"""Of the next hour: a step that shares no factor with the day meets all of its hours."""
M4_CHUNK = 50
M4_EVERY, M4_RIVALS_EVERY = (3, 3) if QUICK else (1, 3)
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Usage:
    """A series, and how it is tested."""

    name: str
    values: Values
    """One for each bucket, 0 where the file has none."""
    end: datetime
    """When the last bucket ends."""
    step: timedelta = HOUR
    seasons: tuple[int, ...] = (24, 168)
    horizon: int = 24

    @property
    def start(self) -> datetime:
        """When the first bucket begins that is asked for."""
        return self.end - min(len(self.values), BUCKETS) * self.step

    @property
    def interval(self) -> str:
        """As questions spell it."""
        return "hour" if self.step == HOUR else "day"


@dataclass
class Found:
    """What was measured."""

    figures: dict[str, Figure] = field(default_factory=dict)
    rows: list[dict[str, object]] = field(default_factory=list)
    coverage: list[float] = field(default_factory=list)
    """Of each series."""
    compared: list[Compared] = field(default_factory=list)
    """Each series beside its rivals."""


def run(stack: Bench) -> tuple[dict[str, Figure], list[dict[str, object]]]:
    """Loads, forecasts and compares; needs ingest, writer, query and insights."""
    if not DATA.is_dir():
        reason = f"{DATA} is missing; give the folder as TIDEMARK_TEST_DATA"
        return {key: Figure(None, "", None, "higher", reason) for key in _KEYS}, []
    key = asyncio.run(_project(stack))
    series = [*_hourly(), *_daily()]
    m4 = dict(list(_m4().items())[::M4_EVERY])
    end = datetime(2024, 1, 1, tzinfo=UTC)
    for each in series:
        _load(stack, key, each.name, [(each.name, each)])
    chunks = [list(m4)[at : at + M4_CHUNK] for at in range(0, len(m4), M4_CHUNK)]
    for number, chunk in enumerate(chunks):
        held = [(name, Usage(name, m4[name][:-M4_HORIZON], end)) for name in chunk]
        _load(stack, key, f"m4 {number}", held)
    found = Found()
    asyncio.run(_usage(stack, key, series, found))
    asyncio.run(_competition(stack, key, chunks, m4, end, found))
    found.figures |= shares(found.compared)
    found.figures["coverage_of_90"] = Figure(float(np.mean(found.coverage)), "", 0.86, "higher")
    return found.figures, found.rows


_KEYS = (
    *(f"usage_24h_accuracy_{name}" for name in ("electricity", "bikeshare", "taxi")),
    *(f"usage_1h_accuracy_{name}" for name in ("electricity", "bikeshare", "taxi")),
    "best_or_equal_share",
    "best_or_equal_share_rolled",
    "best_or_equal_fixed_share",
    "m4_hourly_owa",
    "coverage_of_90",
    "forecasts_per_second",
)


async def _usage(stack: Bench, key: str, series: Sequence[Usage], found: Found) -> None:
    """Back-tests of each series, and the same by rivals."""
    async with _client(stack, key) as client:
        for each in series:
            asked = questions.series(
                each.name,
                measure="sum properties.value",
                interval=each.interval,
                start=each.start,
                end=each.end,
            )
            origins = ORIGINS if each.step == HOUR else DAILY_ORIGINS
            tested = await client.forecasts.backtest(asked, horizon=each.horizon, origins=origins)
            (line,) = tested.lines
            assert line.error is not None
            assert line.baseline is not None
            _compare(each, line, origins)
            rivals = rivals_of(each.values, each.seasons, each.horizon, origins)
            found.coverage.append(line.error.coverage)
            found.compared.append(Compared(each.name.split()[0], line.error.origins, line.error.wape, rivals))
            _, low, high = _interval(line)
            row: dict[str, object] = {
                "series": each.name, "horizon": each.horizon, "origins": line.error.origins, "n": line.error.count,
                "accuracy": 1 - line.error.wape, "low": low, "high": high, "baseline": 1 - line.baseline.wape,
                "mase": line.error.mase, "coverage": line.error.coverage,
                **{f"rival {name}": 1 - wape for name, wape in rivals.items()},
            }  # fmt: skip
            found.rows.append(row)
            print("  " + ", ".join(f"{name} {_short(value)}" for name, value in row.items()), flush=True)
            if f"usage_24h_accuracy_{each.name}" in _KEYS:
                accuracy = Figure(1 - line.error.wape, "", 0.85, "higher")
                found.figures[f"usage_24h_accuracy_{each.name}"] = accuracy
                await _next_hour(client, each, asked, found)


async def _next_hour(client: tidemark.Client, each: Usage, asked: Any, found: Found) -> None:
    tested = await client.forecasts.backtest(asked, horizon=1, origins=NEXT_ORIGINS, step=NEXT_STEP)
    (line,) = tested.lines
    assert line.error is not None
    assert line.baseline is not None
    found.figures[f"usage_1h_accuracy_{each.name}"] = Figure(1 - line.error.wape, "", 0.85, "higher")
    _, low, high = _interval(line)
    found.rows.append(
        {
            "series": each.name,
            "horizon": 1,
            "origins": line.error.origins,
            "n": line.error.count,
            "accuracy": 1 - line.error.wape,
            "low": low,
            "high": high,
            "baseline": 1 - line.baseline.wape,
            "mase": line.error.mase,
            "coverage": line.error.coverage,
        }
    )


async def _competition(
    stack: Bench,
    key: str,
    chunks: Sequence[Sequence[str]],
    m4: dict[str, Values],
    end: datetime,
    found: Found,
) -> None:
    """M4 hourly: the last 48 points of each series are held out and never loaded."""
    longest = max(len(values) for values in m4.values())
    lines: dict[str, ForecastLine] = {}
    seconds, quick_seconds = 0.0, 0.0
    async with _client(stack, key) as client:
        for number, chunk in enumerate(chunks):
            asked = questions.series(
                f"m4 {number}",
                measure="sum properties.value",
                by=["properties.series"],
                interval="hour",
                top=len(chunk),
                start=end - longest * HOUR,
                end=end,
            )
            began = time.perf_counter()
            made = await client.forecasts.make(asked, horizon=M4_HORIZON)
            seconds += time.perf_counter() - began
            began = time.perf_counter()
            await client.forecasts.make(asked, horizon=M4_HORIZON, method="theta")
            quick_seconds += time.perf_counter() - began
            lines |= {line.group[0]: line for line in made.lines if line.group}
    ours, naive = [], []
    for name, values in m4.items():
        past, truth = values[:-M4_HORIZON], values[-M4_HORIZON:]
        line = lines[name]
        ours.append(scores(np.array(line.values), past, truth))
        naive.append(scores(naive2(past), past, truth))
        if line.lower:
            held = (truth >= np.array(line.lower)) & (truth <= np.array(line.upper))
            found.coverage.append(float(held.mean()))
    owa = float(np.mean(np.mean(ours, axis=0) / np.mean(naive, axis=0)))
    found.figures["m4_hourly_owa"] = Figure(owa, "", 0.47, "lower")
    found.figures["forecasts_per_second"] = Figure(len(m4) / seconds, "/s", 10_000 / 60, "higher")
    compared = []
    for name in list(m4)[::M4_RIVALS_EVERY]:
        rivals = rivals_of(m4[name], (24, 168), M4_HORIZON, 1)
        truth = m4[name][-M4_HORIZON:]
        wape = float(np.abs(np.array(lines[name].values) - truth).sum() / np.abs(truth).sum())
        compared.append(Compared("m4", 1, wape, rivals))
    found.compared.extend(compared)
    smape, mase = np.mean(ours, axis=0)
    found.rows.append(
        {
            "series": "m4 hourly",
            "horizon": M4_HORIZON,
            "n": len(m4) * M4_HORIZON,
            "owa": owa,
            "smape": smape,
            "mase": mase,
            "best_or_equal": share(each.reaches(each.rivals) for each in compared),
            **{
                f"at or better than {rival}": share(each.reaches([rival]) for each in compared)
                for rival in compared[0].rivals
            },
            **{
                f"best itself {rival}": share(
                    each.rivals[rival] <= min(each.rivals.values()) * 1.001 for each in compared
                )
                for rival in compared[0].rivals
            },
            "compared": len(compared),
            "per_second": len(m4) / seconds,
            "per_second_theta": len(m4) / quick_seconds,
        }
    )


def _compare(each: Usage, line: BacktestLine, origins: int) -> None:
    """What the server calls the truth is what the file says."""
    expected = np.concatenate(
        [
            each.values[len(each.values) - each.horizon * back :][: each.horizon]
            for back in range(origins, 0, -1)
        ]
    )
    np.testing.assert_allclose([point.truth for point in line.points], expected, rtol=1e-6, atol=1e-6)


def _interval(line: BacktestLine) -> tuple[float, float, float]:
    """Accuracy, and its 95 % interval by drawing instants anew."""
    by: dict[datetime, list[tuple[float, float]]] = {}
    for point in line.points:
        by.setdefault(point.origin, []).append((abs(point.value - point.truth), abs(point.truth)))
    sums = np.array([np.sum(each, axis=0) for each in by.values()])
    drawn = sums[np.random.default_rng(1).integers(0, len(sums), (1_000, len(sums)))].sum(axis=1)
    low, high = np.quantile(1 - drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return 1 - float(sums[:, 0].sum() / sums[:, 1].sum()), float(low), float(high)


def _hourly() -> Iterator[Usage]:
    electricity = pq.read_table(DATA / "usage_electricity/hourly_electricity.parquet")
    yield _summed("electricity", electricity["ts"].to_pylist(), electricity["y"].to_pylist())
    rides = pq.read_table(DATA / "usage_capital_bikeshare/hourly_bikesharing.parquet")
    yield _summed("bikeshare", rides["ts"].to_pylist(), rides["count"].to_pylist())
    nab = pq.read_table(DATA / "anomaly_nab/nab_all_series.parquet")
    taxi = nab.filter(pc.match_substring(nab["series"], "nyc_taxi"))
    yield _summed("taxi", taxi["timestamp"].to_pylist(), taxi["value"].to_pylist())
    cup = pq.read_table(DATA / "usage_worldcup98/requests_per_minute.parquet")
    yield _summed("worldcup", cup["period"].to_pylist(), cup["count"].to_pylist())


def _daily() -> Iterator[Usage]:
    views = pq.read_table(DATA / "usage_wikipedia_daily/wikipedia_traffic_daily_10pages.parquet").to_pandas()
    for number, (_, page) in enumerate(views.groupby("Page", sort=True)):
        values = page.sort_values("date")
        yield _summed(f"page {number}", list(values["date"]), list(values["value"]), DAY)


def _summed(name: str, times: Sequence[Any], values: Sequence[float], step: timedelta = HOUR) -> Usage:
    """A series of whole buckets."""
    at = [datetime.fromisoformat(str(each)).replace(tzinfo=UTC) for each in times]
    first = min(at).replace(minute=0)
    place = np.array([(each - first) // step for each in at])
    totals = np.bincount(place, weights=np.array(values, dtype=np.float64)).astype(np.float64)
    seasons, horizon = ((24, 168), 24) if step == HOUR else ((7,), 7)
    return Usage(name, totals, first + len(totals) * step, step, seasons, horizon)


def _m4() -> dict[str, Values]:
    table = pq.read_table(DATA / "usage_m4/m4_hourly_train.parquet").to_pandas()
    return {
        str(name): part.sort_values("ds")["y"].to_numpy(float)
        for name, part in table.groupby("unique_id", sort=False)
    }


def _load(stack: Bench, key: str, name: str, series: Sequence[tuple[str, Usage]]) -> None:
    """Loads series as events of one name, by the command line."""
    file = stack.folder / "usage.csv"
    with file.open("w", newline="") as written:
        writer = csv.writer(written)
        writer.writerow(["time", "series", "value"])
        for label, each in series:
            values = each.values[-BUCKETS:]
            begin = each.end - len(values) * each.step
            writer.writerows(
                [(begin + i * each.step).isoformat(), label, repr(float(value))]
                for i, value in enumerate(values)
            )
    command = [sys.executable, "-m", "tidemark", "--timeout", str(PATIENCE_SECONDS), "load", "csv", str(file)]
    command += ["--time", "time", "--name", name]
    environment = {
        **os.environ,
        "TIDEMARK_KEY": key,
        "TIDEMARK_INGEST_ADDRESS": stack.suite.members["ingest"].address,
        "TIDEMARK_QUERY_ADDRESS": stack.suite.members["query"].address,
    }
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    file.unlink()


async def _project(stack: Bench) -> str:
    """The key of a new project."""
    slug = f"usage-{uuid.uuid4().hex[:8]}"
    async with _client(stack, stack.suite.keys["TIDEMARK_ADMIN_KEY"]) as client:
        await client.admin.create_project(slug)
        return (await client.admin.create_key(f"projects/{slug}", role="admin")).secret


def _client(stack: Bench, key: str) -> tidemark.Client:
    ingest, query, insights = (stack.suite.members[name].address for name in ("ingest", "query", "insights"))
    return tidemark.Client(ingest, query, insights, key=key, timeout=PATIENCE_SECONDS)


def _short(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
