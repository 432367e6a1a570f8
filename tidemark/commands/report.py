"""`tidemark report`: definitions and templates in and out of files, checked and previewed; what is made of them is in `edition.py`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from tidemark import reports
from tidemark.client import Client
from tidemark.commands.edition import add_runs
from tidemark.commands.shown import add_format, joined, last_part, read, show, told, when
from tidemark.terminal.console import Console
from tidemark.v1 import report_pb2 as pb

_REPORTS = {
    "id": lambda each: last_part(each.name),
    "title": lambda each: each.display_name,
    "template": lambda each: last_part(each.template.name),
    "version": lambda each: each.version,
    "changed": lambda each: when(each.update_time),
}
_SECTIONS = {
    "section": lambda each: each.id,
    "shows": lambda each: _shows(each),
    "title": lambda each: each.title,
}
_TEMPLATES = {
    "id": lambda each: last_part(each.name),
    "title": lambda each: each.display_name,
    "version": lambda each: each.version,
    "built in": lambda each: each.built_in,
    "parameters": lambda each: joined(parameter.id for parameter in each.parameters),
}
_PARAMETERS = {
    "parameter": lambda each: each.id,
    "takes": lambda each: told(pb.TemplateParameter.Kind, each.kind) or "text",
    "usually": lambda each: _usual(each),
    "about": lambda each: each.description or each.display_name,
}
_FAULTS = {"field": lambda each: each.field, "fault": lambda each: each.message}
_PROOFS = {
    "section": lambda each: each.section_id,
    "tables": lambda each: len(each.tables),
    "rows": lambda each: sum(table.row_count for table in each.tables),
    "complete": lambda each: f"{each.completeness:.1%}",
    "notes": lambda each: joined(each.notes),
}


def add_report(command: ArgumentParser) -> None:
    """The arguments of `tidemark report`."""
    actions = command.add_subparsers(dest="report_action", required=True, metavar="ACTION")
    add_format(actions.add_parser("list", help="by id"))
    showing = actions.add_parser("show", help="what its sections show")
    showing.add_argument("--version", type=int, default=0, help="as it was then; as it is if not given")
    showing.add_argument("--as", dest="form", choices=("table", "json", "yaml"), default="table",
                         help="json and yaml are files that make it again")  # fmt: skip
    making = actions.add_parser("create", help="make one of a file, or with --template of a title")
    making.add_argument("file", metavar="FILE", help="JSON or YAML; with --template the title")
    making.add_argument(
        "--id", default="", help="the last part of its name; made from the title if not given"
    )
    making.add_argument("--template", default="", help="makes its sections")
    _add_values(making)
    changing = actions.add_parser("update", help="put the report of a file in the place of one that is there")
    cloning = actions.add_parser("clone", help="make one that is like another")
    cloning.add_argument("--title", default="", help="the name people read")
    cloning.add_argument("--id", default="", help="the last part of its name")
    cloning.add_argument("--expand", action="store_true", help="with sections of its own, not the template's")
    deleting = actions.add_parser("delete", help="delete one and its schedules; its editions stay")
    checking = actions.add_parser("check", help="tell everything that is wrong with the report of a file")
    checking.add_argument("file", metavar="FILE", help="JSON or YAML")
    add_format(checking)
    previewing = actions.add_parser("preview", help="build a page as it would be now; nothing is kept")
    previewing.add_argument("report", metavar="REPORT", help="its id or name, or a file")
    previewing.add_argument("--section", default="", help="only this one")
    previewing.add_argument("--out", metavar="FILE", help="the page; else what it proves is told")
    add_format(previewing)
    add_format(
        actions.add_parser("templates", help="those that come with Tidemark, then those of the project")
    )
    _add_template(actions.add_parser("template", help="show, make, change, delete or try one"))
    for chosen in (showing, changing, cloning, deleting):
        chosen.add_argument("report", metavar="REPORT", help="its id or name")
    changing.add_argument("file", metavar="FILE", help="JSON or YAML")
    for chosen in actions.choices.values():
        chosen.set_defaults(run=report)
    add_runs(actions)


async def report(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists, shows, makes, changes, clones, deletes, checks or previews reports; leads to templates."""
    match arguments.report_action:
        case "list":
            show([each async for each in client.reports.all()], _REPORTS, arguments, console)
        case "show":
            await _show(client, arguments, console)
        case "create":
            given = arguments.file if arguments.template else read(arguments.file)
            made = await client.reports.create(
                given,
                template=arguments.template,
                values=_values(arguments.set),
                report_id=arguments.id,
            )
            console.say(made.name)
        case "update":
            given = reports.report_of(read(arguments.file))
            given.name = arguments.report
            changed = await client.reports.update(given)
            console.say(f"{changed.name} has version {changed.version}")
        case "clone":
            made = await client.reports.clone(
                arguments.report,
                display_name=arguments.title,
                report_id=arguments.id,
                expand=arguments.expand,
            )
            console.say(made.name)
        case "delete":
            await client.reports.delete(arguments.report)
        case "check":
            found = await client.reports.validate(read(arguments.file))
            show(found, _FAULTS, arguments, console)
            return 1 if found else 0
        case "preview":
            await _preview(client, arguments, console)
        case "templates":
            show(await client.reports.templates(), _TEMPLATES, arguments, console)
        case "template":
            await _template(client, arguments, console)
    return 0


