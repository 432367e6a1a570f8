"""Sessions grow, become one, and count what came too late for them."""

from tests.windowing import Happened, Kept, lasting, sessions


def spans(kept: Kept) -> list[tuple[float, float, int]]:
    return [
        (
            (each.start_us - 1_767_225_600_000_000) / 1e6,
            (each.end_us - 1_767_225_600_000_000) / 1e6,
            each.count,
        )
        for each in kept.merged()
    ]


def test_a_session_ends_the_gap_after_its_last_event() -> None:
    kept = Kept(sessions(gap=10)).commit(Happened(0), Happened(9.5), Happened(19.5))
    assert spans(kept) == [(0, 19.5, 2), (19.5, 29.5, 1)]


def test_an_event_between_two_sessions_makes_them_one() -> None:
    kept = Kept(sessions(gap=10)).commit(Happened(0), Happened(15))
    assert len(kept.results) == 2
    kept.commit(Happened(8))
    assert spans(kept) == [(0, 25, 3)]
    assert len(kept.results) == 1


def test_an_earlier_event_moves_the_beginning() -> None:
    kept = Kept(sessions(gap=10)).commit(Happened(20))
    kept.commit(Happened(12))
    assert spans(kept) == [(12, 30, 2)]
    assert len(kept.results) == 1


def test_sessions_of_different_people_are_apart() -> None:
    kept = Kept(sessions(gap=10)).commit(Happened(0), Happened(5, "bob"), Happened(8))
    assert spans(kept) == [(0, 18, 2), (5, 15, 1)]


def test_sessions_of_two_partitions_are_one_for_readers() -> None:
    kept = Kept(sessions(gap=10)).commit(Happened(0), Happened(8, partition=1), Happened(16))
    assert len(kept.results) == 3
    assert spans(kept) == [(0, 26, 3)]


def test_an_event_that_keeps_an_open_session_going_is_not_late() -> None:
    kept = Kept(lasting(sessions(gap=10), 0)).commit(Happened(0), Happened(8))
    kept.commit(Happened(4), watermark=15)
    (found,) = kept.merged()
    assert (found.count, found.late, found.dropped) == (3, 0, 0)


def test_a_late_event_restates_its_session() -> None:
    kept = Kept(lasting(sessions(gap=10), 60)).commit(Happened(0))
    kept.commit(Happened(4), watermark=30)
    (found,) = kept.merged()
    assert (found.count, found.late, found.restated) == (2, 1, True)


def test_what_comes_too_late_is_counted_where_it_lies() -> None:
    kept = Kept(lasting(sessions(gap=10), 0)).commit(Happened(100))
    kept.commit(Happened(103), Happened(50), watermark=1000)
    assert [(each.count, each.dropped) for each in kept.merged()] == [(0, 1), (1, 1)]
    kept.commit(Happened(50), watermark=1000)
    assert [(each.count, each.dropped) for each in kept.merged()] == [(0, 2), (1, 1)]


def test_a_session_takes_over_what_was_dropped_in_its_time() -> None:
    kept = Kept(lasting(sessions(gap=10), 20)).commit(Happened(50), watermark=90)
    assert [(each.count, each.dropped) for each in kept.merged()] == [(0, 1)]
    kept.commit(Happened(45), Happened(54), Happened(63), Happened(72), watermark=90)
    assert [(each.count, each.late, each.dropped) for each in kept.merged()] == [(4, 4, 1)]
    assert len(kept.results) == 1
