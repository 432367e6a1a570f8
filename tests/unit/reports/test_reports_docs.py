"""What docs/reports.md says of texts and of proof is so."""

import io
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from services.reports.build import text
from services.reports.document import Document
from services.reports.filters import FILTERS
from services.reports.formats import json
from services.reports.proof import prove
from tests.unit.reports import sample

GUIDE = (Path(__file__).parents[3] / "docs/reports.md").read_text()


def checked(document: Document, folder: Path, spoilt: tuple[bytes, bytes] = (b"", b"")) -> str:
    """What the script of the guide says of the JSON of a document."""
    sink = io.BytesIO()
    json.write(document, prove(document), sink)
    [script] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    program, file = folder / "check.py", folder / "edition.json"
    program.write_text(script)
    file.write_bytes(sink.getvalue().replace(*spoilt, 1) if spoilt[0] else sink.getvalue())
    done = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", program, file],
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_anybody_can_check_an_edition_with_the_script(tmp_path: Path) -> None:
    document = sample.document()
    count = sum(len(list(section.tables)) for section in document.sections)
    assert checked(document, tmp_path) == f"all {count} tables are as proven\n"


@pytest.mark.parametrize("spoilt", [(b"100007,", b"100008,"), (b'"rowCount":640', b'"rowCount":641')])
def test_the_script_finds_what_does_not_agree(tmp_path: Path, spoilt: tuple[bytes, bytes]) -> None:
    assert "AssertionError: orders" in checked(sample.document(), tmp_path, spoilt)


def test_the_script_takes_a_document_without_rows(tmp_path: Path) -> None:
    empty = replace(sample.of(sample.table("t", "T", {"n": (sample.COUNT, [])})))
    assert checked(empty, tmp_path) == "all 1 tables are as proven\n"


def test_the_guide_names_every_value_and_filter() -> None:
    values, filters = GUIDE.partition("| filter | writes |")[::2]
    assert [name for name in text.NAMES if f"| `{name}" not in values] == []
    assert [name for name in text.FILTERS if f"`{name}`" not in filters.partition("## Templates")[0]] == []
    assert [name for name in FILTERS if f"`{name}`" not in filters] == []
