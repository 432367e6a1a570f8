"""`tidemark forecast`: how series go on, or with --backtest how well that would have been told before."""

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from tidemark.client import Client
from tidemark.commands import question
from tidemark.commands.ask import trust, written
from tidemark.forecasts import METHODS, Backtest, Forecast, ForecastError
from tidemark.records import Line, Series
from tidemark.terminal.answer import percent
from tidemark.terminal.chart import chart
from tidemark.terminal.console import Console
from tidemark.terminal.table import number, printable, table

_ERRORS = ["1 - WAPE", "MASE", "MAE", "in the band", "instants", "values"]


def add_forecast(command: ArgumentParser) -> None:
    """The arguments of `tidemark forecast`."""
    kinds = command.add_subparsers(dest="about", required=True, metavar="QUESTION")
    for kind in ("series", "window"):
        one = kinds.add_parser(kind, help=question.KINDS[kind])
        question.add(one, kind)
        one.add_argument("--horizon", type=int, default=0, help="buckets ahead; a season if not given")
        one.add_argument(
            "--coverage", type=float, default=0.0, help="share of truth in the band; 0.9 if not given"
        )
        one.add_argument(
            "--method",
            default="",
            choices=list(METHODS),
            metavar="METHOD",
            help=f"one of {', '.join(filter(None, METHODS))}; chosen if not given",
        )
        one.add_argument(
            "--backtest", action="store_true", help="forecast the past from earlier instants, and compare"
        )
        one.add_argument(
            "--origins", type=int, default=0, help="with --backtest: how many instants; 14 if not given"
        )
        one.add_argument(
            "--step",
            type=int,
            default=0,
            help="with --backtest: buckets between them; the horizon if not given",
        )
        one.add_argument("--format", choices=["table", "json", "csv"], default="table")
        one.set_defaults(run=forecast)


async def forecast(client: Client, arguments: Namespace, console: Console) -> int:
    """Forecasts, or tests forecasts."""
    asked = question.question(arguments)
    common = {"horizon": arguments.horizon, "coverage": arguments.coverage, "method": arguments.method}
    if arguments.backtest:
        tested = await client.forecasts.backtest(
            asked, origins=arguments.origins, step=arguments.step, **common
        )
        _say(tested, _tested(tested, console), arguments, console)
        return 0
    found = await client.forecasts.make(asked, **common)
    _say(found, _drawn(found, console), arguments, console)
    return 0 if any(line.values for line in found.lines) else 1


def _say(found: Forecast | Backtest, drawn: Iterable[str], arguments: Namespace, console: Console) -> None:
    if arguments.format == "json":
        console.say(*written([asdict(line) for line in found.lines], "json"))
    elif arguments.format == "csv":
        console.say(*written(found.rows(), "csv"))
    else:
        console.say(*drawn, "", *trust(found.metadata))


def _drawn(found: Forecast, console: Console) -> Iterator[str]:
    """A chart of each series with its band, its errors and its notes."""
    for line in found.lines:
        yield printable(line.label)
        if line.values:
            curves = {"expected": line.values, "lower": line.lower, "upper": line.upper}
            yield from _chart(found.starts, curves, console)
            yield f"by {' and '.join(line.members) or line.method}" + (
                f", seasons of {', '.join(map(str, line.seasons))} buckets" if line.seasons else ""
            )
        if line.error and line.baseline:
            rows = [["this forecast", *_cells(line.error)], ["seasonal naive", *_cells(line.baseline)]]
            yield from table(["measured on its past", *_ERRORS], rows, console.width)
        yield from map(printable, line.notes)
        yield ""


def _tested(found: Backtest, console: Console) -> Iterator[str]:
    """A chart of each series with what was expected of it, and the errors of every method."""
    for line in found.lines:
        yield printable(line.label)
        # Where instants are closer than the horizon, the value that was forecast last is drawn.
        latest = {point.start: point for point in line.points}
        points = [latest[start] for start in sorted(latest)]
        if points:
            curves = {
                "truth": tuple(point.truth for point in points),
                "expected": tuple(point.value for point in points),
            }
            yield from _chart(tuple(point.start for point in points), curves, console)
        rows: list[list[object]] = []
        if line.error and line.baseline:
            rows += [["chosen", *_cells(line.error)], ["seasonal naive", *_cells(line.baseline)]]
        rows += [[method, *_cells(error)] for method, error in line.methods if method != "seasonal naive"]
        yield from table(["method", *_ERRORS], rows, console.width)
        yield ""


def _chart(
    starts: Sequence[datetime], curves: Mapping[str, tuple[float, ...]], console: Console
) -> list[str]:
    lines = tuple(
        Line(name, (name,), False, values, sum(values)) for name, values in curves.items() if values
    )
    return chart(Series(tuple(starts), lines), console.width, color=console.color)


def _cells(error: ForecastError) -> list[object]:
    inside = "" if math.isnan(error.coverage) else percent(error.coverage)
    return [
        percent(1 - error.wape),
        number(error.mase),
        number(error.mae),
        inside,
        error.origins,
        error.count,
    ]
