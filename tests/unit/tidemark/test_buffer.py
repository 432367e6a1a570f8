"""The buffer: batches end by count, by bytes and on request, and held bytes never pass the limit."""

import threading

import pytest

from tidemark.buffer import Buffer, Limits
from tidemark.errors import BufferFull, Closed, TooLarge

LIMITS = Limits(batch_count=3, batch_bytes=100, buffer_bytes=300)


@pytest.fixture
def signals():
    return []


@pytest.fixture
def buffer(signals):
    return Buffer("events", LIMITS, lambda: signals.append(1))


def counts(buffer):
    return [count for count, _, _ in buffer.sealed]


def test_a_batch_ends_at_its_count_and_signals_begin_and_end(buffer, signals):
    for _ in range(4):
        buffer.add(b"x")
    assert counts(buffer) == [3]
    assert buffer.begun
    assert len(signals) == 3


def test_a_batch_ends_before_it_grows_too_large(buffer):
    buffer.add(b"x" * 60)
    buffer.add(b"y" * 60)
    assert counts(buffer) == [1]


def test_a_full_buffer_refuses_and_has_room_again_after_release(buffer):
    for _ in range(3):
        buffer.add(b"x" * 90)
    with pytest.raises(BufferFull, match="buffer_bytes = 300"):
        buffer.add(b"x" * 90)
    assert buffer.added == 3
    _, body, _ = buffer.sealed.popleft()
    buffer.release(len(body))
    buffer.add(b"x" * 90)


def test_one_event_larger_than_a_batch_is_refused(buffer):
    with pytest.raises(TooLarge, match="takes 203 bytes; a batch takes 100"):
        buffer.add(b"x" * 200)


def test_nothing_is_taken_after_closing(buffer):
    buffer.closed = True
    with pytest.raises(Closed):
        buffer.add(b"x")


def test_held_bytes_are_exactly_those_of_the_bodies(buffer):
    for size in (1, 20, 90, 5):
        buffer.add(b"x" * size)
    buffer.seal()
    assert buffer.held == sum(len(body) for _, body, _ in buffer.sealed)


def test_threads_lose_nothing():
    buffer = Buffer("events", Limits(), lambda: None)

    def add():
        for _ in range(5000):
            buffer.add(b"event")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    buffer.seal()
    assert sum(counts(buffer)) == buffer.added == 20_000


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"batch_count": 0}, "batch_count"),
        ({"batch_bytes": 9 << 20}, "batch_bytes"),
        ({"buffer_bytes": 1}, "buffer_bytes"),
    ],
)
def test_limits_that_cannot_work_are_refused(given, name):
    with pytest.raises(ValueError, match=name):
        Limits(**given)
