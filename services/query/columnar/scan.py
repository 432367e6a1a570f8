"""Which rows of events are wanted in bulk: made by `behaviour`, `cohorts` and raw series, read by `source` into a table.

The table has a row for each event that fits, ordered by user, time and event id, with these columns:

    user        dictionary<int32, string>   who; codes grow with the rows, so that rows of one user stand together
    at          int64                       when, in microseconds since 1970
    <Text>      dictionary<int32, string>   the value of a field as text, as groups are told apart by it; null when missing
    <Flag>      bool                        whether a condition holds, never null
"""

from dataclasses import dataclass

from services.query.calendar import Span
from services.query.fields import Field
from services.query.filter import Condition


@dataclass(frozen=True, slots=True)
class Text:
    """A column of the values of a field."""

    name: str
    field: Field


@dataclass(frozen=True, slots=True)
class Flag:
    """A column that tells whether a condition holds."""

    name: str
    condition: Condition


Column = Text | Flag


@dataclass(frozen=True, slots=True)
class Scan:
    """Rows of events, and what is wanted of them."""

    span: Span
    condition: Condition
    columns: tuple[Column, ...] = ()
    anonymous: bool = False
    """Whether events without a user are wanted as well; their user is null and they stand last."""
