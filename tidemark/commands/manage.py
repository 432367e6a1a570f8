"""`tidemark ledger`, `status`, `projects`, `keys`, `readers` and `audit`: what an operator looks at and changes."""

import re
from argparse import Namespace
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tidemark.admin import Key, Project, Reader
from tidemark.client import Client
from tidemark.commands.ask import written
from tidemark.ledger import LedgerEntry
from tidemark.terminal.console import Console
from tidemark.terminal.table import number, size, table, text

_ACCOUNT = ("received", "stored", "duplicate", "rejected", "dead_lettered", "in_flight")
_TITLES = {
    "display_name": "title",
    "create_time": "created",
    "update_time": "updated",
    "expire_time": "expires",
    "revoke_time": "revoked",
}


async def ledger(client: Client, arguments: Namespace, console: Console) -> int:
    """Shows the account; with --verify, says only whether it balances, by the exit code too."""
    account = await client.ledger(
        last=arguments.last,
        start=arguments.start,
        end=arguments.end,
        during=arguments.during,
        producer_id=arguments.producer,
        page_size=arguments.limit,
    )
    # The server compares with the database; that the figures themselves add up is seen here.
    balanced = account.balanced and all(entry.balanced for entry in (account.total, *account.entries))
    if arguments.format != "table":
        console.say(*written(account.rows(), arguments.format))
    elif arguments.verify:
        console.say(_balance(account.total, balanced))
    else:
        rows = [
            [entry.producer_id, f"{entry.minute:%Y-%m-%d %H:%M}", *_figures(entry)]
            for entry in account.entries
        ]
        rows.append(["total", "", *_figures(account.total)])
        console.say(*table(["producer", "minute", *_ACCOUNT], rows, console.width))
        if account.next_page_token:
            console.say(f"… only the newest {len(account.entries)} rows; the total is of all")
        console.say("", _balance(account.total, balanced))
    return 0 if balanced else 1


async def status(client: Client, _: Namespace, console: Console) -> int:
    """Shows which servers serve, and what the platform measures of itself."""
    health = await client.health()
    console.say(*table(["server", "serving"], [[address, serving] for address, serving in health.items()]))
    if not all(health.values()):
        return 1
    now = await client.analytics()
    figures: list[tuple[str, object]] = [
        ("stored per second", now.stored_per_second),
        ("received in 24 hours", now.last_day.received),
        ("stored in 24 hours", now.last_day.stored),
        ("in flight", now.last_day.in_flight),
        ("commit latency p50 / p99", f"{_ms(now.commit_latency_p50)} / {_ms(now.commit_latency_p99)}"),
        ("questions answered / failed", f"{now.queries_answered:,} / {now.queries_failed:,}"),
        ("question latency p50 / p99", f"{_ms(now.query_latency_p50)} / {_ms(now.query_latency_p99)}"),
        ("watching", now.watching),
        ("database", size(now.database_bytes)),
        ("log", size(now.log_bytes)),
        ("query process", f"{now.process_cpu:.1%} of a core, {size(now.process_memory_bytes)}"),
        *now.versions.items(),
    ]
    console.say(
        "", *table(["figure", "value"], [[name, text(value)] for name, value in figures], console.width)
    )
    rows = [
        [it.partition, it.writer or "nobody", it.backlog_events, size(it.backlog_bytes), it.watermark]
        for it in now.partitions
    ]
    console.say("", *table(["partition", "writer", "backlog", "bytes", "watermark"], rows, console.width))
    return 0


