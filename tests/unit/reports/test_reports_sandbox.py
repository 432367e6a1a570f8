"""The sandbox of templates: what they may do, and that nothing else can be had, whoever writes them."""

import json
import time
from datetime import UTC, date, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.reports.sandbox import MAX_OUTPUT, Reference, references, render

VALUES = {
    "figures": {"signups": {"value": 1250.5, "trend": [1, 2, 3]}},
    "name": "Ada",
    "names": ["b", "a", "b"],
    "nothing": None,
    "day": date(2026, 1, 31),
}
LAUGHS = "{% set a = range(1000)|list %}" + "".join(
    f"{{% set {new} = [{','.join([old] * 20)}] %}}" for old, new in zip("abcdefgh", "bcdefghi")
)


def made(source: str, **values: object) -> str:
    return render(source, VALUES | values, "text")


def fault(source: str, **values: object) -> str:
    with pytest.raises(Invalid) as caught:
        made(source, **values)
    assert caught.value.field == "text"
    return caught.value.description


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ figures.signups.value }} {{ figures['signups'].trend[-1] }}", "1250.5 3"),
        ("{% for x in figures.signups.trend %}{{ loop.index }}:{{ x }}{{ ', ' if not loop.last }}{% endfor %}", "1:1, 2:2, 3:3"),
        ("{% if figures.signups.value > 1000 and name is string %}many{% else %}few{% endif %}", "many"),
        ("{% set half = figures.signups.value / 2 %}{{ half | round(1) }}", "625.2"),
        ("{% with x = 2 %}{{ x ** 10 }}{% endwith %} {{ -7 // 2 }} {{ 7 % 4 }} {{ 2 ** -1 }}", "1024 -4 3 0.5"),
        ("{{ names | unique | sort | join(', ') }} {{ names | length }} {{ names | first }}{{ names | last }}", "a, b 3 bb"),
        ("{{ [3, 1] | max }} {{ [3, 1] | min }} {{ [3, 1] | sum }} {{ [1, 2] | reverse | join }} {{ -2 | abs }}", "3 1 4 21 2"),
        ("{{ name | upper }} {{ name | replace('d', 'nn') }} {{ 'long text' | truncate(5) }} {{ name[:2] }}", "ADA Anna long… Ad"),
        ("{{ nothing }}{{ true }} {{ day }} {{ nope | default('none') }} {{ nope.deeper | default('x') }}", "true 2026-01-31 none x"),
        ("{{ figures | items | map(attribute=0) | join }} {{ name ~ 1 ~ none }} {{ 'a' in names }}", "signups Ada1 true"),
        ("{% for key, value in {'a': 1} | items %}{{ key }}={{ value }}{% endfor %}", "a=1"),
        ("{% raw %}{{ figures }}{% endraw %}{# unseen #}", "{{ figures }}"),
        ("a\n{% if true %}\nb\n{% endif %}\n  {% if true %}\nc\n  {% endif %}\n", "a\nb\nc\n"),
    ],
)  # fmt: skip
def test_a_template_makes_text_of_plain_values(source: str, text: str) -> None:
    assert made(source) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ name['__class__'] }}{{ name.upper() }}",
        "{{ figures.__init__.__globals__ }}",
        "{{ figures['__cl' ~ 'ass__'] }}",
        "{{ figures.items() }}",
        "{{ figures.items }}",
        "{{ names.append(1) }}",
        "{{ range.__globals__ }}",
        "{{ range }}",
        "{{ self }}",
        "{{ self.__init__ }}",
        "{{ cycler }}",
        "{{ lipsum.__globals__ }}",
        "{{ joiner() }}",
        "{{ namespace(a=1) }}",
        "{{ dict(a=1) }}",
        "{{ day.replace(year=1) }}",
        "{{ day.year }}",
        "{% for x in names %}{{ loop.__init__ }}{% endfor %}",
        "{% for x in names %}{{ loop }}{% endfor %}",
        "{% for x in names %}{{ loop.cycle('a') }}{% endfor %}",
        "{{ names | attr('append') }}",
        "{{ names | map('upper') }}",
        "{{ 'x' | map(attribute='__class__') }}",
        "{{ '{0.__class__}' | format(name) }}",
        "{{ '%s' % name }}",
        "{{ name | safe }}",
        "{% import 'os' as os %}",
        "{% include 'etc/passwd' %}",
        "{% extends 'x' %}",
        "{% block b %}{% endblock %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% call name() %}{% endcall %}",
        "{% set x %}{% endset %}",
        "{% filter upper %}a{% endfilter %}",
        "{% set figures.signups = 1 %}",
        "{% for x in [[1]] recursive %}{{ loop(x) }}{% endfor %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% do names %}",
        "{{ names | join(*names) }}",
        "{{ _ }}",
        "{{ figures }}",
        "{{ names }}",
    ],
)
def test_nothing_behind_the_values_can_be_had(source: str) -> None:
    assert fault(source)


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% for i in range(100000) %}{% if i %}" + "{% if i %}{% endif %}" * 1500 + "{% endif %}{% endfor %}",
        "{{ range(10**9) | list }}",
        "{{ range(10**30) | length }}",
        "{{ 'a' * 10**10 }}",
        "{{ [1] * 10**10 }}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ 2.0 ** 100000 }}",
        "{{ (-8) ** 0.5 }}",
        "{{ 10**60 * 10**60 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%1000000000d' is odd }}{{ '%1000000000d' + 1 }}",
        "".join("{% set name = name ~ name %}" for _ in range(40)),
        "".join("{% set name = name + name %}" for _ in range(40)),
        "".join("{% set names = names + names %}" for _ in range(40)),
        "{% for i in range(100000) %}{% set big = 'ab' | replace('', name) %}{{ big }}{% endfor %}",
        "{% for x in range(100000) %}{{ x in range(100000) | list }}{% endfor %}",
        "{% set all = range(100000) | list %}{% for x in all %}{% if all[1:] %}{% endif %}{% endfor %}",
        "{% for i in range(100000) %}" + "abc" * 1000 + "{% endfor %}",
        LAUGHS + "{{ h | tojson }}",
        LAUGHS + "{{ h == g }}",
        LAUGHS + "{{ h | sort | length }}",
        LAUGHS + "{{ h ~ h }}",
        "{{ " + "(" * 40_000 + "1" + ")" * 40_000 + " }}",
        "{{ " + "-" * 90_000 + "1 }}",
        "{{ 1" + " + 1" * 20_000 + " }}",
        "{{ " + "9" * 90_000 + " }}",
        "{{ 0x" + "f" * 90_000 + " }}",
        "{% if true %}" * 2000,
        "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
        "{{ 1 }}" * 11_000,
        "x" * 100_001,
        "".join("{% set names = [names] %}" for _ in range(2000)) + "{{ names | tojson }}",
    ],
)  # fmt: skip
def test_a_hostile_template_neither_burns_time_nor_memory(source: str) -> None:
    began = time.process_time()
    assert fault(source)
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("\n\n{{ figures.sginups }}", "line 3: there is no 'sginups'; there are 'signups'"),
        ("a\nb {{ 1 + }}", "line 2: unexpected 'end of print statement'"),
        ("\n{% for x in names %}\n{{ x / 0 }}\n{% endfor %}", "line 3: / does not take a text and a number"),
        ("{{ 1 / 0 }}", "line 1: division by zero"),
        ("{{ nope }}", "line 1: there is no 'nope'"),
        ("\n{{ name | nope }}", "line 2: there is no filter 'nope'; there are abs,"),
        ("\n{{ name is nope }}", "line 2: there is no test 'nope'; there are boolean,"),
        ("{{ figures }}", "line 1: a mapping is no text; write it with a filter, as in value | tojson"),
        ("{{ names }", "line 1: unexpected '}'"),
        ("{% for %}", "line 1: "),
    ],
)
def test_what_is_wrong_is_told_with_its_line(source: str, told: str) -> None:
    assert fault(source).startswith(told)


