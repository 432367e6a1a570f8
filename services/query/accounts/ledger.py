"""The account of what was received: an `Account` is asked of `store`, whose `Amounts` become entries of the answer and a verdict. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.kit.calendar import Span
from tidemark.v1.query_pb2 import LedgerEntry

RECOUNTED_RANGE = timedelta(hours=24)
RECOUNTED_ROWS = 2_000_000
"""A longer range, or one that holds more, is recounted by batches alone."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose ledger, or that of which producer, over whole minutes."""

    project_id: int
    span: Span
    producer_id: str = ""

    def since(self, kept_since: datetime | None) -> "Account":
        """What is kept of it: the ledger and the batches of what was received before are removed, or about to be."""
        if kept_since is None or kept_since <= self.span.start:
            return self
        return replace(self, span=Span(kept_since, max(kept_since, self.span.end)))

    def parameters(self, **others: object) -> dict[str, object]:
        """For the statements of `store`."""
        whose = {"project": self.project_id, "producer": self.producer_id}
        return whose | {"start": self.span.start, "end": self.span.end} | others

    def near(self, lateness: timedelta) -> tuple[datetime, datetime]:
        """The time in which events received in the span lie, unless they came late."""
        return self.span.start - lateness, self.span.end + timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Amounts:
    """received, and what became of it."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    dead_lettered: int = 0

    @property
    def balanced(self) -> bool:
        """Whether everything received is accounted for."""
        return self.received == self.stored + self.duplicate + self.rejected + self.dead_lettered


def entry(
    amounts: Amounts, in_flight: int = 0, producer_id: str = "", minute: datetime | None = None
) -> LedgerEntry:
    """A row of the answer, or the total. What is in flight was received too."""
    found = LedgerEntry(
        producer_id=producer_id,
        received=amounts.received + in_flight,
        stored=amounts.stored,
        duplicate=amounts.duplicate,
        rejected=amounts.rejected,
        dead_lettered=amounts.dead_lettered,
        in_flight=in_flight,
    )
    if minute is not None:
        found.minute.FromDatetime(minute)
    return found


def recountable(length: timedelta, total: Amounts) -> bool:
    """Whether the rows themselves are counted too."""
    return length <= RECOUNTED_RANGE and total.stored <= RECOUNTED_ROWS


def balanced(rows: Sequence[Amounts], unbalanced: int, total: Amounts, recounts: Sequence[int]) -> bool:
    """Whether the rows given, all rows of the range (`unbalanced` of them are not) and every recount of what is stored agree."""
    return (
        not unbalanced
        and total.balanced
        and all(row.balanced for row in rows)
        and set(recounts) <= {total.stored}
    )
