"""Acceptance of what people and tools use: the SDK's two fronts, frames and the command line, on the real suite."""

import csv
import io
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.deployment import Tenant
from tidemark import blocking
from tidemark.records import AckMode


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