def _add_template(command: ArgumentParser) -> None:
    actions = command.add_subparsers(dest="template_action", required=True, metavar="ACTION")
    showing = actions.add_parser("show", help="what can be chosen")
    showing.add_argument("--version", type=int, default=0, help="an older one; the newest if not given")
    showing.add_argument("--source", action="store_true", help="as a file that makes it again")
    add_format(showing)
    making = actions.add_parser("create", help="make one of a file: fields, a line ---, and the source")
    making.add_argument(
        "--id", default="", help="the last part of its name; made from the title if not given"
    )
    changing = actions.add_parser("update", help="make a new version; reports keep the version they name")
    deleting = actions.add_parser("delete", help="delete one that no report names")
    trying = actions.add_parser("expand", help="tell the sections it makes")
    add_format(trying)
    _add_values(trying)
    for chosen in (showing, changing, deleting, trying):
        chosen.add_argument("template", metavar="TEMPLATE", help="its id or name")
    for chosen in (making, changing):
        chosen.add_argument("file", metavar="FILE")


def _add_values(command: ArgumentParser) -> None:
    command.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="choose something for a template, as in top=5 or 'steps=[\"signup\",\"order_placed\"]'",
    )  # fmt: skip


async def _template(client: Client, arguments: Namespace, console: Console) -> None:
    match arguments.template_action:
        case "show":
            found = await client.reports.template(arguments.template, version=arguments.version)
            if arguments.source:
                console.say(reports.to_file(found).rstrip("\n"))
                return
            if arguments.format == "table":
                console.say(found.display_name, *filter(None, [found.description]), "")
            show(found.parameters, _PARAMETERS, arguments, console)
        case "create":
            made = await client.reports.create_template(read(arguments.file), template_id=arguments.id)
            console.say(made.name)
        case "update":
            given = reports.template_of(read(arguments.file))
            given.name = arguments.template
            changed = await client.reports.update_template(given)
            console.say(f"{changed.name} has version {changed.version}")
        case "delete":
            await client.reports.delete_template(arguments.template)
        case "expand":
            sections = await client.reports.expand(arguments.template, _values(arguments.set))
            show(sections, _SECTIONS, arguments, console)


async def _show(client: Client, arguments: Namespace, console: Console) -> None:
    found = await client.reports.get(arguments.report, version=arguments.version)
    if arguments.form != "table":
        console.say(reports.to_file(found, yaml=arguments.form == "yaml").rstrip("\n"))
        return
    console.say(found.display_name, *filter(None, [found.description]), "")
    sections = list(found.sections)
    if found.HasField("template"):
        template = found.template
        console.say(f"made by {template.name}, version {template.version}", "")
        values = reports.plain(template.values)
        sections = await client.reports.expand(template.name, values, version=template.version)
    arguments.format = "table"
    show(sections, _SECTIONS, arguments, console)


async def _preview(client: Client, arguments: Namespace, console: Console) -> None:
    found = await client.reports.preview(_given(arguments.report), section=arguments.section)
    if arguments.out:
        _write(arguments.out, found.html)
        console.say(f"{arguments.out}: {len(found.sections)} sections")
    else:
        show(found.sections, _PROOFS, arguments, console)


def _given(text: str) -> pb.Report | str:
    """A report of a file, or the id or name of one that is saved."""
    return reports.report_of(read(text)) if Path(text).is_file() else text


def _write(file: str, text: str) -> None:
    Path(file).write_text(text, encoding="utf-8")


def _values(given: Iterable[str]) -> dict[str, Any]:
    """What is chosen for a template: JSON, or a text where it is none."""
    values: dict[str, Any] = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals:
            raise ValueError(f"--set: {each!r} has no value; write it as in top=5")
        try:
            values[name] = orjson.loads(text)
        except orjson.JSONDecodeError:
            values[name] = text
    return values


def _shows(section: pb.Section) -> str:
    kind = section.WhichOneof("content") or "nothing"
    if kind == "question":
        return section.question.query.WhichOneof("question") or "nothing"
    return kind


def _usual(parameter: pb.TemplateParameter) -> str:
    if not parameter.HasField("default_value"):
        return "must be given"
    return orjson.dumps(reports.plain(parameter.default_value)).decode()
