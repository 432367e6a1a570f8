"""Files of rows: what columns are taken for, what values become, what is wrong with bad rows."""

import io
from datetime import UTC, date, datetime

import pytest

from tidemark.load import files
from tidemark.load.draft import BadRow
from tidemark.load.files import Columns

WHEN = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)


def load(rows, **columns):
    return list(files.drafts(rows, lambda row: Columns(**columns).guessed(row, "orders"), "orders.csv"))


def csv(text):
    return files.csv_rows(io.BytesIO(text.encode()))


def test_columns_are_guessed_and_the_rest_are_properties():
    (draft,) = load(csv("Event,Timestamp,User ID,amount,note\nbuy,2026-11-01T12:30:00Z,ann,12.5,\n"))
    assert (draft.name, draft.occurred_at, draft.user_id) == ("buy", WHEN, "ann")
    assert draft.properties == {"amount": 12.5}


def test_a_file_without_names_calls_every_event_by_the_file():
    (draft,) = load(csv("time,amount\n2026-11-01T12:30:00Z,3\n"))
    assert (draft.name, draft.properties) == ("orders", {"amount": 3})


def test_columns_can_be_told():
    (draft,) = load(csv("a,b,c\n2026-11-01 12:30,ann,7\n"), time="a", user="b", id="c", always="sale")
    assert (draft.name, draft.occurred_at, draft.user_id, draft.properties) == ("sale", WHEN, "ann", {})


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="--time: there is no column 'when'"):
        load(csv("a,b\n1,2\n"), time="when")
    with pytest.raises(ValueError, match="--time: no column looks like a time; name one of a, b"):
        load(csv("a,b\n1,2\n"))


def test_cells_that_are_names_stay_texts():
    ((_, row),) = csv("a;b;c;d;e;f\n007;1e3;-2;true;12345678901234567890;nan\n")
    assert row == {"a": "007", "b": 1000.0, "c": -2, "d": True, "e": "12345678901234567890", "f": "nan"}


def test_a_byte_order_mark_quotes_and_line_ends_within_cells():
    ((place, row),) = csv('\ufeffa,b\r\n"x, ""y""","1\n2"\r\n')
    assert (place, row) == ("line 3", {"a": 'x, "y"', "b": "1\n2"})


def test_bad_rows_do_not_stop_the_others():
    found = load(csv("time,amount\nsoon,1\n2026-11-01T12:30:00Z,2\n1,2,3\n,4\n"))
    assert [it.fault for it in found if isinstance(it, BadRow)] == [
        "time: 'soon' is no time; give ISO 8601 or seconds since 1970",
        "has 3 cells where the header has 2",
        "time: is missing",
    ]
    assert len(found) == 4


def test_ndjson_merges_an_object_of_properties():
    lines = b'{"event": "buy", "ts": 1793536200, "properties": {"a": {"b": 1}}, "c": [2]}\n\nnonsense\n[1]\n'
    draft, bad, worse = load(files.ndjson(io.BytesIO(lines)))
    assert draft.properties == {"a": {"b": 1}, "c": [2]}
    assert (bad.place, bad.fault.startswith("is not JSON")) == ("line 3", True)
    assert (worse.place, worse.fault) == ("line 4", "is not a JSON object")


def test_parquet_rows(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    table = pyarrow.table(
        {"name": ["a", "b"], "time": [WHEN, WHEN], "size": [1, None], "raw": [b"\x01", b""]}
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    first, second = load(files.parquet(tmp_path / "t.parquet"))
    assert (first.name, first.occurred_at, first.properties) == ("a", WHEN, {"size": 1, "raw": "01"})
    assert second.properties == {"raw": ""}


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-01T12:30:00+00:00",
        "2026-11-01 13:30:00+01:00",
        "1793536200",
        1793536200,
        1793536200.0,
        1793536200_000,
        1793536200_000_000,
        1793536200_000_000_000,
        WHEN,
        WHEN.replace(tzinfo=None),
    ],
)
def test_times_in_every_usual_form(value):
    assert files.instant(value) == WHEN


def test_a_date_is_its_first_instant():
    assert files.instant(date(2026, 11, 1)) == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "soon", True, None, 1e30, [1]])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(ValueError, match=r"^time: "):
        files.instant(value)


def test_rows_with_an_id_are_the_same_event_wherever_they_stand():
    one, two = (
        load(csv("id,time,x\n7,2026-11-01,1\n"))[0],
        load(csv("id,time,x\n6,2026-11-01,1\n7,2026-11-01,1\n"))[1],
    )
    assert one.event_id == two.event_id
    one, two = load(csv("time,x\n2026-11-01,1\n2026-11-01,1\n"))
    assert one.event_id != two.event_id
