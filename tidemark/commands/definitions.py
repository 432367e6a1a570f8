"""`tidemark schemas`, `rules`, `validate` and `windows`: what is done to events on their way, in and out of files."""

from argparse import ArgumentParser, Namespace
from typing import Any
from uuid import uuid4

import orjson
from google.protobuf.json_format import ParseDict, ParseError

from tidemark import rules as rules_
from tidemark.client import Client
from tidemark.commands.question import add_span
from tidemark.commands.shown import add_format, joined, last_part, read, show, told, when
from tidemark.schemas import COMPATIBILITIES, ENFORCEMENTS
from tidemark.terminal.console import Console
from tidemark.terminal.table import number
from tidemark.v1 import event_pb2, rule_pb2, schema_pb2

_SCHEMAS = {
    "id": lambda each: last_part(each.name),
    "event": lambda each: each.event_name,
    "version": lambda each: each.version,
    "violations": lambda each: told(schema_pb2.Enforcement, each.enforcement),
    "compatibility": lambda each: told(schema_pb2.Compatibility, each.compatibility),
    "changed": lambda each: when(each.update_time),
}
_PROPERTIES = {
    "property": lambda each: each.path,
    "types": lambda each: joined(each.types),
    "present": lambda each: f"{each.present_share:.1%}",
    "examples": lambda each: joined(each.examples),
}
_RULES = {
    "rule": lambda each: each.rule_id,
    "does": lambda each: (each.WhichOneof("action") or "").replace("_", " "),
    "events": lambda each: joined(each.event_names) or "all",
    "when": lambda each: each.when or "always",
    "at fault": lambda each: told(rule_pb2.Rule.Failure, each.on_failure) or "keep",
    "active": lambda each: not each.disabled,
}
_EFFECTS = {
    "rule": lambda each: each.rule_id,
    "applied": lambda each: each.applied_count,
    "changed": lambda each: each.changed_count,
    "failed": lambda each: each.failed_count,
    "first failure": lambda each: each.first_failure,
}
_TRIALS = {
    "event": lambda each: each.before.name,
    "outcome": lambda each: told(rule_pb2.Judgement.Outcome, each.judgement.outcome),
    "changed": lambda each: joined(each.changed_fields),
    "field": lambda each: each.judgement.field,
    "message": lambda each: each.judgement.message,
}
_WINDOWS = {
    "id": lambda each: last_part(each.name),
    "title": lambda each: each.display_name,
    "shape": lambda each: each.WhichOneof("shape"),
    "events": lambda each: joined(each.event_names) or "all",
    "key": lambda each: joined(each.key),
    "aggregates": lambda each: joined(aggregate.id for aggregate in each.aggregates),
}
_RESULTS = {
    "start": lambda each: when(each.start),
    "end": lambda each: when(each.end),
    "key": lambda each: joined(each.key),
    "values": lambda each: joined(map(number, each.values)),
    "events": lambda each: each.event_count,
    "closed": lambda each: each.closed,
    "late": lambda each: each.late_count,
    "dropped": lambda each: each.dropped_count,
}


def add_schemas(command: ArgumentParser) -> None:
    """The arguments of `tidemark schemas`."""
    actions = command.add_subparsers(dest="schemas", required=True, metavar="ACTION")
    add_format(actions.add_parser("list", help="by event"))
    shown = actions.add_parser("get", help="the document of one")
    shown.add_argument("schema", metavar="SCHEMA", help="its id or name")
    shown.add_argument("--version", type=int, default=0, help="the present one if not given")
    put = actions.add_parser("put", help="make the schema of an event, or its next version, out of a file")
    put.add_argument("event", help="name of the event")
    put.add_argument("file", help="a JSON Schema of the event's properties")
    put.add_argument(
        "--enforcement", choices=[*ENFORCEMENTS], help="what becomes of violations; warn at first"
    )
    put.add_argument("--compatibility", choices=[*COMPATIBILITIES], help="what a new version promises")
    infer = actions.add_parser("infer", help="propose one that the newest stored events fit")
    infer.add_argument("event", help="name of the event")
    infer.add_argument("--seen", action="store_true", help="show what was seen of each property instead")
    add_span(infer, "30d")
    add_format(infer)
    actions.add_parser("delete", help="delete one").add_argument("schema", metavar="SCHEMA")
    for chosen in actions.choices.values():
        chosen.set_defaults(run=schemas)