def test_filters_of_the_caller_come_beside_the_usual_ones() -> None:
    filters = {"twice": lambda value, unit="": f"{value * 2}{unit}"}
    assert render("{{ 4 | twice('%') }} {{ 3 | abs }}", {}, "text", filters) == "8% 3"
    assert (
        render(
            "{{ at | year }}", {"at": datetime(2026, 1, 1, tzinfo=UTC)}, "text", {"year": lambda at: at.year}
        )
        == "2026"
    )
    with pytest.raises(Invalid, match="there is no 'x'"):
        render("{{ x | twice }}", {}, "text", filters)


def test_a_template_tells_what_it_takes_from_outside() -> None:
    source = "{% set mine = figures.a %}\n{{ mine.x }}{{ figures['b'].value }}\n{% for n in names %}{{ n.c }}{% endfor %}{{ range(3) | length }}"
    found = references(source, "text")
    assert found == [Reference("figures", "a", 1), Reference("figures", "b", 2), Reference("names", "", 3)]
    assert references("{{ range.start }}", "text") == [Reference("range", "start", 1)]
    assert references("{{ x | mine }}", "text", ["mine"]) == [Reference("x", "", 1)]
    with pytest.raises(Invalid, match="line 1: there is no filter 'mine'"):
        references("{{ x | mine }}", "text")


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(), each, max_size=4), max_leaves=12))  # fmt: skip
def test_values_written_as_json_are_read_back_as_yaml_and_json(value: object) -> None:
    text = made("{{ given | tojson }}", given=value)
    assert json.loads(text) == value
    assert yaml.safe_load(text) == value


@given(st.text(alphabet="{}%#|()[].'\"_ \n+*~-19abcfiornset", max_size=60))
def test_any_text_is_rendered_or_refused(source: str) -> None:
    try:
        assert len(made(source)) <= MAX_OUTPUT
    except Invalid as error:
        assert error.field == "text"  # noqa: PT017
