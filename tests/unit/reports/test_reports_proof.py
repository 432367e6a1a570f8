"""Control totals are those of the cells, however rows come."""

import hashlib
import math
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.instant import at
from services.reports.document import Document, Form, Kind, Section, Table
from services.reports.proof import ROWS, prove, total
from tests.unit.reports import sample

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.none()
WHOLE = st.integers(-(2**63), 2**63 - 1) | st.none()
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.none()
INSTANTS = st.integers(0, 7_258_118_400_000_000).map(at) | st.none()
CELLS = st.lists(st.tuples(TEXTS, WHOLE, NUMBERS, INSTANTS, st.booleans() | st.none()), max_size=12)
KINDS = (Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.INSTANT, Kind.BOOLEAN)


@dataclass(frozen=True)
class Cut:
    """Rows that come in batches of other sizes."""

    table: pa.Table
    size: int

    @property
    def count(self) -> int:
        return int(self.table.num_rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield from self.table.to_batches(max_chunksize=self.size)


def table(cells: list[tuple[Any, ...]], size: int = 0) -> Table:
    columns: dict[str, tuple[Form, Sequence[Any]]] = {
        kind.value: (Form(kind), [row[place] for row in cells]) for place, kind in enumerate(KINDS)
    }
    made = sample.table("t", "T", columns)
    return replace(made, rows=Cut(made.rows.table, size)) if size else made  # type: ignore[attr-defined]


def by_hand(made: Table) -> str:
    """The rule of docs/reports.md, cell by cell."""
    rows = [[column.title for column in made.columns]]
    rows += [list(row.values()) for batch in made.rows.batches() for row in batch.to_pylist()]
    digest = hashlib.sha256()
    for row in rows:
        for cell in row:
            digest.update(cell_text(cell))
        digest.update(b"\n")
    return digest.hexdigest()


def cell_text(cell: Any) -> bytes:
    if cell is None:
        return b"-"
    if isinstance(cell, bool):
        text = "true" if cell else "false"
    elif isinstance(cell, datetime):
        text = cell.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    else:
        text = cell if isinstance(cell, str) else repr(cell)
    return f"{len(text.encode())}:{text}".encode()


@given(CELLS)
def test_the_hash_is_by_the_rule_written_down(cells: list[tuple[Any, ...]]) -> None:
    assert total(table(cells)).sha256 == by_hand(table(cells))


@given(CELLS, st.integers(1, 5))
def test_how_rows_come_does_not_matter(cells: list[tuple[Any, ...]], size: int) -> None:
    assert total(table(cells, size)) == total(table(cells))


@given(CELLS.filter(bool), st.data())
def test_any_change_of_a_cell_changes_the_hash(cells: list[tuple[Any, ...]], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(cells) - 1))
    column = data.draw(st.integers(0, len(KINDS) - 1))
    other = data.draw([TEXTS, WHOLE, NUMBERS, INSTANTS, st.booleans() | st.none()][column])
    changed = [list(each) for each in cells]
    changed[row][column] = other
    same = repr(other) == repr(cells[row][column])
    assert (total(table([tuple(each) for each in changed])).sha256 == total(table(cells)).sha256) == same


@given(st.lists(NUMBERS), st.lists(WHOLE))
def test_sums_are_rounded_once(numbers: list[float | None], whole: list[int | None]) -> None:
    floats = sample.table("t", "T", {"n": (Form(Kind.NUMBER), numbers)})
    integers = sample.table("t", "T", {"n": (Form(Kind.INTEGER), whole)})
    [proof] = total(floats).columns
    there = [value for value in numbers if value is not None]
    assert proof.value_count == len(there)
    exact = sum(map(Fraction, there), Fraction())
    if abs(exact) < Fraction(2) ** 1000 and all(abs(value) < 2.0**1000 for value in there):
        assert proof.sum == float(exact)
    [proof] = total(integers).columns
    assert proof.sum == float(sum(value for value in whole if value is not None))


def test_what_is_beyond_all_numbers_is_infinite() -> None:
    [proof] = total(sample.table("t", "T", {"n": (Form(Kind.NUMBER), [1e308] * 3)})).columns
    assert proof.sum == math.inf


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": ["b", "c"]}, {"a": ["bc", ""]}),
        ({"a": ["b"], "c": ["d"]}, {"a": ["b", "c", "d"]}),
        ({"a": [None]}, {"a": [""]}),
        ({"a": [None]}, {"a": ["-"]}),
        ({"a": ["1:b"]}, {"a": ["1", "b"]}),
        ({"a": ["b"]}, {"b": ["b"]}),
        ({"a": []}, {}),
        ({"a": ["b", "c"]}, {"a": ["c", "b"]}),
    ],
)
def test_no_two_tables_have_the_same_hash(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> None:
    made = [
        sample.table("t", "T", {head: (Form(Kind.TEXT), values) for head, values in each.items()})
        for each in (one, other or {"b": []})
    ]
    assert len({total(each).sha256 for each in made}) == 2


def test_a_document_is_proven_section_by_section() -> None:
    document = sample.document()
    proofs = prove(document)
    assert [proof.section_id for proof in proofs] == [each.section_id for each in document.sections]
    orders = next(proof for proof in proofs if proof.section_id == "orders")
    assert [(each.table_id, each.row_count) for each in orders.tables] == [("orders", 640)]
    traffic = next(proof for proof in proofs if proof.section_id == "traffic")
    assert (traffic.data_version, traffic.completeness) == ("v41-00018f2c", 0.9987)
    assert traffic.watermark.ToDatetime(UTC) == datetime(2026, 10, 29, 5, 58, tzinfo=UTC)
    assert list(traffic.notes) == ["Two producers were silent on 14 October for an hour."]


def test_memory_is_flat() -> None:
    batch = pa.record_batch({"n": pa.array([0.1] * ROWS), "text": pa.array(["some text"] * ROWS)})

    @dataclass(frozen=True)
    class Many:
        count: int

        def batches(self) -> Iterator[pa.RecordBatch]:
            for _ in range(self.count // ROWS):
                yield batch

    def peak(batches: int) -> int:
        made = sample.table("t", "T", {"n": (Form(Kind.NUMBER), []), "text": (Form(Kind.TEXT), [])})
        tracemalloc.start()
        found = total(replace(made, rows=Many(batches * ROWS)))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found.row_count == batches * ROWS
        return most

    assert peak(8) < 1.2 * peak(2)


def document(*tables: Table, about_data: bool = False) -> Document:
    section = Section("s", "S", tables, about_data=about_data)
    return replace(sample.of(), sections=(section,))


def test_a_document_of_nothing_is_empty() -> None:
    count, text = Form(Kind.INTEGER), Form(Kind.TEXT)
    nothing = sample.table(
        "a", "A", {"day": (text, ["Monday"]), "n": (count, [0]), "x": (sample.SHARE, [None])}
    )
    none = sample.table("b", "B", {"name": (text, [])})
    one = sample.table("c", "C", {"name": (text, ["Ann"])})
    more = sample.table("d", "D", {"day": (text, ["Monday", "Tuesday"]), "n": (count, [0, 2])})
    figures = [sample.figures("f", sample.figure("n", "N", value)) for value in (0, None, 3)]
    assert document(nothing, none, figures[0], figures[1]).empty  # type: ignore[arg-type]
    assert not any(document(nothing, each).empty for each in (one, more, figures[2]))  # type: ignore[arg-type]
    assert document(more, about_data=True).empty
    assert not sample.document().empty
