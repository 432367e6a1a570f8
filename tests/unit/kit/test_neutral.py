"""Texts that a spreadsheet would run."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from services.kit.neutral import neutral, original

RUN = ("=cmd|' /C calc'!A0", "+1+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A1")
NOT_RUN = ("a=1", "it's", "", " ", "42", "'tis", "https://example.com", None)


def test_a_text_that_a_spreadsheet_runs_is_given_an_apostrophe() -> None:
    assert neutral(pa.array(RUN)).to_pylist() == [f"'{text}" for text in RUN]
    assert neutral(pa.array([f"'{text}" for text in RUN])).to_pylist() == [f"''{text}" for text in RUN]


def test_other_texts_stay_as_they_are() -> None:
    assert neutral(pa.array(NOT_RUN)).to_pylist() == list(NOT_RUN)


@given(st.lists(st.none() | st.text(alphabet="'=+-@a\t＝ \n")))
def test_the_original_comes_back(texts: list[str | None]) -> None:
    column = pa.array(texts, pa.string())
    assert original(neutral(column)).equals(column)
