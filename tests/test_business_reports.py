"""Acceptance of reports: built, proven, made by the clock and delivered, and read back as those read them who get them, on the real suite."""

import asyncio
import hashlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import psutil
import psycopg
import pyarrow as pa
import pytest
from standardwebhooks import Webhook

import tidemark
from deploy.local.suite import ROOT, Suite
from tests import polling, reading
from tests.deployment import Tenant, new_tenant
from tests.integration.alerting import receiving
from tests.reporting import CHECKED, Shop, asked, custom, mailing, saved, shop, stocked, storing
from tidemark import errors, questions
from tidemark.schedules import To
from tidemark.v1 import alert_pb2
from tidemark.v1 import delivery_pb2 as delivery
from tidemark.v1 import edition_pb2 as edition
from tidemark.v1 import report_pb2 as pb

SOON = 60.0
ROWS = 120_000
MOST_GROWTH = 200 << 20
"""What a process may take more for so many rows, 2 files at once; a million takes no more: `make bench-reports`."""


@dataclass(frozen=True)
class Store:
    """A shop, and the project that holds its rows."""

    tenant: Tenant
    shop: Shop


@pytest.fixture(scope="module")
def store(deployment: Suite) -> Store:
    """Read by several tests, changed by none of them."""
    found = Store(new_tenant(deployment), shop())

    async def load() -> None:
        async with found.tenant.client() as client:
            await stocked(client, found.tenant, found.shop.rows)

    asyncio.run(load())
    return found


def tables(manifest: edition.Manifest) -> dict[str, pb.TableProof]:
    """What is proven, by table."""
    return {each.table_id: each for section in manifest.sections for each in section.tables}


async def test_report_generation(store: Store, tmp_path: Path) -> None:
    """A report of every kind of section, in every form: each says what the rows say, and all of them the same."""
    sold, before = store.shop.of("order_placed"), store.shop.of("order_placed", weeks_ago=1)
    async with store.tenant.client() as client:
        report = custom(store.shop)
        wrong = pb.Report()
        wrong.CopyFrom(report)
        wrong.sections[2].question.query.series.measures[0].aggregation = 0
        wrong.sections[2].question.query.series.measures[0].field = "nowhere.amount"
        wrong.sections[0].text.text = "line one\n{{ figures.orders.text "
        faults = await client.reports.validate(wrong)
        assert {each.field for each in faults} >= {"report.sections[0].text.text"}, faults
        assert any(each.field.startswith("report.sections[2].question.query.series.measures[0]") for each in faults), faults
        with pytest.raises(errors.Invalid):
            await client.reports.create(wrong)
        assert await client.reports.validate(report) == []
        preview = await client.reports.preview(report, section="figures")
        made = await client.reports.create(report, report_id="weekly")
        heard: list[float] = []
        run = await client.editions.run(
            "weekly", formats=CHECKED, on_progress=lambda seen: heard.append(seen.progress)
        )
        found = await client.editions.get(run.editions[0])
        files = {form: await saved(client, found.name, form) for form in CHECKED}
    proven = tables(found.manifest)
    assert (found.manifest.report_version, found.title) == (made.version, report.display_name)
    assert heard == sorted(heard)
    for file in found.files:
        assert hashlib.sha256(files[file.format]).hexdigest() == file.sha256

    # The rows themselves.
    told = reading.edition(files["json"])
    figures = {each["id"]: each for part in told["sections"] for block in part["blocks"] if block["type"] == "figures" for each in block["figures"]}
    assert figures["orders"]["value"] == len(sold)
    assert figures["orders"]["before"] == len(before)
    assert figures["revenue"]["value"] == pytest.approx(math.fsum(sold.amount), rel=1e-12)
    # Different people are estimated; so few are counted exactly enough.
    assert figures["buyers"]["value"] == pytest.approx(sold.user.nunique(), rel=0.05)
    rows = {each["id"]: each for each in told["tables"]}
    by_country = {row[0]: (row[1], row[2]) for row in rows["countries"]["rows"]}
    expected = sold.groupby("country").amount.agg(["size", "sum"])
    assert {name: (count, pytest.approx(total)) for name, count, total in expected.itertuples()} == by_country
    named = {column["title"]: place for place, column in enumerate(rows["list"]["columns"])}
    listed = [row[named["person"]] for row in rows["list"]["rows"]]
    assert sorted(listed) == sorted(sold.user)
    assert {part["id"] for part in told["sections"]} == {section.id for section in report.sections}

    # What is proven, counted again in every form.
    check = (ROOT / "docs/reports.md").read_text().partition("```python\n")[2].partition("```")[0]
    (tmp_path / "check.py").write_text(check)
    (tmp_path / "edition.json").write_bytes(files["json"])
    counted = subprocess.run([sys.executable, tmp_path / "check.py", tmp_path / "edition.json"], check=True, capture_output=True, text=True)
    assert counted.stdout == f"all {len(proven)} tables are as proven\n"
    manifest, archived = reading.archive(files["csv"])
    sheets = reading.book(files["xlsx"])
    seen = reading.page(files["html"])
    printed = reading.paper(files["pdf"])
    assert {each["tableId"] for section in manifest["proof"] for each in section["tables"]} == set(proven)
    for name, proof in proven.items():
        titles, *cells = archived[name]
        assert len(cells) == proof.row_count == len(rows[name]["rows"]), name
        placed = below(sheets, titles, len(cells))
        for place, column in enumerate(proof.columns):
            if rows[name]["columns"][place]["kind"] not in ("integer", "number", "share", "duration"):
                continue
            in_csv = math.fsum(float(row[place]) for row in cells if row[place])
            assert in_csv == column.sum, (name, column.title)
            if placed is not None:
                in_book = math.fsum(row[place] for row in placed if isinstance(row[place], int | float))
                assert in_book == pytest.approx(column.sum, rel=1e-12), (name, column.title)
        assert f"{reading.bare(name)}{proof.row_count}" in printed.text
        assert proof.sha256 in printed.text
        assert [name, str(proof.row_count)] == next(row[:2] for row in seen.tables["proof-tables"] if row[0] == name)
    assert len(seen.tables["list"]) == len(sold) + 1
    assert seen.cards["Orders"] == f"{len(sold)}"

    # What people read: numbers as Germans write them, no mark of what was a tag or a formula, no page that is blank or cut.
    revenue = f"{math.fsum(sold.amount):,.2f} €".translate(str.maketrans(",.", ".,"))
    change = (len(sold) - len(before)) / len(before)
    for said in (printed.text, reading.bare(seen.text), reading.bare(preview.html)):
        assert reading.bare(revenue) in said
        assert str(len(sold)) in said
    for said in (printed.text, reading.bare(seen.text)):
        assert reading.bare(f"{report.display_name}") in said
        assert "Verkauf" in said
        assert f"{abs(change):.1%}".replace(".", ",")[:3] in said
        assert "東京" in said
        for section in report.sections:
            assert reading.bare(section.title) in said, section.title
    assert min(printed.ink) > reading.BLANK
    assert all(printed.whole)
    notes = [row[named["properties"]] for row in archived["list"]]
    assert any("=1+1" in each for each in notes)


def below(sheets: dict[str, list[list[Any]]], titles: list[str], count: int) -> list[list[Any]] | None:
    """The rows below these headings in a workbook; None where they stand in no sheet, as those of a chart alone."""
    for rows in sheets.values():
        for place, row in enumerate(rows):
            if [str(each) for each in row[: len(titles)]] == titles and place + count < len(rows) + 1:
                return rows[place + 1 : place + 1 + count]
    return None
