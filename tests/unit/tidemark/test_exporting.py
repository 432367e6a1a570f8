"""A file of an export is whole or absent."""

import io
from pathlib import Path

import pytest

from tidemark.exporting import FORMS, Exported, Target, form_of
from tidemark.v1 import query_pb2 as pb


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.csv", "csv"), ("a.CSV", "csv"), ("a.ndjson", "ndjson"), ("a.jsonl", "ndjson"), ("a.parquet", "parquet"),
        ("a.b.arrow", "arrow"), ("a.arrows", "arrow"),
    ],
)  # fmt: skip
def test_a_form_is_known_by_the_name_of_the_file(name: str, form: str) -> None:
    assert form_of("", name) == form_of("", Path(name)) == FORMS[form]
    assert form_of("csv", "a.parquet") == FORMS["csv"]


def test_what_has_no_form_is_refused() -> None:
    for name, to in (("", "a.txt"), ("", io.BytesIO()), ("xlsx", "a.csv")):
        with pytest.raises(ValueError, match=r"format: .* is not known; write arrow"):
            form_of(name, to)


def test_progress_adds_up() -> None:
    done = Exported().after(pb.ExportResponse(chunk=b"abc", rows=1, rows_expected=2))
    assert (done.rows, done.rows_expected, done.bytes, done.metadata) == (1, 2, 3, None)
    last = pb.ExportResponse(rows=2, rows_expected=2)
    last.metadata.query_id = "q"
    done = done.after(last)
    assert done.metadata is not None
    assert (done.rows, done.bytes, done.metadata.query_id) == (2, 3, "q")


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    complete = Exported().after(pb.ExportResponse(metadata={"query_id": "q"}))  # type: ignore[arg-type]
    with Target(path) as target:
        target.write(b"new")
        assert path.read_text() == "old"
        target.finish(complete)
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def broken_off(path: Path, failure: Exception | None) -> None:
    with Target(path) as target:
        target.write(b"half")
        if failure is not None:
            raise failure
        target.finish(Exported())


@pytest.mark.parametrize(("failure", "raised"), [(None, ConnectionError), (RuntimeError(), RuntimeError)])
def test_a_file_that_ends_early_leaves_nothing(
    tmp_path: Path, failure: Exception | None, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        broken_off(tmp_path / "a.csv", failure)
    assert list(tmp_path.iterdir()) == []
