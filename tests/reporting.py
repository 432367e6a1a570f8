"""What acceptance of reports stands on: a shop whose rows are known, and where its reports arrive: a mail server and a store like S3."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pandas as pd
import psycopg
import pyarrow as pa
from aiosmtpd.controller import UnthreadedController
from moto.server import ThreadedMotoServer

import tidemark
from deploy.local.suite import Suite
from tests import polling
from tests.deployment import Tenant, new_tenant
from tidemark import questions
from tidemark.v1 import edition_pb2, question_pb2
from tidemark.v1 import report_pb2 as pb

ZONE = ZoneInfo("Europe/Berlin")
DAYS, A_DAY = 63, 80
SOON = 60.0
COUNTRIES = ("de", "fr", "jp")
WORDS = {"de": "Grüße", "fr": "Zürich – été", "jp": "=1+1 東京"}
"""Texts that tell encodings apart; one of them is a formula to whoever takes it for one."""
CHECKED = ("pdf", "xlsx", "csv", "json", "html")


@dataclass(frozen=True)
class Shop:
    """Visits and orders of nine weeks before today, as rows of our own that answers are compared with."""

    rows: pd.DataFrame
    start: datetime
    """Of the last whole seven days, in Berlin."""
    end: datetime

    def of(self, name: str, weeks_ago: int = 0) -> pd.DataFrame:
        """Rows of this name in the seven days of the report, or before them; none of the shop that is for trial."""
        back = timedelta(weeks=weeks_ago)
        at, kept = self.rows["at"], (self.rows.name == name) & (self.rows["shop"] == "web")
        return self.rows[kept & (at >= self.start - back) & (at < self.end - back)]


@dataclass(frozen=True)
class Store:
    """A shop, and the project that holds its rows."""

    tenant: Tenant
    shop: Shop


def shop() -> Shop:
    """The same on every day but for its dates. People come from one country, which their names begin with."""
    random, today = np.random.default_rng(7), datetime.now(ZONE).date() - timedelta(days=1)
    end = datetime(today.year, today.month, today.day, tzinfo=ZONE)
    count = DAYS * A_DAY
    people = random.integers(0, 90, count)
    country = np.array(COUNTRIES)[people % 3]
    rows = pd.DataFrame(
        {
            "at": pd.Timestamp(end).tz_convert("UTC") - pd.to_timedelta(np.sort(random.uniform(1, DAYS * 86_400, count))[::-1].round(3), "s"),
            "name": np.where(random.random(count) < 0.4, "order_placed", "visit"),
            "user": [f"{place}-p{number:03}" for place, number in zip(country, people)],
            "country": country,
            "amount": random.gamma(3, 15, count).round(2),
            "shop": np.where(random.random(count) < 0.1, "trial", "web"),
        }
    )  # fmt: skip
    start = datetime.combine((end - timedelta(days=7)).date(), datetime.min.time(), ZONE)
    return Shop(rows, start.astimezone(UTC), end.astimezone(UTC))


async def stocked(client: tidemark.Client, tenant: Tenant, rows: pd.DataFrame) -> None:
    """Stores rows as events."""
    table = {
        "name": rows["name"].tolist(),
        "user_id": rows["user"].tolist(),
        "occurred_at": pa.array(rows["at"].tolist(), pa.timestamp("us", "UTC")),
        "properties": [
            orjson.dumps(
                {
                    "country": row.country,
                    "amount": row.amount,
                    "shop": row.shop,
                    "note": WORDS[row.country],
                }
            ).decode()
            for row in rows.itertuples()
        ],
    }
    await client.publish(pa.table(table))
    await client.flush()
    await tenant.settled(client)


def asked(query: question_pb2.Query) -> question_pb2.Query:
    """A question of the time of its report."""
    query.ClearField("time_range")
    return query


def custom(of: Shop, **fields: Any) -> pb.Report:
    """A report with a section of every kind, of seven whole days in Berlin, without the shop that is for trial."""
    report = pb.Report(
        display_name="Orders of the week <b>& more</b>",
        description="For those who sell.",
        time_zone="Europe/Berlin",
        locale="de",
        filter=tidemark.spelling.condition("properties.shop = web"),
        variables={"team": "Verkauf"},
        **fields,
    )
    report.time_range.start.FromDatetime(of.start)
    report.time_range.end.FromDatetime(of.end)
    add = report.sections.add
    add(id="words", title="In short").text.text = (
        "# {{ variables.team }}\n**{{ figures.orders.text }}** orders ({{ figures.orders.change | change }}) of {{ figures.buyers.text }} people,"
        " {{ figures.revenue.text }} in {{ range.days }} days.\n- {{ report.title }}\n- {{ project.name }}"
    )
    figures = add(id="figures", title="Figures").figures.figures
    for name, title, measure, unit in (
        ("orders", "Orders", "count", ""),
        ("revenue", "Revenue", "sum properties.amount", "€"),
        ("buyers", "Buyers", "uniques", ""),
    ):
        one = figures.add(
            id=name, title=title, query=asked(questions.series("order_placed", measure=measure))
        )
        one.display.unit, one.display.decimals = unit, 2 if unit else 0
    for name, title, query in (
        ("trend", "Orders by day", questions.series("order_placed", by=["properties.country"], interval="day", compare=True)),
        ("countries", "By country", questions.table("order_placed", by=["properties.country"], measure=["orders = count", "revenue = sum properties.amount"])),
        ("funnel", "From visit to order", questions.funnel(["visit", "order_placed"], window="3d")),
        ("retention", "Who comes back", questions.retention("visit", periods=6)),
        ("sessions", "Sessions", questions.sessions(interval="day")),
        ("lifecycle", "Who is new", questions.lifecycle()),
        ("paths", "Ways", questions.paths()),
        ("list", "All orders", questions.events("order_placed")),
    ):  # fmt: skip
        add(id=name, title=title).question.query.CopyFrom(asked(query))
    add(id="unusual", title="What is unusual").insights.limit = 5
    outlook = add(id="outlook", title="Outlook", new_page=True).forecast
    outlook.query.CopyFrom(asked(questions.series("order_placed", interval="day")))
    outlook.horizon = 7
    add(id="health", title="Can it be trusted?").health.SetInParent()
    return report


async def saved(client: tidemark.Client, edition: str, form: str) -> bytes:
    """A file of an edition."""
    into = BytesIO()
    await client.editions.download(edition, form, into)
    return into.getvalue()


class Mailbox:
    """Keeps what it is sent, by its first receiver."""

    def __init__(self) -> None:
        self.mails: dict[str, list[EmailMessage]] = {}

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Takes a mail."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.setdefault(envelope.rcpt_tos[0], []).append(mail)  # type: ignore[arg-type]
        return "250 taken"


@asynccontextmanager
async def mailing(tenant: Tenant) -> AsyncIterator[Mailbox]:
    """A mail server where the suite brings its mail."""
    mailbox, port, loop = (
        Mailbox(),
        int(tenant.suite.environment["TIDEMARK_SMTP_PORT"]),
        asyncio.get_running_loop(),
    )
    server = UnthreadedController(mailbox, "127.0.0.1", port, loop=loop)
    async with await loop.create_server(server.factory, "127.0.0.1", port):
        yield mailbox


@contextmanager
def storing() -> Iterator[tuple[str, Any]]:
    """A store like S3 with the bucket `reports`: its address, and a client of it."""
    import boto3

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", aws_access_key_id="AK",
        aws_secret_access_key="secret",
    )  # fmt: skip
    try:
        client.create_bucket(Bucket="reports")
        yield f"http://{host}:{port}", client
    finally:
        client.close()
        server.stop()


async def come(tenant: Tenant, ago: timedelta) -> datetime:
    """Lets the next slots of the project's schedules be those since so long ago, as if all servers had been away; gives the first."""
    at = datetime.now(UTC) - ago
    at -= timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)
    with psycopg.connect(tenant.suite.postgres.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE tidemark.schedules SET next_at = %(at)s, due_at = %(at)s FROM tidemark.projects"
            " WHERE projects.project_id = schedules.project_id AND slug = %(slug)s AND next_at IS NOT NULL",
            {"at": at, "slug": tenant.project.removeprefix("projects/")},
        )
    return at


