"""That databases read what comes out alike is proven in tests/integration/test_query_patterns.py."""

import pytest

from services.kit.errors import Invalid
from services.query.pattern import portable


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^a.c$", r"^a[^\n]c$"),
        ("a|(bc)*|", "a|(?:bc)*|"),
        (r"\d+\.\w{2,}\s", r"[0-9]+\.[0-9A-Za-z_]{2,}[ \t\n\r\f\v]"),
        ("a{2}b{0,3}", "a{2}b{0,3}"),
        ("[]a-c.^-]", r"[\]a-c\.\^\-]"),
        (r"[^\d\]x]", r"[^0-9\]x]"),
        ("a]}-'\"%", r"a\]\}\-\'\"\%"),
        ("été 🦀_", "été 🦀_"),
        ("", ""),
    ],
)
def test_patterns_are_written_so_that_all_read_the_same(pattern: str, expected: str) -> None:
    assert portable(pattern, "f") == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a" * 501, "has 501 characters"),
        ("(a", "lacks a closing parenthesis"),
        ("a)", r"write \\\) for the character"),
        ("a()", "closes a group that holds nothing"),
        ("(?i)a", "opens a group that is more than a group"),
        ("(?=a)", "opens a group that is more than a group"),
        ("*a", r"repeats nothing; write \\\* for the character"),
        ("a|+", "repeats nothing"),
        ("a**", "repeats a repetition"),
        ("a+?", "repeats a repetition"),
        ("^*", "repeats an end of the text"),
        ("a{", r"write \\{ for the character"),
        ("a{2", "lacks a closing brace"),
        ("a{,2}", "begins a repetition without a number"),
        ("a{3,2}", "repeats at least more often than at most"),
        ("a{101}", "repeats more than 100 times"),
        ("(a{100}){5}", "stands for more than 500 characters"),
        ("[a", "ends too early"),
        ("[", "ends too early"),
        ("[z-a]", "ends a range"),
        (r"[a-\d]", "ends a range"),
        ("[[:alpha:]]", "begins a named class"),
        (r"\1", r"is \\1; the escapes are"),
        (r"\bword", r"is \\b; the escapes are"),
        (r"\é", r"is \\é; the escapes are"),
        ("a\\", "ends too early"),
        ("(" * 21 + "a" + ")" * 21, "is nested deeper than 20 levels"),
    ],
)
def test_what_others_read_differently_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as caught:
        portable(pattern, "query.events.filter.comparison.values[0]")
    assert caught.value.field == "query.events.filter.comparison.values[0]"
