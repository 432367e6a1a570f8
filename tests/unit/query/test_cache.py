"""Answers kept for a while."""

from services.query.cache import OVERHEAD, Cache, Kept
from tidemark.v1 import question_pb2 as pb


def kept(size: int = 0) -> Kept:
    result = pb.SeriesResult(series=[pb.Series(measure_id="x" * size)])
    return Kept(result, pb.QueryMetadata(), None)


def test_an_answer_is_found_by_what_names_it() -> None:
    cache, answer = Cache(1 << 20), kept()
    cache.put("a", answer)
    assert cache.get("a") is answer
    assert cache.get("b") is None


def test_an_answer_older_than_allowed_is_not_taken() -> None:
    cache = Cache(1 << 20)
    cache.put("a", Kept(pb.SeriesResult(), pb.QueryMetadata(), None, at=-1000.0))
    assert cache.get("a", most_seconds=1.0) is None
    assert cache.get("a") is not None


def test_the_answer_asked_for_longest_ago_makes_room() -> None:
    cache = Cache(5 * OVERHEAD - 1)
    for name in "abcd":
        cache.put(name, kept())
    cache.get("a")
    cache.put("e", kept())
    assert [name for name in "abcde" if cache.get(name)] == ["a", "c", "d", "e"]


def test_an_answer_that_would_fill_a_quarter_is_not_kept_and_pushes_nothing_out() -> None:
    cache = Cache(8 * OVERHEAD)
    cache.put("small", kept())
    cache.put("large", kept(2 * OVERHEAD))
    assert cache.get("large") is None
    assert cache.get("small") is not None


def test_an_answer_put_again_counts_once() -> None:
    cache = Cache(5 * OVERHEAD)
    for _ in range(100):
        cache.put("a", kept())
    cache.put("b", kept())
    assert cache.get("a") is not None


def test_nothing_is_kept_in_no_room() -> None:
    cache = Cache(0)
    cache.put("a", kept())
    assert cache.get("a") is None


def test_a_flight_lands_with_what_was_put_into_it() -> None:
    cache, answer = Cache(1 << 20), kept()
    with cache.flying("a") as flight:
        assert cache.flight("a") is flight
        assert not flight.landed.is_set()
        flight.kept = answer
    assert cache.flight("a") is None
    assert flight.landed.is_set()
    assert flight.kept is answer


def test_a_flight_that_fails_lands_without_an_answer() -> None:
    cache = Cache(1 << 20)
    try:
        with cache.flying("a") as flight:
            raise RuntimeError
    except RuntimeError:
        pass
    assert flight.landed.is_set()
    assert flight.kept is None
    assert cache.flight("a") is None