async def projects(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists, creates or changes projects."""
    if arguments.projects == "create":
        made = [
            await client.admin.create_project(
                arguments.id, display_name=arguments.title, time_zone=arguments.time_zone
            )
        ]
    elif arguments.projects == "update":
        made = [
            await client.admin.update_project(
                arguments.id, display_name=arguments.title or None, time_zone=arguments.time_zone or None
            )
        ]
    else:
        made = [project async for project in client.admin.projects()]
    _show(made, arguments, console)
    return 0


async def keys(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists, creates or revokes keys."""
    project = await _project(client)
    if arguments.keys == "create":
        key = await client.admin.create_key(
            project,
            arguments.role,
            display_name=arguments.title,
            expires_at=arguments.expires,
            events_per_minute=arguments.events_per_minute,
            requests_per_minute=arguments.requests_per_minute,
        )
        _show([key], arguments, console)
        console.warn("the secret, shown this once:")
        console.say(key.secret)
    elif arguments.keys == "revoke":
        name = arguments.key_name
        _show(
            [await client.admin.revoke_key(name if "/" in name else f"{project}/keys/{name}")],
            arguments,
            console,
        )
    else:
        _show([key async for key in client.admin.keys(project)], arguments, console)
    return 0


async def readers(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists, creates or deletes readers."""
    project = await _project(client)
    if arguments.readers == "create":
        reader = await client.admin.create_reader(project, arguments.id, connections=arguments.connections)
        _show([reader], arguments, console)
        console.warn(f"the password of the role {reader.role}, shown this once:")
        console.say(reader.password)
    elif arguments.readers == "delete":
        name = arguments.reader_name
        await client.admin.delete_reader(name if "/" in name else f"{project}/readers/{name}")
    else:
        _show([reader async for reader in client.admin.readers(project)], arguments, console)
    return 0


async def audit(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists the audit log, or has its chain verified."""
    project = await _project(client)
    if arguments.audit == "verify":
        found = await client.admin.verify_audit(project)
        if found.intact:
            console.say(f"intact: {found.entry_count:,} entries")
            return 0
        console.say(
            f"broken at entry {found.first_broken_sequence:,} of {found.entry_count:,}: {found.explanation}"
        )
        return 1
    entries = await _first(
        client.admin.audit(project, actor=arguments.actor, action=arguments.action), arguments.limit
    )
    if arguments.format != "table":
        console.say(*written([asdict(entry) for entry in entries], arguments.format))
        return 0
    header = ["sequence", "occurred_at", "actor", "action", "resource", "peer", "outcome"]
    rows = [[_short(getattr(entry, name)) for name in header] for entry in entries]
    console.say(*table(header, rows, console.width))
    return 0


async def _project(client: Client) -> str:
    """The project that is meant: the one given, else the only one that the key sees."""
    if client.project:
        return client.project
    found = [project.name async for project in client.admin.projects()]
    if len(found) == 1:
        return found[0]
    raise ValueError(f"--project: is missing; give one of {', '.join(found) or 'none yet: create one first'}")


def _show(found: list[Project] | list[Key] | list[Reader], arguments: Namespace, console: Console) -> None:
    rows = [
        {name: value for name, value in asdict(it).items() if name not in ("secret", "password", "etag")}
        for it in found
    ]
    if arguments.format != "table":
        console.say(*written(rows, arguments.format))
    elif not rows:
        console.say("none")
    else:
        header = [_TITLES.get(name, name.replace("_per_minute", "/min")) for name in rows[0]]
        shown = [[_short(value) for value in row.values()] for row in rows]
        console.say(*table(header, shown, console.width))


async def _first(items: AsyncIterator[Any], limit: int) -> list[Any]:
    found: list[Any] = []
    async for item in items:
        found.append(item)
        if len(found) >= limit:
            break
    return found


def _short(value: object) -> object:
    """What a table shows: of a resource name its last part, of an RPC its own name, of a peer the address, of an instant the minute."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, str) and value.startswith("projects/"):
        return value.rpartition("/")[2]
    if isinstance(value, str) and value.startswith("tidemark.v1."):
        return re.split("[./]", value)[-1]
    if isinstance(value, str) and value.startswith(("ipv4:", "ipv6:")):
        return value[5:]
    return value


def _figures(entry: LedgerEntry) -> list[object]:
    return [getattr(entry, name) for name in _ACCOUNT]


def _balance(total: LedgerEntry, balanced: bool) -> str:
    parts = " + ".join(f"{getattr(total, name):,} {name.replace('_', ' ')}" for name in _ACCOUNT[1:])
    return f"{'balanced' if balanced else 'NOT BALANCED'}: {total.received:,} received = {parts}"


def _ms(seconds: float) -> str:
    return f"{number(round(seconds * 1000, 1))} ms"
