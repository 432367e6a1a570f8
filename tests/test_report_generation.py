"""Acceptance of reports: built, scheduled, proven and delivered, as people get them, on the real suite."""

import asyncio
import hashlib
import json
import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pyarrow as pa
import pytest
from standardwebhooks import Webhook

import tidemark
from deploy.local.suite import ROOT, Suite
from tests import polling, reading
from tests.deployment import Tenant
from tests.integration.alerting import receiving
from tests.reporting import (
    CHECKED,
    Shop,
    Store,
    asked,
    attachments,
    come,
    custom,
    ended,
    kind_of,
    mailing,
    moved_on,
    saved,
    shop,
    stocked,
    stocked_store,
    storing,
    tables,
)
from tidemark import errors, questions
from tidemark.schedules import To
from tidemark.v1 import delivery_pb2, edition_pb2, report_pb2

SOON = 60.0
ROWS = 120_000
MOST_GROWTH = 100 << 20
"""What a process may take more for so many rows, 2 files at once; a million takes no more: `make bench-reports`."""


@pytest.fixture(scope="module")
def store(deployment: Suite) -> Store:
    """Read by several tests."""
    return stocked_store(deployment)


async def test_report_generation(store: Store, tmp_path: Path) -> None:
    """A report of every kind of section, in every form: each says what the rows say, and all of them the same."""
    sold, before = store.shop.of("order_placed"), store.shop.of("order_placed", weeks_ago=1)
    async with store.tenant.client() as client:
        report = custom(store.shop)
        wrong = report_pb2.Report()
        wrong.CopyFrom(report)
        wrong.sections[2].question.query.series.measures[0].aggregation = 0
        wrong.sections[2].question.query.series.measures[0].field = "nowhere.amount"
        wrong.sections[0].text.text = "line one\n{{ figures.orders.text "
        faults = await client.reports.validate(wrong)
        assert {each.field for each in faults} >= {"report.sections[0].text.text"}, faults
        assert any(
            each.field.startswith("report.sections[2].question.query.series.measures[0]") for each in faults
        ), faults
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
    figures = {
        each["id"]: each
        for part in told["sections"]
        for block in part["blocks"]
        if block["type"] == "figures"
        for each in block["figures"]
    }
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
    counted = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, tmp_path / "check.py", tmp_path / "edition.json"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert counted.stdout == f"all {len(proven)} tables are as proven\n"
    manifest, archived = reading.archive(files["csv"])
    sheets = reading.book(files["xlsx"])
    seen = reading.page(files["html"])
    printed = reading.paper(files["pdf"])
    taken: set[reading.Place] = set()
    assert {each["tableId"] for section in manifest["proof"] for each in section["tables"]} == set(proven)
    for name, proof in proven.items():
        titles, *cells = archived[name]
        assert len(cells) == proof.row_count == len(rows[name]["rows"]), name
        placed = reading.below(sheets, titles, len(cells), taken)
        assert len(placed) == len(cells), name
        for place, column in enumerate(proof.columns):
            if rows[name]["columns"][place]["kind"] not in ("integer", "number", "share", "duration"):
                continue
            in_csv = math.fsum(float(row[place]) for row in cells if row[place])
            assert in_csv == column.sum, (name, column.title)
            in_book = math.fsum(row[place] for row in placed if isinstance(row[place], int | float))
            assert in_book == pytest.approx(column.sum, rel=1e-12), (name, column.title)
        assert f"{reading.bare(name)}{proof.row_count}" in printed.text
        assert proof.sha256 in printed.text
        assert [name, str(proof.row_count)] == next(
            row[:2] for row in seen.tables["proof-tables"] if row[0] == name
        )
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


OWN = """displayName: Countries
parameters:
  - {id: countries, kind: KIND_LIST}
---
{% for country in countries %}
- id: orders-{{ country }}
  title: {{ ("Orders of " ~ country | upper) | tojson }}
  figures:
    figures:
      - id: orders_{{ country }}
        title: Orders
        query:
          series:
            measures: [{name: order_placed, aggregation: AGGREGATION_COUNT}]
            filter: {comparison: {field: properties.country, operator: OPERATOR_EQUAL, values: [{{ country | tojson }}]}}
{% endfor %}
"""
CHOSEN: dict[str, dict[str, Any]] = {
    "executive-summary": {"conversion": "order_placed"},
    "product-usage": {"features": ["visit", "order_placed"], "breakdown": "properties.country"},
    "user-behaviour": {"steps": ["visit", "order_placed"], "weeks": 4},
    "own": {"countries": ["de", "jp"]},
}
NONSENSE = ("None", "nan", "{{", "{%", "undefined", "Traceback")


