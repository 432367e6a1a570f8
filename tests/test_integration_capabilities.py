"""Acceptance of what connects: gRPC, REST, the SDK's two fronts, the command line, frames, SQL and webhooks, on the real suite."""

import asyncio
import csv
import functools
import hashlib
import io
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import grpc.aio
import httpx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf.json_format import MessageToJson
from standardwebhooks import Webhook, WebhookVerificationError

import tidemark
from deploy.local.suite import Suite
from tests import polling, reading
from tests.deployment import Tenant
from tests.integration.alerting import receiving
from tests.reporting import (
    Store,
    custom,
    stocked_store,
    tables,
)
from tidemark import blocking, questions
from tidemark.records import AckMode
from tidemark.v1 import edition_pb2, report_pb2
from tidemark.v1.edition_pb2_grpc import EditionServiceStub
from tidemark.v1.report_pb2_grpc import ReportServiceStub

SOON = 60.0


@pytest.fixture(scope="module")
def store(deployment: Suite) -> Store:
    """Read by several tests."""
    return stocked_store(deployment)


def test_integration_capabilities(tenant: Tenant, tmp_path: Path) -> None:
    """What one door takes in, every other gives out: sync SDK, Arrow, files, git, command line, data frames."""
    now = datetime.now(UTC)
    with blocking.Client(environment=tenant.environment, ack_mode=AckMode.COMMITTED) as client:
        for number in range(50):
            client.track(
                "signed_up", user_id=f"user-{number}", properties={"plan": "pro" if number % 5 else "free"}
            )
        client.record("queue.depth", 7, tags={"queue": "mail"})
        client.flush()
        # An acknowledgement of mode COMMITTED is visible to every question at once.
        frame = client.series("signed_up", by=["properties.plan"], interval="hour", last="2h").to_pandas()
        assert frame.groupby("group")["value"].sum().to_dict() == {"pro": 40, "free": 10}
        table = client.series(
            "queue.depth", source="metrics", measure="max", interval="hour", fill="zero", last="2h"
        ).to_arrow()
        assert max(table["value"].to_pylist()) == 7
        client.publish(
            pa.table(
                {
                    "name": ["imported"] * 3,
                    "occurred_at": pa.array(
                        [now - timedelta(minutes=each) for each in range(3)], pa.timestamp("us", "UTC")
                    ),
                    "user_id": ["ann", "bob", "ann"],
                }
            )
        )
        client.flush()
        assert client.series("imported", measure="uniques", interval="hour", last="2h").lines[0].total == 2

    (tmp_path / "rows.ndjson").write_text(
        "".join(json.dumps({"name": "nd", "timestamp": now.isoformat(), "n": n}) + "\n" for n in range(10))
        + "not json\n"
    )
    with (tmp_path / "rows.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "user", "price"])
        writer.writerows([now.isoformat(), f"u{n}", n] for n in range(12))
    pq.write_table(pa.table({"time": [now] * 9, "value": list(range(9))}), tmp_path / "rows.parquet")
    (tmp_path / "access.log").write_text(
        f'127.0.0.1 - ann [{now:%d/%b/%Y:%H:%M:%S} +0000] "GET /docs HTTP/1.1" 200 512 "-" "curl"\n' * 4
    )
    repository = tmp_path / "repository"
    repository.mkdir()
    for command in (
        ["init", "-q"],
        [
            "-c",
            "user.name=Ann",
            "-c",
            "user.email=ann@example.com",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "First",
        ],
        [
            "-c",
            "user.name=Bob",
            "-c",
            "user.email=bob@example.com",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "Second",
        ],
    ):
        subprocess.run(["git", *command], cwd=repository, check=True)

    for _ in range(2):  # Loading again stores nothing twice.
        tenant.run("load", "ndjson", str(tmp_path / "rows.ndjson"))
        tenant.run("load", "csv", str(tmp_path / "rows.csv"), "--name", "sale")
        tenant.run("load", "parquet", str(tmp_path / "rows.parquet"), "--name", "reading")
        tenant.run("load", "access-log", str(tmp_path / "access.log"))
        tenant.run("load", "git", str(repository))
    for name, count in {"nd": 10, "sale": 12, "reading": 9, "commit": 2}.items():
        answer = tenant.run(
            "query", "series", "--name", name, "--interval", "day", "--last", "2d", "--format", "json"
        )
        assert sum(json.loads(row)["value"] for row in answer.splitlines()) == count, name
    rows = tenant.run("query", "events", "--name", "commit", "--last", "2d", "--format", "csv")
    assert {row["user_id"] for row in csv.DictReader(io.StringIO(rows))} == {
        "ann@example.com",
        "bob@example.com",
    }
    assert "from rollup" in tenant.run(
        "query", "series", "--name", "commit", "--interval", "hour", "--last", "1d"
    )
    assert "balanced" in tenant.run("ledger", "--last", "2d")
    assert "intact" in tenant.run("audit", "verify")
    assert tenant.suite.members["ingest-1"].address in tenant.run("status")


async def test_integration_capabilities_of_every_door(store: Store, tmp_path: Path) -> None:
    """A report is made by gRPC, REST, the client and the command line, and each edition is the same to the last cell."""
    tenant, doors = store.tenant, {}
    report = custom(store.shop)
    # What was found and the account of what was received are told as they are at that moment.
    del report.sections[-1], report.sections[-2]
    async with tenant.client() as client:
        doors["client"] = (await client.editions.run(await named(client, report), formats=["json"])).editions[
            0
        ]
        (tmp_path / "doors.json").write_text(tidemark.reports.to_file(report))
        await asyncio.to_thread(
            tenant.run, "report", "create", str(tmp_path / "doors.json"), "--id", "by-command"
        )
        told = await asyncio.to_thread(
            tenant.run,
            "report",
            "run",
            "by-command",
            "--format",
            "json",
            "--format",
            "csv",
            "--out",
            str(tmp_path),
        )
        doors["command"] = (
            f"{tenant.project}/reports/by-command/editions/{told.split()[0].rpartition('/')[2]}"
        )
        assert ".zip" in told

        address = tenant.suite.members["reports"].address
        metadata = (("authorization", f"Bearer {tenant.key}"),)
        async with grpc.aio.insecure_channel(address) as channel:
            reports, editions = ReportServiceStub(channel), EditionServiceStub(channel)
            request = report_pb2.CreateReportRequest(
                parent=tenant.project, report_id="by-grpc", report=report
            )
            made = (await reports.CreateReport(request, metadata=metadata)).report
            begun = await editions.RunReport(
                edition_pb2.RunReportRequest(name=made.name, formats=[report_pb2.REPORT_FORMAT_JSON]),
                metadata=metadata,
            )
        ended = await client.operations.wait(begun.operation.name)
        doors["grpc"] = ended.result(edition_pb2.RunReportResult).run.editions[0]

        headers = {"authorization": f"Bearer {tenant.key}"}
        async with httpx.AsyncClient(base_url=tenant.suite.edge, headers=headers, timeout=30) as web:
            body = {"reportId": "by-rest", "report": json.loads(MessageToJson(report))}
            answer = await web.post(f"/v1/{tenant.project}/reports", json=body)
            assert answer.status_code == 200, answer.text
            name = answer.json()["report"]["name"]
            answer = await web.post(f"/v1/{name}:run", json={"formats": ["REPORT_FORMAT_JSON"]})
            target = answer.json()["operation"]["metadata"]["target"]

            async def done() -> dict[str, Any] | None:
                found = (await web.get(f"/v1/{target}")).json()["run"]
                return found if found.get("endTime") else None

            [doors["rest"]] = (await polling.until(done, SOON))["editions"]
            found = (await web.get(f"/v1/{doors['rest']}")).json()["edition"]
            file = await web.get(f"/v1/{doors['rest']}:download", params={"format": "REPORT_FORMAT_JSON"})
            assert hashlib.sha256(file.content).hexdigest() == found["manifest"]["files"][0]["sha256"]
        proven = {
            door: {
                name: proof.sha256
                for name, proof in tables((await client.editions.get(name)).manifest).items()
            }
            for door, name in doors.items()
        }
    assert len(proven) == 4
    assert all(each == proven["client"] != {} for each in proven.values())


async def named(client: tidemark.Client, report: report_pb2.Report) -> str:
    """The name of the report made."""
    return (await client.reports.create(report, report_id="by-client")).name


async def test_integration_capabilities_of_tools(store: Store, tmp_path: Path) -> None:
    """What SQLAlchemy, ADBC, DuckDB, and pandas read is what RunQuery says; webhooks of alerts and of reports are verified alike."""
    sold, tenant = store.shop.of("order_placed"), store.tenant
    expected = {
        country: (count, pytest.approx(total))
        for country, count, total in sold.groupby("country").amount.agg(["size", "sum"]).itertuples()
    }
    span = {"start": store.shop.start, "end": store.shop.end}
    where = ["properties.shop = web"]
    async with tenant.client() as client:
        answer = await client.table(
            "order_placed",
            measure=["count", "sum properties.amount"],
            by=["properties.country"],
            where=where,
            **span,
        )
        assert {row.group[0]: tuple(row.values) for row in answer.groups} == expected
        query = questions.events("order_placed", where=where, **span)
        for name in ("orders.parquet", "orders.arrow", "orders.csv", "orders.ndjson"):
            await client.export(query, tmp_path / name)
        reader = await client.admin.create_reader(tenant.project, "tools")
        try:
            url = urlsplit(tenant.suite.postgres.url)
            place = f"{reader.role}:{quote(reader.password, safe='')}@{url.hostname}:{url.port}"
            read = functools.partial(
                reading.by_tools, urlunsplit(url._replace(netloc=place)), store.shop.start, store.shop.end
            )
            by_tools = await asyncio.to_thread(read)
        finally:
            await client.admin.delete_reader(reader.name)
        assert all(found == expected for found in by_tools.values()), by_tools
        async with receiving() as hook:
            secrets = [
                (await client.alerts.create_channel("On call", url=hook.url)).secret,
                (await client.deliveries.create("Data team", url=hook.url)).secret,
            ]
            assert (await client.alerts.test_channel("on-call")).delivered
            assert (await client.deliveries.test("data-team")).delivered
            types = [
                Webhook(secret).verify(body, headers)["type"]
                for secret, (headers, body) in zip(secrets, hook.seen, strict=True)
            ]
            assert types[1] == "dev.tidemark.destination.test"
            with pytest.raises(WebhookVerificationError):
                Webhook(secrets[0]).verify(hook.seen[1][1], hook.seen[1][0])

    assert reading.by_duckdb(tmp_path / "orders.parquet") == expected
    frames = [
        pd.read_csv(tmp_path / "orders.csv"),
        pd.read_json(tmp_path / "orders.ndjson", lines=True),
        pa.ipc.open_stream(tmp_path / "orders.arrow").read_pandas(),
    ]
    assert [len(frame) for frame in frames] == [len(sold)] * 3
