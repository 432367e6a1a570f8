"""What a filter says, in words: a `Filter` comes in, a sentence of `Document.filters` goes out."""

from google.protobuf.struct_pb2 import Value

from services.reports.build.titles import leaf
from services.reports.words import Words
from tidemark.v1 import question_pb2 as q

MOST_VALUES = 10

_OPERATORS = {
    q.OPERATOR_EQUAL: "is",
    q.OPERATOR_NOT_EQUAL: "is not",
    q.OPERATOR_IN: "is one of",
    q.OPERATOR_NOT_IN: "is none of",
    q.OPERATOR_LESS: "is less than",
    q.OPERATOR_LESS_OR_EQUAL: "is at most",
    q.OPERATOR_GREATER: "is greater than",
    q.OPERATOR_GREATER_OR_EQUAL: "is at least",
    q.OPERATOR_CONTAINS: "contains",
    q.OPERATOR_NOT_CONTAINS: "does not contain",
    q.OPERATOR_STARTS_WITH: "begins with",
    q.OPERATOR_ENDS_WITH: "ends with",
    q.OPERATOR_EXISTS: "is there",
    q.OPERATOR_NOT_EXISTS: "is not there",
    q.OPERATOR_MATCHES: "matches",
    q.OPERATOR_NOT_MATCHES: "does not match",
}


def parts(stated: q.Filter, words: Words) -> list[str]:
    """The conditions that must all hold, each in words."""
    match stated.WhichOneof("node"):
        case "all":
            return [part for each in stated.all.filters for part in parts(each, words)]
        case None:
            return []
        case _:
            return [said(stated, words)]


def said(stated: q.Filter, words: Words) -> str:
    """A condition in words."""
    match stated.WhichOneof("node"):
        case "comparison":
            return _compared(stated.comparison, words)
        case "all" | "any" as kind:
            joint = " and " if kind == "all" else " or "
            return f"({joint.join(said(each, words) for each in getattr(stated, kind).filters)})"
        case "not":
            return f"not {said(getattr(stated, 'not'), words)}"
        case "cohort":
            return f"people of {stated.cohort.rpartition('/')[2]}"
        case _:
            return "anything"


def _compared(comparison: q.Comparison, words: Words) -> str:
    values = [_value(each, words) for each in comparison.values[:MOST_VALUES]]
    more = len(comparison.values) - len(values)
    listed = ", ".join(values) + (f" and {words.number(more)} more" if more else "")
    lead = f"{leaf(comparison.field)} {_OPERATORS.get(comparison.operator, 'is')}"
    return f"{lead} {listed}" if values else lead


def _value(value: Value, words: Words) -> str:
    match value.WhichOneof("kind"):
        case "number_value":
            return words.number(value.number_value)
        case "bool_value":
            return "true" if value.bool_value else "false"
        case _:
            return value.string_value or '""'
