"""Which rows of events are wanted in bulk: made by `behaviour`, `cohorts` and raw series, read by `source` into a table.

The table has a row for each event that fits, ordered by user, time and event id, with these columns:

    user        dictionary<int32, string>   who; codes grow with the rows, so that rows of one user stand together
    at          int64                       when, in microseconds since 1970
    <Text>      dictionary<int32, string>   the value of a field as text, as groups are told apart by it; null when missing
    <Flag>      bool                        whether a condition holds, never null
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import pyarrow as pa

from services.kit.calendar import Span
from services.query.fields import Field
from services.query.filter import Condition
from tidemark.v1.question_pb2 import DataSource


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
    cuts: tuple[datetime, ...] = ()
    """Instants, in order. Before the last of them, one row of each user in each piece of time that they cut is enough for each
    combination of flags, whichever row it is; texts come from that row, and rows of one instant stand in any order. Lifecycles ask
    who was there, through all of time, and would else hold every event. A table that holds all rows serves as well."""
    until: tuple[int, ...] = ()
    """By partition, of how many batches rows are wanted; none are named where all are."""


def source_of(table: pa.Table) -> DataSource:
    """What the rows of a table were read from: segments where any were, which its schema's metadata says under `source`."""
    name = (table.schema.metadata or {}).get(b"source", b"DATA_SOURCE_RAW").decode()
    return cast("DataSource", DataSource.Value(name))
