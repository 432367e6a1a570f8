"""`tidemark lineage`, `quality`, `producers`, `critical`, `retention` and `erase`: where data comes from, how good it is, how long it stays."""

from argparse import ArgumentParser, Namespace
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import UUID

from tidemark.client import Client
from tidemark.commands.question import add_span
from tidemark.commands.shown import add_format, joined, last_part, show, told, when
from tidemark.plain import seconds
from tidemark.terminal.console import Console
from tidemark.terminal.table import number, printable
from tidemark.v1 import pipeline_pb2 as pb
from tidemark.v1 import retention_pb2, schema_pb2

_DAYS = ("raw_days", "minute_days", "hour_days", "day_days", "ledger_days")
_BATCHES = {
    "batch": lambda each: str(each.batch_id),
    "source": lambda each: each.source,
    "producer": lambda each: each.producer_id,
    "epoch": lambda each: str(each.epoch),
    "sequence": lambda each: each.sequence,
    "partition": lambda each: each.partition,
    "entry": lambda each: each.entry_id,
    "received": lambda each: when(each.received_at),
    "committed": lambda each: when(each.committed_at),
    "rows": lambda each: each.row_count,
}
_EVENTS = {
    "event": lambda each: each.event_name,
    "count": lambda each: each.count,
    "before": lambda each: each.previous_count,
    "last": lambda each: when(each.last_occurred_at),
    "schema": lambda each: f"{last_part(each.schema)} {each.schema_version}" if each.schema else "",
    "checked": lambda each: each.checked_count,
    "violations": lambda each: each.violation_count,
    "share": lambda each: f"{each.violation_share:.2%}" if each.checked_count else "",
    "rules failed": lambda each: each.rule_failure_count,
    "dead letters": lambda each: each.dead_lettered_count,
}
_PROPERTIES = {
    "property": lambda each: each.path,
    "missing": lambda each: f"{each.null_share:.1%}",
    "before": lambda each: number(100 * each.previous_null_share) + " %",
    "types": lambda each: joined(f"{name} {share:.0%}" for name, share in sorted(each.types.items())),
    "drift": lambda each: number(each.type_drift),
    "different": lambda each: each.distinct_count,
    "planned": lambda each: each.planned,
    "examples": lambda each: joined(each.examples),
}
_PRODUCERS = {
    "producer": lambda each: each.producer_id,
    "source": lambda each: each.source,
    "partition": lambda each: each.partition,
    "last batch": lambda each: when(each.last_received_at),
    "received": lambda each: each.received_count,
    "stored": lambda each: each.stored_count,
    "duplicate": lambda each: each.duplicate_count,
    "rejected": lambda each: each.rejected_count,
    "dead letters": lambda each: each.dead_lettered_count,
}
_ERASURES = {
    "erasure": lambda each: last_part(each.name),
    "asked for": lambda each: when(each.create_time),
    "state": lambda each: told(retention_pb2.Erasure.State, each.state),
    "complete": lambda each: when(each.complete_time),
    "removed": lambda each: joined(f"{part.place} {part.count:,}" for part in each.parts),
}


def add_lineage(command: ArgumentParser) -> None:
    """The arguments of `tidemark lineage`."""
    command.add_argument("event_id", nargs="?", help="id of an event")
    command.add_argument("--bucket", metavar="NAME", help="instead: a bucket of the rollups of this name")
    command.add_argument("--start", metavar="INSTANT", help="with --bucket: when it begins")
    command.add_argument("--width", choices=["minute", "hour", "day"], default="minute", help="with --bucket")
    command.add_argument("--source", choices=["events", "metrics"], default="events", help="with --bucket")
    add_format(command)
    command.set_defaults(run=lineage)


async def lineage(client: Client, arguments: Namespace, console: Console) -> int:
    """Tells where an event, or a bucket, comes from."""
    if arguments.bucket:
        start = datetime.fromisoformat(arguments.start or "")
        found = await client.pipeline.bucket(
            arguments.bucket,
            start if start.tzinfo else start.replace(tzinfo=UTC),
            arguments.width,
            of=arguments.source,
        )
        console.say(
            f"{found.rollup_count:,} in the rollup, {found.row_count:,} rows, {found.batch_count:,} batches"
        )
        show(found.batches, _BATCHES, arguments, console)
        return 0
    if not arguments.event_id:
        raise ValueError("event_id: is missing; give the id of an event, or --bucket")
    try:
        event_id = UUID(arguments.event_id)
    except ValueError as error:
        raise ValueError(f"event_id: is {arguments.event_id!r}; give a UUID") from error
    ways = (await client.pipeline.lineage(event_id)).events
    if arguments.format == "json":
        show(ways, {}, arguments, console)
        return 0
    for way in ways:
        console.say(*_way(way), "")
    return 0


