"""Definitions without a database: YAML of templates, parameters, sections, and every fault of a report at its field."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from services.kit.errors import Invalid
from services.reports.definitions import expansion, notation, parameter, validate
from services.reports.definitions.record import TemplateRecord, built_in, halves, template_of
from services.reports.definitions.store import files
from tests.ingesting import NOW_US
from tidemark.reports import report_of, to_file
from tidemark.reports import template_of as template_in
from tidemark.v1 import report_pb2 as pb

NOW = datetime.fromtimestamp(NOW_US / 1e6, UTC)
COUNT = {"series": {"measures": [{"aggregation": "AGGREGATION_COUNT"}]}}


def report(*sections: dict[str, Any], **others: Any) -> pb.Report:
    fields = {"displayName": "R", "sections": sections or [{"id": "a", "health": {}}], **others}
    return ParseDict(fields, pb.Report())


def told(made: pb.Report, sections: list[pb.Section] | None = None) -> dict[str, str]:
    found = validate.faults(made, list(made.sections) if sections is None else sections, "UTC", NOW)
    return {each.field: each.message for each in found}


def struct(**values: Any) -> Struct:
    found = Struct()
    found.update(values)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 1\nb: -2.5\nc: 1e3\nd: '1'\ne: 2026-01-01\nf: yes\ng: 0x10\nh: 010\ni: 1_000",
         {"a": 1, "b": -2.5, "c": 1000.0, "d": "1", "e": "2026-01-01", "f": "yes", "g": "0x10", "h": "010", "i": "1_000"}),
        ("[true, false, null, ~, NO, on, .inf]", [True, False, None, None, "NO", "on", ".inf"]),
        ("a: |-\n  one\n  two\nb: >-\n  one\n  two", {"a": "one\ntwo", "b": "one two"}),
        ('{"a": "\\u2028😀", "b": [{}]}', {"a": "\u2028😀", "b": [{}]}),
    ],
)  # fmt: skip
def test_yaml_is_what_json_has_and_block_style(text: str, value: object) -> None:
    assert notation.read(text, "f") == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x", "line 1 of what it makes: aliases and anchors are not to be had"),
        ("&a [*a]", "aliases"),
        ("a: !!python/object/apply:os.system ['x']", "tags as"),
        ("a: !mine 1", "tags as !mine"),
        ("a: 1\na: 2", "line 2 of what it makes: a name is there twice"),
        ("[1, 2]: 3", "a name is there twice, or is none"),
        ("a:\n\t- b", "line 2 of what it makes: found character"),
        ("a: [", "of what it makes: did not find"),
        ("[" + "1," * 60_000 + "]", "has more than 50000 parts"),
        ("[" * 50_000, "is nested too deeply"),
        ("- " * 5000 + "a", "is nested too deeply"),
        ("a: 1\n---\nb: 2", "found another document"),
        ("\0", "makes no YAML"),
    ],
)
def test_what_yaml_could_do_beyond_that_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        notation.read(text, "f")
    assert caught.value.field == "f"
    assert message in caught.value.description


def test_what_does_not_fit_a_message_is_told_by_its_path_and_all_at_once() -> None:
    value = [
        {"id": 5, "question": {"query": {"series": {"measures": [{"name": "a"}, {"nam": "b"}], "top": "x"}}}},
        "text",
        {"id": "b", "text": {"text": "t"}, "health": {}},
        {"id": "c", "figures": {"figures": {"id": "d"}}},
        {"id": "d", "question": {"query": {"timeRange": {"last": "5 days"}}, "view": "VIEW_NICE"}},
    ]
    with pytest.raises(Invalid) as caught:
        notation.messages(value, pb.Section, "sections", 50)
    found = {each.field: each.description for each in (caught.value, *caught.value.also)}
    at = "sections[4].question"
    assert found.keys() == {
        "sections[0].id", "sections[0].question.query.series.measures[1].nam", "sections[0].question.query.series.top",
        "sections[1]", "sections[2]", "sections[3].figures.figures", f"{at}.query.time_range.last", f"{at}.view",
    }  # fmt: skip
    assert found["sections[0].id"] == "is 5; write a text, in quotes where it looks like a number"
    assert found[f"{at}.view"] == "is 'VIEW_NICE'; write one of VIEW_TABLE, VIEW_CHART, VIEW_BOTH"
    assert found[f"{at}.query.time_range.last"] == "is '5 days'; write a length in seconds, as in \"3600s\""
    with pytest.raises(Invalid, match="sections: is no list"):
        notation.messages({"id": "a"}, pb.Section, "sections", 50)


def test_what_was_chosen_becomes_plain_values_of_the_kind_of_its_parameter() -> None:
    kinds = pb.TemplateParameter
    parameters = [
        kinds(id="top", kind=kinds.KIND_NUMBER),
        kinds(id="share", kind=kinds.KIND_NUMBER),
        kinds(id="on", kind=kinds.KIND_BOOLEAN),
        kinds(id="steps", kind=kinds.KIND_EVENTS),
        kinds(id="event", kind=kinds.KIND_EVENT),
    ]
    parameters[4].default_value.string_value = "signup"
    values = {"top": 5, "share": 0.5, "on": False, "steps": ["a", "b"]}
    found = parameter.chosen(parameters, struct(**values), "values")
    assert found == values | {"event": "signup"}
    assert isinstance(found["top"], int)
    for wrong, field in (
        ({"top": "5"}, "values.top"),
        ({"top": True}, "values.top"),
        ({"on": "true"}, "values.on"),
        ({"steps": [1]}, "values.steps"),
        ({"steps": ["a"] * 101}, "values.steps"),
        ({"event": ["a"]}, "values.event"),
        ({"event": "x" * 1001}, "values.event"),
        ({"top": None}, "values.top"),
        ({"other": 1}, "values.other"),
    ):
        with pytest.raises(Invalid) as caught:
            parameter.chosen(parameters, struct(**values | wrong), "values")
        assert caught.value.field == field


def test_a_template_cannot_be_made_to_say_other_yaml_by_what_is_chosen() -> None:
    template = pb.ReportTemplate(
        display_name="T", source="- id: a\n  title: {{ title | tojson }}\n  health: {}\n"
    )
    template.parameters.add(id="title")
    for hostile in ('"\n- id: b', "{{ 1 }}", "a: b # c", "*x", "\u2028\u0085\x7fé😀"):
        (made,) = expansion.expanded(template, struct(title=hostile), "source", "values")
        assert made.title == hostile


def test_a_report_in_good_order_has_no_faults() -> None:
    figure = {"id": "events", "query": COUNT}
    made = report(
        {"id": "numbers", "figures": {"figures": [figure]}},
        {"id": "words", "text": {"text": "{{ figures.events.text }} {{ variables.team }} {{ range.text }}"}},
        {"id": "table", "question": {"query": COUNT, "view": "VIEW_TABLE"}},
        {"id": "next", "forecast": {"query": COUNT, "horizon": 7, "coverage": 0.9}},
        {"id": "found", "insights": {"leastSeverity": "SEVERITY_HIGH", "limit": 5}},
        {"id": "sound", "health": {}},
        variables={"team": "Ops"},
        locale="pt-BR",
        timeZone="America/Sao_Paulo",
        timeRange={"calendar": {"unit": "UNIT_MONTH", "ago": 1}},
    )
    assert told(made) == {}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"displayName": " "}, "report.display_name"),
        ({"displayName": "x" * 101}, "report.display_name"),
        ({"displayName": "a\nb"}, "report.display_name"),
        ({"description": "x" * 1001}, "report.description"),
        ({"sections": []}, "report.sections"),
        ({"sections": [{"id": f"s{i}", "health": {}} for i in range(51)]}, "report.sections"),
        ({"timeZone": "Mars"}, "report.time_zone"),
        ({"timeRange": {"last": "-1s"}}, "report.time_range.last"),
        ({"timeRange": {"calendar": {"unit": "UNIT_SECOND"}}}, "report.time_range.calendar.unit"),
        ({"locale": "klingon-Earth"}, "report.locale"),
        ({"variables": {"a b": "c"}}, "report.variables"),
        ({"variables": {f"v{i}": "" for i in range(51)}}, "report.variables"),
        ({"variables": {"v": "x" * 10_001}}, "report.variables.v"),
        ({"description": "x" * 1_000_001}, "report"),
        ({"template": {"name": "projects/-/reportTemplates/data-quality"}}, "report.template"),
    ],
)
def test_faults_of_a_report_are_told_at_their_fields(fields: dict[str, Any], field: str) -> None:
    assert field in told(report(**fields))


@pytest.mark.parametrize(
    ("section", "field"),
    [
        ({"id": "a b", "health": {}}, "id"),
        ({"id": "", "health": {}}, "id"),
        ({"id": "a", "title": "x" * 201, "health": {}}, "title"),
        ({"id": "a"}, ""),
        ({"id": "a", "text": {}}, "text.text"),
        ({"id": "a", "text": {"text": "x" * 20_001}}, "text.text"),
        ({"id": "a", "text": {"text": "{{ 1 + }}"}}, "text.text"),
        ({"id": "a", "text": {"text": "{{ figures.none }}"}}, "text.text"),
        ({"id": "a", "text": {"text": "{{ variables['none'] }}"}}, "text.text"),
        ({"id": "a", "text": {"text": "{{ secrets }}"}}, "text.text"),
        ({"id": "a", "text": {"text": "{{ 1 | system }}"}}, "text.text"),
        ({"id": "a", "question": {}}, "question.query"),
        ({"id": "a", "question": {"query": COUNT, "display": {"unit": "x" * 51}}}, "question.display.unit"),
        ({"id": "a", "question": {"query": COUNT, "display": {"decimals": 11}}}, "question.display.decimals"),
        ({"id": "a", "question": {"query": COUNT, "display": {"kind": 77}}}, "question.display.kind"),
        ({"id": "a", "question": {"query": COUNT, "view": 9}}, "question.view"),
        ({"id": "a", "figures": {}}, "figures.figures"),
        ({"id": "a", "figures": {"figures": [{"id": "b-c", "query": COUNT}]}}, "figures.figures[0].id"),
        ({"id": "a", "figures": {"figures": [{"id": "b", "query": COUNT}] * 2}}, "figures.figures[1].id"),
        ({"id": "a", "figures": {"figures": [{"id": "b", "query": {"events": {}}}]}}, "figures.figures[0].query"),
        ({"id": "a", "figures": {"figures": [{"id": "b", "query": {"series": {}}}]}},
         "figures.figures[0].query.series.measures"),
        ({"id": "a", "figures": {"figures": [{"id": "b", "query": {"series": {**COUNT["series"], "groupBy": ["name"]}}}]}},
         "figures.figures[0].query.series.group_by"),
        ({"id": "a", "insights": {"limit": 51}}, "insights.limit"),
        ({"id": "a", "insights": {"leastSeverity": 9}}, "insights.least_severity"),
        ({"id": "a", "forecast": {"query": {"funnel": {}}}}, "forecast.query"),
        ({"id": "a", "forecast": {"query": COUNT, "horizon": -1}}, "forecast.horizon"),
        ({"id": "a", "forecast": {"query": COUNT, "coverage": 1}}, "forecast.coverage"),
    ],
)  # fmt: skip
def test_faults_of_a_section_are_told_at_their_fields(section: dict[str, Any], field: str) -> None:
    found = told(report({"id": "first", "health": {}}, section))
    assert f"report.sections[1].{field}".rstrip(".") in found
    by_template = pb.Report(display_name="R", template=pb.TemplateUse(name="projects/-/reportTemplates/x"))
    sections = [ParseDict(each, pb.Section()) for each in ({"id": "first", "health": {}}, section)]
    assert f"sections[1].{field}".rstrip(".") in told(by_template, sections)


def test_a_definition_is_stored_without_what_the_server_says_of_it() -> None:
    made = report(locale="de", variables={"a": "b"}, name="projects/p/reports/r", version=7, etag="7")
    head, body = halves(made)
    kept = pb.Report.FromString(head + body)
    assert (kept.locale, kept.variables["a"], kept.sections) == ("de", "b", made.sections)
    assert (kept.name, kept.version, kept.etag) == ("", 0, "")
    assert not pb.Report.FromString(head).sections


def test_names_of_templates_tell_whose_they_are() -> None:
    assert template_of("projects/-/reportTemplates/data-quality") == ("", "data-quality")
    assert template_of("projects/p-1/reportTemplates/mine") == ("projects/p-1", "mine")
    with pytest.raises(Invalid, match="write projects/"):
        template_of("reportTemplates/mine")


@pytest.mark.parametrize("template", [each for versions in files().values() for each in versions])
def test_templates_that_come_with_tidemark_are_in_good_order(template: TemplateRecord) -> None:
    message = template.message()
    expansion.check(message)
    assert message.built_in
    assert message.display_name
    assert message.description
    assert all(each.description and each.HasField("default_value") for each in message.parameters)
    sections = expansion.expanded(message, Struct(), "source", "values")
    made = pb.Report(display_name="R", template=pb.TemplateUse(name=message.name))
    assert told(made, sections) == {}


def test_a_template_comes_as_a_file_of_fields_and_source() -> None:
    made = built_in("mine.v3.yaml.j2", "displayName: Mine\n---\n- id: a\n")
    assert (made.name, made.version) == ("projects/-/reportTemplates/mine", 3)
    assert made.message().source == "- id: a\n"
    assert template_in(to_file(made.message())).source == "- id: a\n"
    assert template_in(to_file(made.message(), yaml=True)).display_name == "Mine"


def test_a_report_comes_as_a_message_as_fields_or_as_a_file() -> None:
    made = report(timeRange={"start": "2026-01-01T00:00:00Z", "end": "2026-01-08T00:00:00Z"})
    assert report_of(to_file(made)) == made
    assert report_of(to_file(made, yaml=True)) == made
    assert report_of("displayName: R\ntimeRange: {start: 2026-01-01T00:00:00Z}").time_range.start.seconds
    for wrong in ("[1]", "{", "a: [", {"nope": 1}, "- a"):
        with pytest.raises(ValueError, match="report: is none"):
            report_of(wrong)
