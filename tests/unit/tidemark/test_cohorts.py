import asyncio

import grpc.aio
import pytest

from tidemark.cohorts import Cohorts, did
from tidemark.v1 import question_pb2 as q


def test_a_condition_is_spelt_like_a_step() -> None:
    found = did("order_placed where properties.amount > 10", during="last month", at_least=2, at_most=5)
    assert found.did.name == "order_placed"
    assert found.did.filter.comparison.field == "properties.amount"
    assert found.time_range.calendar.unit == q.Interval.UNIT_MONTH
    assert (found.at_least, found.at_most, found.negated) == (2, 5, False)


def test_a_cohort_is_listed_or_found_and_not_both() -> None:
    async def create() -> None:
        async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
            await Cohorts(channel, "projects/demo", (), 1.0).create(people=["ann"], rule=[did("a")])

    with pytest.raises(ValueError, match="people: are given beside a rule"):
        asyncio.run(create())