def _way(way: pb.EventLineage) -> list[str]:
    """The way of an event, step by step."""
    batch = way.batch
    steps = [
        f"{printable(way.event.name) or 'dead letter'}  schema {way.schema_version or 'none'}, rules {batch.rules_version or 'none'}",
        f"  sent       {when(batch.sent_at) or '-'}  by {batch.producer_id}, epoch {batch.epoch}, sequence {batch.sequence}",
        f"  received   {when(batch.received_at)}  by the door {batch.source}",
        f"  durable    {when(batch.appended_at)}  in partition {batch.partition} as {batch.entry_id}",
        f"  committed  {when(batch.committed_at)}  in batch {batch.batch_id}",
    ]
    if way.dead_letter:
        steps.append(f"  dead letter {last_part(way.dead_letter)}")
    if way.segment_id:
        steps.append(f"  segment     {way.segment_id}")
    return steps


def add_quality(command: ArgumentParser) -> None:
    """The arguments of `tidemark quality`."""
    command.add_argument(
        "event", nargs="?", default="", help="name of an event, for its properties; all events if not given"
    )
    command.add_argument("--search", default="", help="only events whose name holds this")
    add_span(command, "7d")
    add_format(command)
    command.set_defaults(run=quality)


async def quality(client: Client, arguments: Namespace, console: Console) -> int:
    """Tells how good events are."""
    span = {name: getattr(arguments, name) for name in ("last", "start", "end", "during")}
    if not arguments.event:
        found = [each async for each in client.pipeline.events(arguments.search, **span)]
        show(found, _EVENTS, arguments, console)
        return 0
    one = await client.pipeline.quality(arguments.event, **span)
    if arguments.format == "table":
        event = one.event
        enforcement = told(schema_pb2.Enforcement, event.enforcement) or "no schema"
        console.say(
            f"{printable(event.event_name)}: {event.count:,} events, {event.previous_count:,} before, the last "
            f"{number(seconds(event.freshness))} s ago; {enforcement}, {event.violation_count:,} violations of "
            f"{event.checked_count:,} checked",
            f"seen in {one.sample_count:,} events, and {one.previous_sample_count:,} of the time before",
            "",
        )
    show(one.properties, _PROPERTIES, arguments, console)
    return 0


def add_producers(command: ArgumentParser) -> None:
    """The arguments of `tidemark producers`."""
    add_format(command)
    command.set_defaults(run=producers)


async def producers(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists who sends."""
    show([each async for each in client.pipeline.producers()], _PRODUCERS, arguments, console)
    return 0


def add_critical(command: ArgumentParser) -> None:
    """The arguments of `tidemark critical`."""
    command.add_argument(
        "--since", default="0s", metavar="SPAN", help="begin with those of the last so long, at most 1h"
    )
    command.set_defaults(run=critical)


async def critical(client: Client, arguments: Namespace, console: Console) -> int:
    """Shows errors and security events as they come, until interrupted."""
    missed = lambda: console.warn("some may have been missed")  # noqa: E731
    async with aclosing(client.watch_critical(since=arguments.since, on_gap=missed)) as events:
        async for event in events:
            at = f"{event.occurred_at:%H:%M:%S.%f}"[:-3]
            console.say(
                printable(
                    f"{at}  {event.type.name:14}  {event.name}  {event.user_id}  {dict(event.properties) or ''}"
                )
            )
    return 0


def add_retention(command: ArgumentParser) -> None:
    """The arguments of `tidemark retention`."""
    actions = command.add_subparsers(dest="retention", required=True, metavar="ACTION")
    actions.add_parser("get", help="how long data is kept")
    change = actions.add_parser("set", help="change it; what is older goes and does not come back")
    for name in _DAYS:
        change.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="DAYS", help="0 is for ever")
    for chosen in actions.choices.values():
        chosen.set_defaults(run=retention)


async def retention(client: Client, arguments: Namespace, console: Console) -> int:
    """Shows or changes how long data is kept."""
    if arguments.retention == "get":
        found = await client.privacy.retention()
    else:
        given = {name: getattr(arguments, name) for name in _DAYS if getattr(arguments, name) is not None}
        if not given:
            raise ValueError(f"retention: nothing is given; give --{_DAYS[0].replace('_', '-')} or another")
        found = await client.privacy.retain(**given)
    for name in _DAYS:
        days = getattr(found, name)
        console.say(f"{name.removesuffix('_days'):8}{f'{days:,} days' if days else 'for ever'}")
    return 0


def add_erase(command: ArgumentParser) -> None:
    """The arguments of `tidemark erase`."""
    command.add_argument("user_id", nargs="?", help="whom to remove; without one, the erasures are listed")
    command.add_argument("--yes", action="store_true", help="do it")
    add_format(command)
    command.set_defaults(run=erase)


async def erase(client: Client, arguments: Namespace, console: Console) -> int:
    """Removes a person from all that is stored, or lists who was removed."""
    if not arguments.user_id:
        show([each async for each in client.privacy.erasures()], _ERASURES, arguments, console)
        return 0
    if not arguments.yes:
        console.say(
            f"{printable(arguments.user_id)} would be removed from all that is stored, for ever; --yes does it"
        )
        return 1
    show([await client.privacy.erase(arguments.user_id)], _ERASURES, arguments, console)
    return 0
