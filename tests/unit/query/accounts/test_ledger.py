from datetime import UTC, datetime, timedelta

from services.kit.calendar import Span
from services.query.accounts.ledger import RECOUNTED_ROWS, Account, Amounts, balanced, entry, recountable

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GOOD = Amounts(received=10, stored=6, duplicate=2, rejected=1, dead_lettered=1)


def test_what_is_in_flight_was_received_too() -> None:
    found = entry(GOOD, 5)
    assert (found.received, found.in_flight) == (15, 5)
    accounted = found.stored + found.duplicate + found.rejected + found.dead_lettered + found.in_flight
    assert found.received == accounted


def test_rows_total_and_recounts_must_all_agree() -> None:
    assert balanced([GOOD], 0, GOOD, [6, 6])
    assert balanced([], 0, Amounts(), [0])
    assert not balanced([GOOD], 1, GOOD, [6])
    assert not balanced([GOOD], 0, GOOD, [6, 5])
    assert not balanced([Amounts(received=1)], 0, GOOD, [6])
    assert not balanced([GOOD], 0, Amounts(received=1), [0])


def test_rows_are_recounted_only_where_that_costs_little() -> None:
    day = timedelta(days=1)
    assert recountable(day, GOOD)
    assert not recountable(day + timedelta(minutes=1), GOOD)
    assert not recountable(day, Amounts(stored=RECOUNTED_ROWS + 1))


def test_events_that_came_in_time_lie_near_their_receipt() -> None:
    account = Account(7, Span(NOON, NOON + timedelta(hours=1)))
    assert account.near(timedelta(days=1)) == (NOON - timedelta(days=1), NOON + timedelta(hours=2))
    assert account.parameters(size=3)["size"] == 3
