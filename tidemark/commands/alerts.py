"""`tidemark alerts`: rules that watch series, what they have found, and who is told."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from typing import Any

from tidemark import questions
from tidemark.alerts import SEVERITIES, STATES, rule_of
from tidemark.client import Client
from tidemark.commands.question import add_span
from tidemark.commands.shown import add_format, first, joined, last_part, show, told, when
from tidemark.spelling import span
from tidemark.terminal.console import Console
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import insight_pb2

_RULES = {
    "id": lambda each: last_part(each.name),
    "title": lambda each: each.display_name,
    "condition": lambda each: each.WhichOneof("condition"),
    "severity": lambda each: told(insight_pb2.Severity, each.severity),
    "snoozed until": lambda each: when(each.snooze_until),
    "active": lambda each: not each.disabled,
    "looked at": lambda each: when(each.evaluate_time),
    "fault": lambda each: each.fault,
}
_PREVIEWED = {
    "state": lambda each: told(pb.Incident.State, each.state),
    "since": lambda each: when(each.start_time),
    "until": lambda each: when(each.end_time),
    "title": lambda each: each.title,
}
_INCIDENTS = {
    "id": lambda each: last_part(each.name),
    "severity": lambda each: told(insight_pb2.Severity, each.severity),
    **_PREVIEWED,
}
_CHANNELS = {
    "id": lambda each: last_part(each.name),
    "title": lambda each: each.display_name,
    "to": lambda each: each.webhook.url or joined(each.email.to),
    "least severity": lambda each: told(insight_pb2.Severity, each.least_severity),
    "fault": lambda each: each.fault,
}
_NOTIFICATIONS = {
    "made": lambda each: when(each.create_time),
    "tells": lambda each: "the end" if each.resolved else "the beginning",
    "incidents": lambda each: joined(map(last_part, each.incidents)),
    "channel": lambda each: last_part(each.channel),
    "state": lambda each: told(pb.Notification.State, each.state),
    "tries": lambda each: each.attempts,
    "outcome": lambda each: each.outcome,
    "next": lambda each: when(each.next_time),
}


def add_alerts(command: ArgumentParser) -> None:
    """The arguments of `tidemark alerts`."""
    actions = command.add_subparsers(dest="alerts", required=True, metavar="ACTION")
    add_format(actions.add_parser("rules", help="by name"))
    create = actions.add_parser("create", help="a new rule")
    _add_rule(create)
    create.add_argument(
        "--id", default="", help="the last part of its name; made from the title if not given"
    )
    create.add_argument("--severity", choices=[*SEVERITIES], default="high", help="how bad its incidents are")
    create.add_argument(
        "--channel", action="append", default=[], help="whom to tell; repeat for more, all if not given"
    )
    create.add_argument("--together", metavar="SPAN", help="tell groups that open within this together")
    preview = actions.add_parser("preview", help="what a rule would have done in the past")
    _add_rule(preview)
    add_span(preview, "7d")
    add_format(preview)
    snooze = actions.add_parser("snooze", help="let a rule open no incident for a while")
    snooze.add_argument("rule", metavar="RULE", help="its id or name")
    snooze.add_argument("span", metavar="SPAN", help="how long, as in 2h; 0s ends it")
    actions.add_parser("delete", help="delete a rule").add_argument("rule", metavar="RULE")
    incidents = actions.add_parser("incidents", help="newest first")
    incidents.add_argument(
        "--state", action="append", default=[], choices=[*STATES], help="only such; repeat for more"
    )
    incidents.add_argument("--rule", default="", help="only of this rule")
    incidents.add_argument("--limit", type=int, default=50, help="how many")
    add_format(incidents)
    for name, about in (("ack", "look after an incident"), ("resolve", "end an incident")):
        actions.add_parser(name, help=about).add_argument("incident", metavar="INCIDENT")
    _add_channels(actions.add_parser("channels", help="list, create, test or delete channels"))
    notifications = actions.add_parser("notifications", help="newest first")
    notifications.add_argument("--incident", default="", help="only of this incident")
    notifications.add_argument("--limit", type=int, default=50, help="how many")
    add_format(notifications)
    for each in actions.choices.values():
        each.set_defaults(run=alerts)


async def alerts(client: Client, arguments: Namespace, console: Console) -> int:
    """Does what is asked about alerts."""
    ours = client.alerts
    match arguments.alerts:
        case "rules":
            show([each async for each in ours.all()], _RULES, arguments, console)
        case "create":
            made = await ours.create(
                *_rule(arguments),
                **_condition(arguments),
                for_buckets=arguments.for_buckets,
                clear_buckets=arguments.clear_buckets,
                severity=arguments.severity,
                channels=arguments.channel,
                group_window=arguments.together,
                rule_id=arguments.id,
            )
            console.say(made.name)
        case "preview":
            rule = rule_of(*_rule(arguments), **_condition(arguments))
            rule.for_buckets, rule.clear_buckets = arguments.for_buckets, arguments.clear_buckets
            given = {name: getattr(arguments, name) for name in ("last", "start", "end", "during")}
            seen = await ours.preview(rule, **given)
            show(seen.incidents, _PREVIEWED, arguments, console)
            if arguments.format == "table":
                console.say(f"{seen.fault_count} of {seen.bucket_count} buckets at fault")
        case "snooze":
            length = span(arguments.span)
            rule = await ours.snooze(arguments.rule, datetime.now(UTC) + length if length else None)
            console.say(f"{rule.name}: {f'snoozed until {when(rule.snooze_until)}' if length else 'awake'}")
        case "delete":
            await ours.delete(arguments.rule)
        case "incidents":
            found = ours.incidents(states=arguments.state, rule=arguments.rule)
            show(await first(found, arguments.limit), _INCIDENTS, arguments, console)
        case "ack" | "resolve":
            act = ours.acknowledge if arguments.alerts == "ack" else ours.resolve
            incident = await act(arguments.incident)
            console.say(f"{incident.name}: {told(pb.Incident.State, incident.state)}")
        case "channels":
            return await _channels(client, arguments, console)
        case "notifications":
            sent = ours.notifications(incident=arguments.incident)
            show(await first(sent, arguments.limit), _NOTIFICATIONS, arguments, console)
    return 0


def _add_rule(command: ArgumentParser) -> None:
    command.add_argument("title", help="the name people read")
    command.add_argument(
        "when",
        metavar="CONDITION",
        help="when a bucket is at fault: '> 20', '< 5', 'change 20%%', 'up 20%%', 'down 20%%', unusual, 'unusual up' or absent",
    )
    command.add_argument("--name", default="", help="name of the event or metric; every event if not given")
    command.add_argument("--source", choices=["events", "metrics"], default="events")
    command.add_argument("--measure", default="count", help="as in 'p95 properties.ms'")
    command.add_argument(
        "--by", action="append", default=[], metavar="FIELD", help="incidents for each value; repeat for more"
    )
    command.add_argument(
        "--where", action="append", default=[], metavar="CONDITION", help="which events; repeat for more"
    )
    command.add_argument("--interval", default="minute", help="minute, 5m, hour, day")
    command.add_argument(
        "--for",
        dest="for_buckets",
        type=int,
        default=1,
        metavar="N",
        help="so many buckets in a row at fault open an incident",
    )
    command.add_argument(
        "--clear",
        dest="clear_buckets",
        type=int,
        default=1,
        metavar="N",
        help="so many in a row without fault end it",
    )
    command.add_argument(
        "--ago", type=int, default=0, metavar="N", help="with a change: compare with so many buckets before"
    )
    command.add_argument(
        "--least", type=float, default=0.0, help="with a change: not where both values are below this"
    )
    command.add_argument(
        "--rate",
        type=float,
        default=0.0,
        help="with unusual: the chance of a false alarm in a bucket; 0.001 if not given",
    )


def _add_channels(command: ArgumentParser) -> None:
    actions = command.add_subparsers(dest="channels", required=True, metavar="ACTION")
    add_format(actions.add_parser("list", help="by name"))
    create = actions.add_parser("create", help="a new one; prints the secret of a webhook, once")
    create.add_argument("title", help="the name people read")
    create.add_argument(
        "--id", default="", help="the last part of its name; made from the title if not given"
    )
    create.add_argument("--url", default="", help="of a web server")
    create.add_argument(
        "--email", action="append", default=[], metavar="ADDRESS", help="instead; repeat for more"
    )
    create.add_argument(
        "--least", choices=[*SEVERITIES], default="low", help="only incidents at least this bad"
    )
    for name, about in (
        ("test", "send a test; the exit code tells whether it was taken"),
        ("delete", "delete one"),
    ):
        actions.add_parser(name, help=about).add_argument("channel", metavar="CHANNEL")


async def _channels(client: Client, arguments: Namespace, console: Console) -> int:
    match arguments.channels:
        case "list":
            show(await client.alerts.channels(), _CHANNELS, arguments, console)
        case "create":
            made = await client.alerts.create_channel(
                arguments.title,
                url=arguments.url,
                email=arguments.email,
                least_severity=arguments.least,
                channel_id=arguments.id,
            )
            console.say(made.channel.name, *([made.secret] if made.secret else []))
        case "test":
            tested = await client.alerts.test_channel(arguments.channel)
            console.say(tested.outcome)
            return 0 if tested.delivered else 1
        case "delete":
            await client.alerts.delete_channel(arguments.channel)
    return 0


def _rule(arguments: Namespace) -> tuple[str, Any, str]:
    series = questions.series(
        arguments.name,
        measure=arguments.measure,
        source=arguments.source,
        by=arguments.by,
        where=arguments.where,
        interval=arguments.interval,
    )
    return arguments.title, series, arguments.when


def _condition(arguments: Namespace) -> dict[str, Any]:
    return {"buckets_ago": arguments.ago, "least": arguments.least, "false_alarm_rate": arguments.rate}