async def test_report_generation_of_every_template(store: Store) -> None:
    """What comes with Tidemark, and a template of one's own, make whole editions in every form; a report keeps its version."""
    async with store.tenant.client() as client:
        await client.reports.create_template(OWN, template_id="own")
        with pytest.raises(errors.Invalid, match=r"report_template\.source"):
            await client.reports.create_template(OWN.replace("country | upper", "country.__class__"))
        known = {each.name.rpartition("/")[2]: each for each in await client.reports.templates()}
        assert {each for each, template in known.items() if template.built_in} == {
            "executive-summary",
            "product-usage",
            "user-behaviour",
            "development-activity",
            "reliability",
            "data-quality",
        }

        async def made(template: str) -> tidemark.editions.Edition:
            values = CHOSEN.get(template)
            await client.reports.create(
                f"Made by {template}", template=template, values=values, report_id=f"of-{template}"
            )
            span = {"start": store.shop.start, "end": store.shop.end}
            run = await client.editions.run(f"of-{template}", formats=CHECKED, **span)
            return await client.editions.get(run.editions[0])

        for template, found in zip(known, await asyncio.gather(*map(made, known)), strict=True):
            expected = await client.reports.expand(template, CHOSEN.get(template))
            files = {form: await saved(client, found.name, form) for form in CHECKED}
            printed, seen = reading.paper(files["pdf"]), reading.page(files["html"])
            told, sheets = reading.edition(files["json"]), reading.book(files["xlsx"])
            manifest, archived = reading.archive(files["csv"])
            assert [each.section_id for each in found.manifest.sections] == [each.id for each in expected], (
                template
            )
            assert [each["id"] for each in told["sections"]] == [each.id for each in expected], template
            assert set(archived) == set(tables(found.manifest)) == {each["id"] for each in manifest["tables"]}
            assert sheets, template
            for section in expected:
                assert reading.bare(section.title) in printed.text, (template, section.title)
                assert section.title in seen.text, (template, section.title)
            for figure in found.manifest.figures:
                assert reading.bare(figure.value) in printed.text, (template, figure)
                assert figure.value in seen.text, (template, figure)
            for number, (ink, whole) in enumerate(zip(printed.ink, printed.whole, strict=True), 1):
                assert ink > reading.BLANK, f"page {number} of {template} is blank"
                assert whole, f"page {number} of {template} is cut"
            for word in NONSENSE:
                assert word not in seen.text, (template, word)

        own = await client.editions.get(
            (await client.editions.run("of-own", start=store.shop.start, end=store.shop.end)).editions[0]
        )
        orders = store.shop.rows[
            (store.shop.rows.name == "order_placed")
            & store.shop.rows["at"].between(store.shop.start, store.shop.end, inclusive="left")
        ]
        counted = orders.groupby("country").size()
        assert {each.id: each.value for each in own.manifest.figures} == {
            f"orders_{country}": f"{counted[country]}" for country in ("de", "jp")
        }
        newer = await client.reports.template("own")
        newer.source = newer.source.replace("Orders of", "What was ordered in")
        assert (await client.reports.update_template(newer)).version == 2
        again = await client.editions.get((await client.editions.run("of-own")).editions[0])
        assert again.manifest.template.version == 1
        renamed, _ = await client.reports.expand("own", CHOSEN["own"])
        assert renamed.title == "What was ordered in DE"
        with pytest.raises(errors.Refused, match="makes the sections of a report"):
            await client.reports.delete_template("own")


