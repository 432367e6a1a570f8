"""One text for all questions that mean the same: a `Question` comes in, the text that names it goes out to `cache`."""

from dataclasses import fields, is_dataclass
from typing import Any

from services.query.filter import All
from services.query.filter import Any as Either


def normal(question: object) -> str:
    """The text of a question: the order and repetition of joined conditions make no difference, names of measures do."""
    match question:
        case All(conditions) | Either(conditions):
            inner = sorted({normal(each) for each in conditions})
            return inner[0] if len(inner) == 1 else f"{type(question).__name__}({', '.join(inner)})"
        case tuple():
            return f"({', '.join(map(normal, question))})"
        case _ if is_dataclass(question):
            shown = (getattr(question, each.name) for each in fields(question) if each.compare)
            return f"{type(question).__name__}({', '.join(map(normal, shown))})"
        case _:
            return _scalar(question)


def _scalar(value: Any) -> str:
    # True, 1 and 1.0 are equal in Python and different in a question.
    return f"{type(value).__name__}:{value!r}"
