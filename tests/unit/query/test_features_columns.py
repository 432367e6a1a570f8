"""docs/features.md tells of every column, and of no other."""

import re
from datetime import timedelta
from pathlib import Path

from tests.unit.query.featuring import DAY, START, Event, featured, spec

DOCS = Path(__file__).parents[3] / "docs" / "features.md"


def documented() -> set[str]:
    """The names in the first cells of the tables."""
    cells = re.findall(r"^\| (`.+?) \|", DOCS.read_text(), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_document_lists_the_columns_of_the_code() -> None:
    happened = [Event(START, properties={"n": 1, "plan": "free"})]
    asked = spec(
        points="a", over=(START, START + DAY), did="b", window=DAY, event_names=["a"], sum_fields=["properties.n"],
        fields=["properties.plan"],
    )  # fmt: skip
    names = set(featured(asked, happened).column_names) - {"properties.plan"}
    assert {name.partition("(")[0] for name in names} == documented()
    assert {"count_7d(a)", "sum_30d(properties.n)", "last(properties.n)"} <= names


def test_windows_as_long_as_the_history_have_no_column() -> None:
    found = featured(spec(START + DAY, history=timedelta(days=30)), [Event(START)])
    assert [name for name in found.column_names if name.startswith("count")] == [
        "count_1d",
        "count_7d",
        "count",
    ]