async def test_report_generation_by_the_clock(tenant: Tenant) -> None:
    """Slots that were missed are caught up with: each makes one edition of the hour before it, told apart from what is left out."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    times = [now - timedelta(minutes=minute, seconds=30) for minute in range(120)]
    hour = questions.series("tick", last="1h")
    report = report_pb2.Report(display_name="The last hour", time_range=hour.time_range)
    report.sections.add(id="ticks").figures.figures.add(id="ticks", title="Ticks", query=asked(hour))
    empty = report_pb2.Report(display_name="Nothing", time_range=report.time_range)
    nothing = asked(questions.series("never"))
    empty.sections.add(id="none").figures.figures.add(id="none", title="None", query=nothing)
    async with tenant.client() as client:
        await client.publish(
            pa.table(
                {"name": ["tick"] * len(times), "occurred_at": pa.array(times, pa.timestamp("us", "UTC"))}
            )
        )
        await client.flush()
        await tenant.settled(client)
        await client.reports.create(report, report_id="hour")
        await client.reports.create(empty, report_id="nothing")
        often = await client.schedules.create(
            "hour", "*/5 * * * *", catch_up="all", schedule_id="often", formats=["json"]
        )
        last = await client.schedules.create("hour", "*/5 * * * *", schedule_id="last", formats=["json"])
        quiet = await client.schedules.create(
            "nothing", "*/5 * * * *", skip_empty=True, catch_up="all", schedule_id="quiet"
        )
        held = await client.schedules.create("hour", "*/5 * * * *", schedule_id="held")
        await client.schedules.pause(held.name)
        seen = await client.schedules.preview("*/5 * * * *", begin=now, count=3, last="1h")
        assert [each.time_range.end for each in seen.slots] == [each.slot_time for each in seen.slots]
        with pytest.raises(errors.Invalid, match=r"schedule\.cron"):
            await client.schedules.create("hour", "* * * * *")

        first = await come(tenant, timedelta(minutes=21))
        slots = [first + timedelta(minutes=5 * place) for place in range(5)]
        runs = await ended(client, often.name, slots)
        assert [run.slot_time for run in runs] == slots
        for run in runs:
            assert (run.state, run.reason, len(run.editions)) == ("done", "", 1), run
            made = await client.editions.get(run.editions[0])
            assert made.manifest.time_range.end.ToDatetime(UTC) == run.slot_time
            assert made.manifest.time_range.start.ToDatetime(UTC) == run.slot_time - timedelta(hours=1)
            # One tick a minute, half a minute after it has begun; data of the last slot may still be to come.
            if run.slot_time <= now:
                assert made.manifest.figures[0].value == "60"
        for run in await ended(client, last.name, slots[:4]):
            assert (run.state, run.editions) == ("skipped", ())
            assert "only the last slot is caught up with" in run.reason
        for run in await ended(client, quiet.name, slots):
            assert (run.state, run.editions) == ("skipped", ())
            assert "nothing to tell" in run.reason
        assert [run async for run in client.editions.runs(schedule=held.name)] == []
        # Nothing is run twice, whatever a server believes.
        await come(tenant, timedelta(minutes=21))
        await polling.until(lambda: moved_on(client, often.name), SOON)
        again = [run.slot_time async for run in client.editions.runs(schedule=often.name)]
        assert len(again) == len(set(again))


async def test_report_generation_for_several_people(store: Store) -> None:
    """One slot, four filters, four ways: everybody gets the rows that are theirs, in every file, and a link ends when it is to end."""
    tenant, only = (
        store.tenant,
        {country: [f"properties.country = {country}"] for country in ("de", "fr", "jp")},
    )
    folder = Path(tenant.suite.environment["TIDEMARK_DELIVERY_FOLDER"])
    ann, bob = (f"{each}@{tenant.project.rpartition('/')[2]}.example" for each in ("ann", "bob"))
    async with tenant.client() as client, mailing(tenant) as mailbox, receiving() as hook:
        with storing() as (address, bucket):
            target = delivery_pb2.S3Target(
                endpoint=address,
                bucket="reports",
                prefix="team/",
                access_key_id="AK",
                secret_access_key="secret",
            )
            to = client.deliveries
            await to.create("Ann", email=ann)
            await to.create("Bob", email=bob)
            signed = await to.create("Tokyo", url=hook.url)
            await to.create("Archive", folder=tenant.project.removeprefix("projects/"))
            await to.create("Store", s3=target)
            for each in ("ann", "tokyo", "archive", "store"):
                tested = await to.test(each)
                assert tested.delivered, tested.outcome
            await client.reports.create(custom(store.shop), report_id="people")
            schedule = await client.schedules.create(
                "people", "*/5 * * * *", schedule_id="all", formats=CHECKED, catch_up="all",
                to=[
                    To("ann", where=only["de"]), To("bob", where=only["fr"], formats=["csv"]), "archive",
                    To("tokyo", where=only["jp"], links="1h"), To("store", where=only["de"]),
                ],
            )  # fmt: skip
            [run] = await ended(client, schedule.name, [await come(tenant, timedelta())])
            await client.schedules.pause(schedule.name)
            assert run.state == "done", run.reason
            assert len(run.editions) == 4

            async def delivered() -> list[delivery_pb2.Delivery] | None:
                found = [each async for each in to.all(of=run.name)]
                return found if len(found) == 5 and all(each.deliver_time.seconds for each in found) else None

            brought = {
                each.destination.rpartition("/")[2]: each for each in await polling.until(delivered, SOON)
            }
            keys = [each["Key"] for each in bucket.list_objects_v2(Bucket="reports")["Contents"]]
            objects = {
                kind_of(key): bucket.get_object(Bucket="reports", Key=key)["Body"].read()
                for key in keys
                if "/people/" in key and not key.endswith("/manifest.json")
            }
        assert brought["ann"].edition == brought["store"].edition
        editions = {
            country: brought[name].edition
            for country, name in (("de", "ann"), ("fr", "bob"), ("jp", "tokyo"))
        }
        for country, name in editions.items():
            mine = store.shop.of("order_placed")
            mine = mine[mine.country == country]
            figures = {each.id: each.value for each in (await client.editions.get(name)).manifest.figures}
            assert figures["orders"] == f"{len(mine)}"

        # What came is what is proven, and nobody's but theirs.
        # The first of each is the test.
        mail = mailbox.mails[ann][1]
        files = {kind_of(name): content for name, content in attachments(mail).items()}
        found = await client.editions.get(editions["de"])
        assert set(files) == set(CHECKED)
        for file in found.files:
            assert hashlib.sha256(files[file.format]).hexdigest() == file.sha256, file.format
        assert objects == files
        reading.only("de", files)
        other = mailbox.mails[bob][0]
        reading.only("fr", {kind_of(name): content for name, content in attachments(other).items()})
        assert len(attachments(other)) == 1
        whole = (
            folder
            / tenant.project.removeprefix("projects/")
            / "people"
            / brought["archive"].edition.rpartition("/")[2]
        )
        assert len(list(whole.iterdir())) == len(CHECKED) + 1
        manifest = json.loads((whole / "manifest.json").read_bytes())["manifest"]
        assert {each["sha256"] for each in manifest["files"]} == {
            hashlib.sha256(each.read_bytes()).hexdigest()
            for each in whole.iterdir()
            if each.name != "manifest.json"
        }

        # The event is signed; its links open without a key, at the edge, until they are ended.
        headers, body = hook.seen[1]
        event = Webhook(signed.secret).verify(body, headers)
        assert (event["type"], event["subject"]) == ("dev.tidemark.edition.made", editions["jp"])
        assert headers["webhook-id"] == event["id"] == brought["tokyo"].name.rpartition("/")[2]
        opened = {}
        async with httpx.AsyncClient(base_url=tenant.suite.edge, timeout=30) as stranger:
            for file in event["data"]["files"]:
                answer = await stranger.get(file["path"])
                assert hashlib.sha256(answer.content).hexdigest() == file["sha256"], answer.text
                opened[report_pb2.ReportFormat.Value(file["format"])] = answer.content
            reading.only("jp", {form: opened[number] for form, number in tidemark.editions.FORMATS.items()})
            short = await client.editions.link(editions["jp"], "pdf", lifetime="1s")

            async def expired() -> bool:
                return (await stranger.get(short.path)).status_code == 404

            await polling.until(expired, SOON)
            assert await client.editions.revoke_links(editions["jp"]) >= len(CHECKED)
            assert {(await stranger.get(file["path"])).status_code for file in event["data"]["files"]} == {
                404
            }
        await to.replay(brought["tokyo"].name)

        async def replayed() -> bool:
            return len(hook.seen) > 2

        await polling.until(replayed, SOON)
        assert hook.seen[2][0]["webhook-id"] == headers["webhook-id"]


async def test_report_generation_that_is_proven(tenant: Tenant) -> None:
    """An edition says what RunQuery says of its state; after late data it is made again with the figures of then, and a new one has others."""
    made = shop()
    late = made.rows["at"].between(made.start, made.end) & (np.arange(len(made.rows)) % 5 == 0)
    early = Shop(made.rows[~late], made.start, made.end)
    async with tenant.client() as client:
        await stocked(client, tenant, early.rows)
        report = custom(made)
        # What was found and the account of what was received are told as they are now, also when it is made again.
        del report.sections[-1], report.sections[-2]
        await client.reports.create(report, report_id="weekly")
        first = await client.editions.get((await client.editions.run("weekly", formats=CHECKED)).editions[0])
        query = questions.table(
            "order_placed",
            measure=["count", "sum properties.amount"],
            by=["properties.country"],
            where=["properties.shop = web"],
            start=made.start,
            end=made.end,
        )

        async def figures(as_of: str = "") -> tuple[float, float]:
            answer = await client.query(query, as_of=as_of)
            return answer.total.values[:2]  # type: ignore[union-attr]

        then = await figures()
        proven = tables(first.manifest)["countries"]
        assert [each.sum for each in proven.columns[1:3]] == pytest.approx(list(then), rel=1e-12)
        assert then[0] == len(early.of("order_placed"))
        await stocked(client, tenant, made.rows[late])
        now = await figures()
        assert now[0] == len(made.of("order_placed")) > then[0]
        assert await figures(first.manifest.as_of) == pytest.approx(then, rel=1e-12)

        told = await asyncio.to_thread(tenant.run, "report", "rerun", first.name)
        again = await client.editions.get((await anext(client.editions.list("weekly"))).name)
        assert again.name.rpartition("/")[2] in told
        assert (again.manifest.rerun_of, list(again.manifest.differences)) == (first.name, [])
        kept = {name: proof.sha256 for name, proof in tables(first.manifest).items()}
        assert {name: proof.sha256 for name, proof in tables(again.manifest).items()} == kept
        new = await client.editions.get((await client.editions.run("weekly", formats=["json"])).editions[0])
        assert new.manifest.data_version != first.manifest.data_version
        assert tables(new.manifest)["countries"].columns[1].sum == now[0]
        assert tables(new.manifest)["list"].sha256 != kept["list"]
        assert (await client.editions.get(first.name)).message == first.message


async def test_report_generation_of_many_rows(tenant: Tenant) -> None:
    """Every row is in the files, however many there are, and the process takes no more memory for four times as many."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=3)
    rows = pa.table(
        {
            "name": pa.repeat("reading", ROWS),
            "user_id": [f"sensor-{number % 997}" for number in range(ROWS)],
            "occurred_at": pa.array([start + timedelta(milliseconds=number * 500) for number in range(ROWS)], pa.timestamp("us", "UTC")),
            "properties": [f'{{"n":{number}}}' for number in range(ROWS)],
        }
    )  # fmt: skip
    report = report_pb2.Report(display_name="All readings")
    report.sections.add(id="rows").question.query.CopyFrom(asked(questions.events("reading")))
    process = psutil.Process(tenant.suite.members["reports"].identity.pid)  # type: ignore[union-attr]
    async with tenant.client() as client:
        await client.publish(rows)
        await client.flush()
        await tenant.settled(client)
        await client.reports.create(report, report_id="rows")

        async def made(count: int) -> tuple[edition_pb2.Manifest, dict[str, bytes], int]:
            most, going = process.memory_info().rss, True

            async def watch() -> None:
                nonlocal most
                while going:
                    most = max(most, process.memory_info().rss)
                    await asyncio.sleep(0.05)

            watching = asyncio.create_task(watch())
            run = await client.editions.run(
                "rows", formats=["csv", "xlsx"], start=start, end=start + timedelta(milliseconds=count * 500)
            )
            going = False
            await watching
            found = await client.editions.get(run.editions[0])
            return (
                found.manifest,
                {form: await saved(client, found.name, form) for form in ("csv", "xlsx")},
                most,
            )

        _, _, few = await made(ROWS // 4)
        manifest, files, many = await made(ROWS)
    print(f"\nreports takes {few >> 20} MB for {ROWS // 4} rows, {many >> 20} MB for {ROWS}")
    assert tables(manifest)["rows"].row_count == ROWS
    _, archived = reading.archive(files["csv"])
    place = archived["rows"][0].index("properties")
    assert {json.loads(row[place])["n"] for row in archived["rows"][1:]} == set(range(ROWS))
    assert len(files["xlsx"]) > ROWS
    assert many - few < MOST_GROWTH
