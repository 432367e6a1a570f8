"""How old a replica is, from where the primary's log stood when."""

import math

from services.query.replica.freshness import REMEMBERED, Freshness


def test_a_replica_lacks_nothing_that_was_written_before_the_last_instant_it_has_come_to() -> None:
    known = Freshness()
    for at, position in ((1.0, 100), (2.0, 200), (3.0, 300)):
        known.written(position, at)
    assert [known.as_of(replayed) for replayed in (99, 100, 250, 300, 999)] == [-math.inf, 1.0, 2.0, 3.0, 3.0]


def test_a_replica_grows_no_older_while_nothing_is_written() -> None:
    known = Freshness()
    for at in range(3 * REMEMBERED):
        known.written(100, float(at))
    assert known.as_of(100) == 3.0 * REMEMBERED - 1
    assert known.as_of(99) == -math.inf


def test_what_was_not_looked_at_for_long_is_as_old_as_can_be() -> None:
    known = Freshness()
    for at in range(REMEMBERED + 1):
        known.written(100 + at, float(at))
    assert known.as_of(100) == -math.inf
    assert known.as_of(101) == 1.0


def test_a_log_that_begins_anew_is_not_taken_for_the_one_before() -> None:
    known = Freshness()
    known.written(500, 1.0)
    known.written(100, 2.0)
    assert known.as_of(400) == 2.0


def test_data_are_complete_with_every_commit_announced_and_every_one_answered_of() -> None:
    known = Freshness()
    assert known.complete((1, 1), {})
    assert not known.complete((1, 1), {1: 2})
    known.saw((3, 0))
    known.saw((2, 4))
    assert known.complete((3, 4), {0: 3})
    assert not known.complete((3, 3), {})
    assert not known.complete((2, 4), {})
