"""Public data sets as events, for the benchmark of behaviour models: a folder of files comes in, tables of events go out, as `tidemark load
parquet` takes them: `name`, `occurred_at`, `user_id`, and a column for each property.

What a set has no date for gets one: the months of visits are those of 2018, contracts are of 2019, a minute apart.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

STARTS = {"2013B": datetime(2013, 2, 1, tzinfo=UTC), "2013J": datetime(2013, 10, 1, tzinfo=UTC)}
"""When the presentations of a course began."""
AHEAD_DAYS = 14
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "June", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAY_US, _MINUTE_US = 86_400_000_000, 60_000_000
_COURSE = ["code_module", "code_presentation"]


def retail(folder: Path) -> pa.Table:
    """A purchase or a cancellation for each invoice of a known customer, with what it was worth."""
    lines = pq.read_table(folder / "events_online_retail" / "online_retail.parquet")
    lines = lines.filter(pc.is_valid(lines["CustomerID"]))
    worth = pc.multiply(lines["Quantity"].cast(pa.float64()), lines["UnitPrice"].cast(pa.float64()))
    invoices = lines.append_column("Worth", worth).group_by(["InvoiceNo", "CustomerID"]).aggregate(
        [("InvoiceDate", "min"), ("Worth", "sum"), ("StockCode", "count_distinct"), ("Quantity", "sum")]
    )  # fmt: skip
    cancelled = pc.starts_with(invoices["InvoiceNo"].cast(pa.string()), "C")
    return pa.table(
        {
            "name": pc.if_else(cancelled, "cancellation", "purchase"),
            "occurred_at": pc.assume_timezone(invoices["InvoiceDate_min"].cast(pa.timestamp("us")), "UTC"),
            "user_id": invoices["CustomerID"].cast(pa.int64()).cast(pa.string()),
            "revenue": pc.round(invoices["Worth_sum"], 2),
            "products": invoices["StockCode_count_distinct"],
            "items": invoices["Quantity_sum"],
        }
    )


def learning(folder: Path, share: int = 1) -> pa.Table:
    """What learners of a course do, a learner being one of a presentation: they register, leave and hand in; and two weeks before an
    assessment is due, they are reminded of it, if they are still there and have not handed it in yet or carried it over. With
    `share`, only every so many learners.
    """
    here = folder / "events_oulad"
    students, registered, assessments, submitted = (
        pq.read_table(here / f"{name}.parquet")
        for name in ("student", "student_registration", "assessment", "student_assessment")
    )
    registered = registered.filter(pa.array(registered["id_student"].to_numpy() % share == 0))
    who = registered.join(
        students.select([*_COURSE, "id_student"]), [*_COURSE, "id_student"], join_type="inner"
    )
    due = assessments.filter(pc.is_valid(assessments["date"])).rename_columns({"date": "due"})
    handed = submitted.join(due, "id_assessment", join_type="inner")
    handed = handed.join(who, [*_COURSE, "id_student"], join_type="inner")
    ahead = who.join(due, _COURSE, join_type="inner")
    ahead = ahead.filter(pc.not_equal(ahead["assessment_type"], "Exam"))
    ahead = ahead.append_column("day", pc.subtract(ahead["due"], AHEAD_DAYS))
    ahead = ahead.join(
        submitted.select(["id_assessment", "id_student", "date_submitted", "is_banked"]),
        ["id_assessment", "id_student"],
    )
    done = pc.or_(ahead["is_banked"], pc.less(ahead["date_submitted"], ahead["day"]))
    gone = pc.less(ahead["date_unregistration"], ahead["day"])
    late = pc.greater_equal(pc.fill_null(ahead["date_registration"], -30), ahead["day"])
    out = pc.or_(pc.or_(pc.fill_null(done, False), pc.fill_null(gone, False)), pc.less(ahead["day"], 0))
    ahead = ahead.filter(pc.invert(pc.or_(out, late)))
    return pa.concat_tables(
        [
            _course_events("registered", who, pc.fill_null(who["date_registration"], -30)),
            _course_events("left", *_known(who, "date_unregistration")),
            _course_events(
                "handed_in", handed, handed["date_submitted"], hour=12,
                assessment=handed["id_assessment"], score=handed["score"],
                days_early=pc.subtract(handed["due"], handed["date_submitted"].cast(pa.float64())),
            ),
            _course_events(
                "assessment_due", ahead, ahead["day"],
                assessment=ahead["id_assessment"], kind=ahead["assessment_type"], weight=ahead["weight"],
                due_day=ahead["due"], course=ahead["code_module"],
            ),
        ],
        promote_options="default",
    )  # fmt: skip


def visits(folder: Path) -> pa.Table:
    """A visit of a shop by somebody else each; the rows of a month stand evenly in it, as they come."""
    rows = pq.read_table(folder / "tabular_shoppers" / "purchase_intention.parquet")
    months = [MONTHS.index(month) for month in rows["month"].cast(pa.string()).to_pylist()]
    edges = [int(datetime(2018 + m // 12, m % 12 + 1, 1, tzinfo=UTC).timestamp() * 1e6) for m in range(13)]
    at = np.empty(len(months), np.int64)
    for month in sorted(set(months)):
        mine = np.flatnonzero(np.array(months) == month)
        at[mine] = edges[month] + (np.arange(len(mine)) * (edges[month + 1] - edges[month])) // len(mine)
    return _rows("visit", rows, at)


def contracts(folder: Path) -> pa.Table:
    """A contract of somebody else each."""
    rows = pq.read_table(folder / "tabular_telco" / "telco_churn.parquet")
    start = int(datetime(2019, 1, 1, tzinfo=UTC).timestamp() * 1e6)
    return _rows("contract", rows, start + np.arange(len(rows)) * _MINUTE_US)


def _rows(name: str, rows: pa.Table, at: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Table:
    return pa.table(
        {
            "name": [name] * len(rows),
            "occurred_at": pa.array(at).cast(pa.timestamp("us", "UTC")),
            "user_id": [f"{name}-{i:05}" for i in range(len(rows))],
            **{each: rows[each] for each in rows.column_names},
        }
    )


def _known(rows: pa.Table, column: str) -> tuple[pa.Table, pa.ChunkedArray]:
    found = rows.filter(pc.is_valid(rows[column]))
    return found, found[column]


def _course_events(
    name: str, rows: pa.Table, day: pa.ChunkedArray, hour: int = 0, **properties: pa.ChunkedArray
) -> pa.Table:
    """Events of learners by the day of their course."""
    starts = pa.array(
        [int(STARTS[each].timestamp() * 1e6) for each in rows["code_presentation"].to_pylist()], pa.int64()
    )
    days = pc.multiply(day.cast(pa.int64()), _DAY_US)
    at = pc.add(pc.add(starts, days), hour * 60 * _MINUTE_US)
    user = pc.binary_join_element_wise(
        *(rows[each].cast(pa.string()) for each in _COURSE),
        rows["id_student"].cast(pa.int64()).cast(pa.string()),
        "-",
    )
    return pa.table(
        {
            "name": [name] * len(rows),
            "occurred_at": at.cast(pa.timestamp("us", "UTC")),
            "user_id": user,
            **properties,
        }
    )