async def ended(
    client: tidemark.Client, schedule: str, slots: Collection[datetime]
) -> list[tidemark.editions.Run]:
    """The runs of a schedule for these slots, earliest first, once all of them are over."""

    async def over() -> list[tidemark.editions.Run] | None:
        runs = [each async for each in client.editions.runs(schedule=schedule) if each.slot_time in slots]
        return runs if len(runs) == len(slots) and all(each.end_time for each in runs) else None

    found = await polling.until(over, SOON)
    return sorted(found, key=lambda run: run.slot_time or run.create_time)


async def moved_on(client: tidemark.Client, schedule: str) -> bool:
    """Whether the next slot of a schedule is one to come."""
    return (await client.schedules.get(schedule)).next_time.ToDatetime(UTC) > datetime.now(UTC)


def attachments(mail: EmailMessage) -> dict[str, bytes]:
    """The files of a mail by their names, byte for byte."""
    return {each.get_filename() or "": each.get_payload(decode=True) for each in mail.iter_attachments()}  # type: ignore[misc]


def kind_of(file_name: str) -> str:
    """The form of a file by what its name ends with."""
    return file_name.rpartition(".")[2].replace("zip", "csv")


def tables(manifest: edition_pb2.Manifest) -> dict[str, pb.TableProof]:
    """What is proven, by table."""
    return {each.table_id: each for section in manifest.sections for each in section.tables}


def stocked_store(deployment: Suite) -> Store:
    """A shop in a project of its own, to be read by several tests and changed by none of them."""
    found = Store(new_tenant(deployment), shop())

    async def load() -> None:
        async with found.tenant.client() as client:
            await stocked(client, found.tenant, found.shop.rows)

    asyncio.run(load())
    return found
