"""What a request asks for, validated: protobuf comes in, an `Asked` goes out to `answer`. Pure."""

from dataclasses import dataclass

from services.insights.forecast.rolling import POOL
from services.kit.errors import Invalid
from tidemark.v1 import forecast_pb2 as pb
from tidemark.v1.question_pb2 import Query

MAX_HORIZON, MAX_SERIES, MAX_TESTED = 1_000, 50, 10
MAX_ORIGINS, ORIGINS = 60, 14
LEAST_COVERAGE, COVERAGE, MOST_COVERAGE = 0.5, 0.9, 0.99
_KINDS = ("series", "window")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for besides the series themselves."""

    horizon: int
    """0 for a season."""
    coverage: float
    methods: tuple[pb.ForecastMethod, ...]
    most: int
    """Series at most."""
    origins: int = 0
    step: int = 0
    """0 for the horizon."""


def forecast(request: pb.ForecastRequest) -> Asked:
    """What a forecast is to be; raises `Invalid` with the field at fault."""
    _question(request.query)
    return Asked(_horizon(request.horizon), _coverage(request.coverage), _methods(request.method), MAX_SERIES)


def backtest(request: pb.BacktestRequest) -> Asked:
    """What a back-test is to be; raises `Invalid` with the field at fault."""
    _question(request.query)
    if not 0 <= request.origins <= MAX_ORIGINS:
        raise Invalid(
            "origins", f"is {request.origins}; give 1 to {MAX_ORIGINS} instants, or 0 for {ORIGINS}"
        )
    if not 0 <= request.step <= MAX_HORIZON:
        raise Invalid("step", f"is {request.step}; give 1 to {MAX_HORIZON} buckets, or 0 for the horizon")
    return Asked(
        _horizon(request.horizon),
        _coverage(request.coverage),
        _methods(request.method),
        MAX_TESTED,
        request.origins or ORIGINS,
        request.step,
    )


def _question(query: Query) -> None:
    kind = query.WhichOneof("question")
    if kind is None:
        raise Invalid("query", "asks nothing; give a question of series or of a window")
    if kind not in _KINDS:
        raise Invalid("query", f"is a question of {kind}; only series and windows have values over time")


def _horizon(horizon: int) -> int:
    if not 0 <= horizon <= MAX_HORIZON:
        raise Invalid("horizon", f"is {horizon}; give 1 to {MAX_HORIZON} buckets, or 0 for a season")
    return horizon


def _coverage(coverage: float) -> float:
    if coverage and not LEAST_COVERAGE <= coverage <= MOST_COVERAGE:
        raise Invalid(
            "coverage", f"is {coverage:g}; give {LEAST_COVERAGE} to {MOST_COVERAGE}, or 0 for {COVERAGE}"
        )
    return coverage or COVERAGE


def _methods(method: pb.ForecastMethod) -> tuple[pb.ForecastMethod, ...]:
    if method not in pb.ForecastMethod.values():
        raise Invalid("method", f"is {method}; give one of the methods, as in FORECAST_METHOD_ETS")
    if method in (pb.FORECAST_METHOD_UNSPECIFIED, pb.FORECAST_METHOD_MEAN):
        return POOL
    return (method,)
