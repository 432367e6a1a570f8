"""The files of an edition as people and programs that are not ours read them: PDFium, openpyxl, the CSV of Python, a schema, a strict parser.

Every reader gives the same: the rows of each table by the id that the manifest has for it, so that tests compare forms with each other.
"""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import html5lib
import jsonschema_rs
import numpy as np
import openpyxl
import orjson
import pandas as pd
import pypdfium2
import sqlalchemy
from adbc_driver_postgresql import dbapi

from deploy.local.suite import ROOT

BLANK = 0.003
"""Share of a page that is not paper, below which nothing stands on it but its number."""
EDGE_POINTS = 20
"""A page whose ink comes closer to its edge is cut by printers."""


@dataclass(frozen=True)
class Paper:
    """A PDF: the text of each page without its spaces, how much of it is not paper, and whether anything comes near its edge."""

    texts: list[str]
    ink: list[float]
    whole: list[bool]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.texts)


def bare(text: str) -> str:
    """A text without spaces, line breaks, and hyphens that only break a line."""
    return re.sub(r"\s|\ufffe|\u00ad", "", text)


def paper(content: bytes) -> Paper:
    """The pages of a PDF, rendered."""
    read, margin = Paper([], [], []), EDGE_POINTS
    with pypdfium2.PdfDocument(content) as document:
        for page in document:
            read.texts.append(bare(page.get_textpage().get_text_range()))
            marked = page.render(scale=1).to_numpy().min(axis=2) < 200
            read.ink.append(float(marked.mean()))
            inner = marked[margin:-margin, margin:-margin]
            read.whole.append(bool(np.count_nonzero(marked) == np.count_nonzero(inner)))
    return read


def book(content: bytes) -> dict[str, list[list[Any]]]:
    """The rows of each sheet of a workbook; fails where a cell is a formula."""
    opened = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in opened:
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in opened}


def archive(content: bytes) -> tuple[dict[str, Any], dict[str, list[list[str]]]]:
    """The manifest in an archive of CSV, and the rows of each table, headings first."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        manifest = orjson.loads(opened.read("manifest.json"))
        files = {each["id"]: opened.read(each["file"]).decode() for each in manifest["tables"]}
        assert len(opened.namelist()) == len(files) + 1
    return manifest, {name: list(csv.reader(io.StringIO(text, newline=""))) for name, text in files.items()}


def edition(content: bytes) -> dict[str, Any]:
    """The JSON of an edition, which is as docs/report.schema.json says."""
    told = orjson.loads(content)
    _schema().validate(told)
    return told  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Page:
    """A page of HTML: the rows of its tables, and the values of its cards by their titles."""

    tables: dict[str, list[list[str]]]
    cards: dict[str, str]
    text: str


def page(content: bytes) -> Page:
    """A page that a strict parser takes as it is, and that reaches for nothing."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    root = parser.parse(content.decode())
    for element in root.iter():
        for name in ("src", "srcset", "href"):
            assert not element.get(name, "#").startswith(("http:", "//")), element.attrib
        assert element.tag not in ("script", "iframe", "object", "link"), element.tag
    tables = {
        found.get("id", "").removeprefix("table-"): [
            ["".join(cell.itertext()) for cell in row] for row in found.iter("tr")
        ]
        for found in root.iter("table")
    }
    cards = {}
    for card in (each for each in root.iter("div") if "card" in each.get("class", "").split()):
        title, value = card.find("h3"), card.find("p[@class='value']")
        assert title is not None
        assert value is not None
        cards["".join(title.itertext())] = "".join(value.itertext())
    return Page(tables, cards, "".join(root.itertext()))


@cache
def _schema() -> Any:
    return jsonschema_rs.Draft202012Validator(orjson.loads((ROOT / "docs/report.schema.json").read_bytes()))


Place = tuple[str, int]


def below(
    sheets: dict[str, list[list[Any]]], titles: list[str], count: int, taken: set[Place]
) -> list[list[Any]]:
    """The rows below the first of these headings that no table before has `taken`: tables stand in the order of the report."""
    for name, rows in sheets.items():
        for place, row in enumerate(rows):
            if (name, place) not in taken and [str(each) for each in row[: len(titles)]] == titles:
                taken.add((name, place))
                return rows[place + 1 : place + 1 + count]
    raise AssertionError(f"no sheet has a table of {titles}")


def only(country: str, files: dict[str, bytes]) -> None:
    """Fails where a file names nobody of a country, or anybody of another."""
    for form, content in files.items():
        match form:
            case "csv":
                said = repr(archive(content))
            case "xlsx":
                said = repr(book(content))
            case "json":
                said = repr(edition(content))
            case "html":
                said = page(content).text
            case _:
                said = paper(content).text
        assert f"{country}-p" in said, form
        for other in {"de", "fr", "jp"} - {country}:
            assert f"{other}-p" not in said, (form, other)


def by_tools(url: str, start: datetime, end: datetime) -> dict[str, dict[str, tuple[int, float]]]:
    """Orders and their sum by country, as tools of SQL read them."""
    statement = (
        "SELECT properties ->> 'country' AS country, count(*) AS orders, sum((properties ->> 'amount')::float8) AS amount FROM bi.events"
        f" WHERE name = 'order_placed' AND properties ->> 'shop' = 'web' AND occurred_at >= '{start.isoformat()}'"
        f" AND occurred_at < '{end.isoformat()}' GROUP BY 1"
    )  # fmt: skip
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        frame = pd.read_sql(sqlalchemy.text(statement), engine)
    finally:
        engine.dispose()
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        table = cursor.fetch_arrow_table()
    rows = {"SQLAlchemy": frame.to_dict("records"), "ADBC": table.to_pylist()}
    return {
        tool: {row["country"]: (row["orders"], row["amount"]) for row in found}
        for tool, found in rows.items()
    }


def by_duckdb(path: Path) -> dict[str, tuple[int, float]]:
    """The same of a file."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT properties::JSON ->> 'country', count(*), sum((properties::JSON ->> 'amount')::DOUBLE) FROM read_parquet(?) GROUP BY 1",
            [str(path)],
        ).fetchall()
    return {country: (count, total) for country, count, total in found}
