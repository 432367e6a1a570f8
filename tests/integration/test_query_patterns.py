"""PostgreSQL, DuckDB and Python find the same texts by a portable regular expression."""

import re
import time
from collections.abc import Iterator
from typing import Any

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.query.pattern import portable
from tests.conftest import Servers

ALPHABET = "abBz09_-. \t\n\v\\]}é€🦀$^"
TEXTS = st.lists(st.text(ALPHABET, max_size=12), min_size=1, max_size=20)
LITERALS = st.sampled_from(
    ["a", "b", "B", "0", "_", " ", "\n", "é", "🦀", "-", "]", "}", "\\.", "\\\\", "\\$", "\\-"]
)
MEMBERS = st.sampled_from(
    ["a", "b", "é", "a-z", "0-9", ".", "$", "^b", "|", "\\d", "\\w", "\\s", "\\]", "\\-", "\\\\", "[a"]
)
SETS = st.builds(
    "[{}{}{}]".format,
    st.sampled_from(["", "^"]),
    st.lists(MEMBERS, min_size=1, max_size=4).map("".join),
    st.sampled_from(["", "-"]),
)
ATOMS = LITERALS | SETS | st.sampled_from([".", "\\d", "\\w", "\\s"])
REPEATS = st.sampled_from(["*", "+", "?", "{2}", "{0}", "{0,2}", "{1,}", "{2,3}", "{0,0}"])
PATTERNS = st.recursive(
    ATOMS | st.sampled_from(["^", "$"]),
    lambda inner: (
        st.builds("({}){}".format, inner, REPEATS)
        | inner.map("({})".format)
        | st.builds("{}{}".format, ATOMS, REPEATS)
        | st.lists(inner, min_size=2, max_size=4).map("".join)
        | st.lists(inner | st.just(""), min_size=2, max_size=3).map(lambda each: f"({'|'.join(each)})")
    ),
    max_leaves=10,
)


class Engines:
    """The databases that must agree."""

    def __init__(self, postgres: psycopg.Connection[Any], duck: duckdb.DuckDBPyConnection) -> None:
        self._postgres, self._duck = postgres, duck

    def found(self, pattern: str, texts: list[str]) -> list[bool]:
        """For each text, whether the pattern matches in it."""
        rows = self._postgres.execute(
            "SELECT text ~ %s FROM unnest(%s::text[]) WITH ORDINALITY AS given(text, place) ORDER BY place",
            (pattern, texts),
        ).fetchall()
        by_postgres = [bool(matches) for (matches,) in rows]
        rows = self._duck.execute(
            "SELECT regexp_matches(text, $1) FROM (SELECT unnest($2) AS text, unnest(range(len($2))) AS place)"
            " ORDER BY place",
            [pattern, texts],
        ).fetchall()
        assert by_postgres == [bool(matches) for (matches,) in rows], pattern
        return by_postgres


def by_python(pattern: str, texts: list[str]) -> list[bool]:
    # Only Python lets `$` match before a last newline too.
    compiled = re.compile(re.sub(r"(?<!\\)((?:\\\\)*)\$", r"\1\\Z", pattern))
    return [compiled.search(text) is not None for text in texts]


@pytest.fixture(scope="module")
def engines(servers: Servers) -> Iterator[Engines]:
    with psycopg.connect(servers.database_url, autocommit=True) as postgres, duckdb.connect() as duck:
        postgres.execute("SET statement_timeout = '10s'")
        yield Engines(postgres, duck)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(pattern=PATTERNS, texts=TEXTS)
def test_a_portable_pattern_finds_the_same_everywhere(
    engines: Engines, pattern: str, texts: list[str]
) -> None:
    made = portable(pattern, "f")
    assert engines.found(made, texts) == by_python(made, texts), made


@settings(max_examples=300)
@given(pattern=st.text("ab01(){}[]|*+?.^$\\,-dws:=&<>!iP\n", max_size=12), texts=TEXTS)
def test_no_text_that_is_let_through_is_read_differently(
    engines: Engines, pattern: str, texts: list[str]
) -> None:
    try:
        made = portable(pattern, "f")
    except Invalid:
        return
    assert engines.found(made, texts) == by_python(made, texts), made


@pytest.mark.parametrize(
    "pattern",
    [
        "(a*)*b",
        "(a|a)*b",
        "(a|aa)+$",
        "((((a*)*)*)*)*b",
        ".{100}" * 4 + "b",
        "((a{0,10}){0,10}){0,4}b",
        "(x+x+)+y",
        "(.*a){90}",
        "([^b]*[^c]*){50}d",
        "(a?){99}a{99}",
        "|".join(["(.*){2}"] * 60),
    ],
)
def test_what_ruins_others_is_read_in_time(engines: Engines, pattern: str) -> None:
    texts = ["a" * 3000, "x" * 3000 + "z", "é" * 1000]
    began = time.monotonic()
    engines.found(portable(pattern, "f"), texts)
    assert time.monotonic() - began < 5
