"""The answer to a question about groups, as plain frozen dataclasses; what was not measured is NaN."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tidemark.plain import Metadata, Rows
from tidemark.v1 import metric_pb2, question_pb2


def label(group: Sequence[str], *, other: bool = False, otherwise: str = "") -> str:
    """What a legend calls a group."""
    return "other" if other else " · ".join(part or "(none)" for part in group) or otherwise


def kind_name(kind: int) -> str:
    """The name of a metric's kind; empty for events."""
    name = metric_pb2.MetricKind.Name(kind).removeprefix("METRIC_KIND_")  # type: ignore[arg-type]
    return "" if name == "UNSPECIFIED" else name


@dataclass(frozen=True, slots=True)
class Column:
    """What the values of a table's rows are."""

    id: str
    kind: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One group, with a value for each column."""

    group: tuple[str, ...]
    other: bool
    values: tuple[float, ...]
    previous_values: tuple[float, ...] = ()

    @classmethod
    def of(cls, message: question_pb2.TableRow) -> "TableRow":
        return cls(tuple(message.group), message.other, tuple(message.values), tuple(message.previous_values))

    @property
    def label(self) -> str:
        """What people call this group."""
        return label(self.group, other=self.other, otherwise="all")


@dataclass(frozen=True, slots=True)
class Table(Rows):
    """Measures of groups, in order; `total` is of all of them."""

    columns: tuple[Column, ...]
    groups: tuple[TableRow, ...]
    total: TableRow
    metadata: Metadata | None = None
    fields: tuple[str, ...] = ()
    """What the groups were split by, where that is known."""

    @classmethod
    def of(cls, message: question_pb2.TableResult, metadata: Metadata, fields: Sequence[str] = ()) -> "Table":
        columns = tuple(Column(each.id, kind_name(each.kind), each.unit) for each in message.columns)
        groups = tuple(TableRow.of(row) for row in message.rows)
        return cls(columns, groups, TableRow.of(message.total), metadata, tuple(fields))

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each group."""
        return [self._row(group) for group in self.groups]

    def _row(self, row: TableRow) -> dict[str, Any]:
        names = self.fields or ("group",)
        named: Sequence[str | None] = row.group if self.fields else (row.label,)
        found: dict[str, Any] = dict(zip(names, named if named else [None] * len(names), strict=True))
        if row.other:
            found |= {"other": True} if self.fields else {}
        elif self.fields and any(each.other for each in self.groups):
            found |= {"other": False}
        found |= {column.id: value for column, value in zip(self.columns, row.values, strict=True)}
        before = zip(self.columns, row.previous_values, strict=False)
        return found | {f"previous {column.id}": value for column, value in before}