async def schemas(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists, shows, makes, proposes or deletes schemas."""
    match arguments.schemas:
        case "list":
            show([each async for each in client.schemas.all()], _SCHEMAS, arguments, console)
        case "get":
            found = await client.schemas.get(arguments.schema, version=arguments.version)
            console.say(_indented(found.document))
        case "put":
            given = {name: getattr(arguments, name) for name in ("enforcement", "compatibility")}
            given = {name: value for name, value in given.items() if value}
            document, there = read(arguments.file), await client.schemas.of(arguments.event)
            if there is None:
                made = await client.schemas.create(arguments.event, document, **given)
            else:
                made = await client.schemas.update(there.name, document, etag=there.etag, **given)
            console.say(f"{made.name}: version {made.version}")
        case "infer":
            proposed = await client.schemas.infer(arguments.event, **_span(arguments))
            if arguments.seen:
                show(proposed.properties, _PROPERTIES, arguments, console)
            else:
                console.say(_indented(proposed.schema.document))
        case "delete":
            await client.schemas.delete(arguments.schema)
    return 0


def add_rules(command: ArgumentParser) -> None:
    """The arguments of `tidemark rules`."""
    actions = command.add_subparsers(dest="rules", required=True, metavar="ACTION")
    shown = actions.add_parser("get", help="the rules; as a file with --format json")
    shown.add_argument("--version", type=int, default=0, help="the present one if not given")
    add_format(shown)
    actions.add_parser("put", help="make the next version out of a file").add_argument("file")
    attempt = actions.add_parser("try", help="what rules would do to the newest stored events")
    attempt.add_argument("file", nargs="?", help="the present rules if not given")
    attempt.add_argument("--event", default="", metavar="NAME", help="only events of this name")
    attempt.add_argument("--sample", type=int, default=0, help="how many; 20 if not given")
    attempt.add_argument("--events", action="store_true", help="show what becomes of each event")
    add_format(attempt)
    for chosen in actions.choices.values():
        chosen.set_defaults(run=rules)


async def rules(client: Client, arguments: Namespace, console: Console) -> int:
    """Shows, replaces or tries rules."""
    match arguments.rules:
        case "get":
            found = await client.rules.get(version=arguments.version)
            if arguments.format == "json":
                console.say(rules_.to_json(found))
            else:
                console.say(f"version {found.version}")
                show(found.rules, _RULES, arguments, console)
        case "put":
            console.say(f"version {(await client.rules.update(read(arguments.file))).version}")
        case "try":
            draft = read(arguments.file) if arguments.file else None
            tried = await client.rules.attempt(
                draft, event_name=arguments.event, sample_size=arguments.sample
            )
            if arguments.events:
                show(tried.trials, _TRIALS, arguments, console)
            else:
                console.say(f"{len(tried.trials)} events")
                show(tried.effects, _EFFECTS, arguments, console)
    return 0


def add_validate(command: ArgumentParser) -> None:
    """The arguments of `tidemark validate`."""
    command.add_argument("file", help="events as JSON lines, in the form of the contract; at most 1 000")
    add_format(command)
    command.set_defaults(run=validate)


async def validate(client: Client, arguments: Namespace, console: Console) -> int:
    """Tells what would become of events."""
    events = [_event(line, place) for place, line in enumerate(read(arguments.file).splitlines(), 1) if line]
    trials = await client.validate(events)
    show(trials, _TRIALS, arguments, console)
    good = (rule_pb2.Judgement.OUTCOME_STORED, rule_pb2.Judgement.OUTCOME_WARNED)
    return 0 if all(each.judgement.outcome in good for each in trials) else 1


def add_windows(command: ArgumentParser) -> None:
    """The arguments of `tidemark windows`."""
    actions = command.add_subparsers(dest="windows", required=True, metavar="ACTION")
    add_format(actions.add_parser("list", help="by name"))
    create = actions.add_parser("create", help="a new one")
    create.add_argument("title", help="the name people read")
    create.add_argument(
        "--id", default="", help="the last part of its name; made from the title if not given"
    )
    create.add_argument(
        "--name", action="append", default=[], help="name of the events; repeat for more, all if not given"
    )
    create.add_argument(
        "--when", default="", metavar="CEL", help="an expression that must be true of an event"
    )
    create.add_argument(
        "--by", action="append", default=[], metavar="FIELD", help="a window for each value; repeat for more"
    )
    create.add_argument("--size", metavar="SPAN", help="how long each is")
    create.add_argument("--every", metavar="SPAN", help="how often one begins, where they overlap")
    create.add_argument("--gap", metavar="SPAN", help="instead of --size: as long as something happens")
    create.add_argument(
        "--lateness", metavar="SPAN", help="how long after its end events still count; a day if not given"
    )
    create.add_argument(
        "--measure",
        action="append",
        default=[],
        metavar="ID=MEASURE",
        help="as in 'revenue=sum properties.amount'; repeat for more",
    )
    results = actions.add_parser("results", help="what one has kept, newest first")
    results.add_argument("window", metavar="WINDOW", help="its id or name")
    results.add_argument("--limit", type=int, default=50, help="how many")
    add_span(results, "1d")
    add_format(results)
    actions.add_parser("delete", help="delete one with its results").add_argument("window", metavar="WINDOW")
    for chosen in actions.choices.values():
        chosen.set_defaults(run=windows)


async def windows(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists, makes, shows or deletes windows."""
    match arguments.windows:
        case "list":
            show([each async for each in client.windows.all()], _WINDOWS, arguments, console)
        case "create":
            made = await client.windows.create(
                arguments.title,
                aggregates=dict(_measure(text) for text in arguments.measure or ["count=count"]),
                event_names=arguments.name,
                when=arguments.when,
                key=arguments.by,
                size=arguments.size,
                every=arguments.every,
                gap=arguments.gap,
                allowed_lateness=arguments.lateness,
                window_id=arguments.id,
            )
            console.say(made.name)
        case "results":
            found = []
            async for result in client.windows.results(arguments.window, **_span(arguments)):
                found.append(result)
                if len(found) == arguments.limit:
                    break
            show(found, _RESULTS, arguments, console)
        case "delete":
            await client.windows.delete(arguments.window)
    return 0


def _span(arguments: Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in ("last", "start", "end", "during")}


def _measure(text: str) -> tuple[str, str]:
    name, sign, measure = text.partition("=")
    if not sign:
        raise ValueError(f"measure: {text!r} has no id; write as in 'revenue=sum properties.amount'")
    return name.strip(), measure.strip()


def _event(line: str, place: int) -> event_pb2.Event:
    """An event of the contract, or what a person would write: plain JSON without an id."""
    try:
        event = ParseDict(orjson.loads(line), event_pb2.Event())
    except (ParseError, orjson.JSONDecodeError) as error:
        raise ValueError(f"line {place}: is no event: {error}") from error
    event.event_id = event.event_id or uuid4().bytes
    if not event.HasField("occurred_at"):
        event.occurred_at.GetCurrentTime()
    event.type = event.type or event_pb2.EVENT_TYPE_USER_ACTION
    return event


def _indented(document: str) -> str:
    return orjson.dumps(orjson.loads(document), option=orjson.OPT_INDENT_2).decode()
