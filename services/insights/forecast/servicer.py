"""ForecastService: each method reads the request (`request.py`), has query answer its question, and the pool forecast (`answer.py`).

Forecasts are made in two threads of their own, so that the event loop goes on; who asks for too many at once is refused.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from services.insights.forecast import answer
from services.insights.forecast import request as read
from services.insights.series import Missing
from services.insights.source import Query
from services.kit.call import Project
from services.kit.errors import Exhausted, Refused
from services.kit.identity import project
from tidemark.v1 import forecast_pb2 as pb
from tidemark.v1 import forecast_pb2_grpc
from tidemark.v1.query_pb2 import RunQueryResponse
from tidemark.v1.question_pb2 import Query as Question

THREADS = 2
MOST_OF_PROJECT = 8
"""Forecasts of a project under way at once."""

T = TypeVar("T")


class Forecast(forecast_pb2_grpc.ForecastServiceServicer):
    """The RPCs of ForecastService."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._threads = ThreadPoolExecutor(THREADS, "forecast")
        self._under_way: Counter[int] = Counter()

    async def Forecast(self, request: pb.ForecastRequest, context: Any) -> pb.ForecastResponse:
        """Forecasts the series of a question."""
        parent = await project(request.project)
        asked, question = read.forecast(request), request.query
        zone = ZoneInfo(question.time_zone or parent.time_zone)
        return await self._made(
            parent, question, lambda found: answer.forecast(found, question, asked, zone), request.as_of
        )

    async def Backtest(self, request: pb.BacktestRequest, context: Any) -> pb.BacktestResponse:
        """Forecasts the past of a series."""
        parent = await project(request.project)
        asked, question = read.backtest(request), request.query
        return await self._made(parent, question, lambda found: answer.backtest(found, question, asked))

    async def _made(
        self, parent: Project, question: Question, make: Callable[[RunQueryResponse], T], as_of: str = ""
    ) -> T:
        """What is made of the answer to a question, of the state `as_of` where one is given."""
        if self._under_way[parent.project_id] >= MOST_OF_PROJECT:
            raise Exhausted(
                f"{MOST_OF_PROJECT} forecasts of the project are under way; ask again when they are made",
                retry_after=1.0,
                reason="TOO_MANY_FORECASTS",
            )
        self._under_way[parent.project_id] += 1
        try:
            found = await self._query.run(parent.name, question, as_of=as_of)
            return await asyncio.get_running_loop().run_in_executor(self._threads, make, found)
        except Missing as missing:
            raise Refused(str(missing), reason=missing.reason) from missing
        finally:
            self._under_way[parent.project_id] -= 1
