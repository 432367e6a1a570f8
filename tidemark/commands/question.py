"""Questions on the command line: a parser of arguments comes in and learns them; parsed arguments become a `Query`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from tidemark import questions
from tidemark.v1 import question_pb2

KINDS = {
    "events": "the events themselves",
    "series": "measures over time",
    "table": "measures of groups",
    "funnel": "how many people go from step to step",
    "retention": "how many people come back",
    "lifecycle": "who is new, returning, resurrecting and dormant",
    "sessions": "how long people stay, and where they enter and leave",
    "paths": "what people do after, or before, an event",
    "people": "who did something, or belongs to a cohort",
    "window": "what a window has kept",
}
_CONDITION = "'properties.size >= 10'; repeat for more"
_STEP = "an event, as in 'order_placed where properties.amount > 10'"


def add(command: ArgumentParser, kind: str) -> None:
    """The arguments of one kind of question."""
    _ADD[kind](command)
    if kind not in ("lifecycle", "people", "window"):
        command.add_argument("--where", action="append", default=[], metavar="CONDITION", help=_CONDITION)
    add_span(command)
    command.add_argument("--time-zone", default="", help="IANA name; the project's if not given")


def add_span(command: ArgumentParser, usual: str = "24h") -> None:
    """The time asked about."""
    command.add_argument("--last", metavar="SPAN", help=f"30d, 12h, 90m; {usual} if nothing is given")
    command.add_argument("--start", metavar="INSTANT", help="instead of --last")
    command.add_argument("--end", metavar="INSTANT", help="with --start; now if not given")
    command.add_argument(
        "--during", metavar="WORDS", help="instead: today, yesterday, 'this week', 'last 3 months'"
    )


def question(arguments: Namespace) -> question_pb2.Query:
    """The question that the arguments of a command ask."""
    taken = _names(arguments.about)
    given = {name: value for name, value in vars(arguments).items() if name in taken}
    if "measure" in given:
        given["measure"] = given["measure"] or "count"
    if "formula" in given:
        given["formulas"] = _formulas(given.pop("formula"))
    return _ASKED[arguments.about](**given)


def _events(command: ArgumentParser) -> None:
    command.add_argument("--name", default="", help="name of the events")


def _measured(command: ArgumentParser, fields: int) -> None:
    command.add_argument("--name", default="", help="name of the event or metric")
    command.add_argument(
        "--measure",
        action="append",
        metavar="MEASURE",
        help="count, 'sum properties.x', 'p95 properties.ms', 'count of signup'…; repeat for more",
    )
    command.add_argument(
        "--formula",
        action="append",
        default=[],
        metavar="NAME=FORMULA",
        help="'rate = B / A * 100' of the first measure, A, and the second, B",
    )
    command.add_argument(
        "--hide", action="append", default=[], metavar="ID", help="a measure that serves formulas alone"
    )
    command.add_argument("--source", default="events", choices=["events", "metrics"])
    command.add_argument(
        "--by", action="append", default=[], metavar="FIELD", help=f"split by a field; up to {fields}"
    )
    command.add_argument("--top", type=int, default=0, help="groups shown apart")
    command.add_argument("--compare", action="store_true", help="with the period before")


def _series(command: ArgumentParser) -> None:
    _measured(command, 3)
    command.add_argument(
        "--interval", default="", help="minute, 5m, hour, day, week, month; chosen if not given"
    )
    command.add_argument("--fill", default="", choices=["", "none", "zero", "previous", "linear"])


def _table(command: ArgumentParser) -> None:
    _measured(command, 5)
    command.add_argument(
        "--order-by", default="", metavar="ID", help="the measure or formula that rows are ordered by"
    )
    command.add_argument("--ascending", action="store_true", help="smallest first")


def _grouped(command: ArgumentParser) -> None:
    command.add_argument("--by", default="", metavar="FIELD", help="split by a field")
    command.add_argument("--top", type=int, default=0, help="groups shown apart")


def _funnel(command: ArgumentParser) -> None:
    command.add_argument("steps", nargs="+", metavar="STEP", help=_STEP)
    command.add_argument(
        "--window", metavar="SPAN", help="how long after the first step the last may be; 14d if not given"
    )
    _grouped(command)


def _retention(command: ArgumentParser) -> None:
    command.add_argument("--began", metavar="STEP", help="what people begin with; anything if not given")
    command.add_argument("--back", metavar="STEP", help="what counts as coming back; anything if not given")
    command.add_argument("--period", default="day", choices=["day", "week", "month"])
    command.add_argument("--periods", type=int, default=0, help="how many are followed")
    command.add_argument(
        "--mode", default="on", choices=["on", "on or after"], help="when somebody counts as back"
    )
    command.add_argument(
        "--entry",
        default="first",
        choices=["first", "every"],
        help="who belongs to a period: by the first time, or by every",
    )
    _grouped(command)


def _lifecycle(command: ArgumentParser) -> None:
    command.add_argument(
        "--activity", metavar="STEP", help="what makes somebody active; anything if not given"
    )
    command.add_argument("--period", default="day", choices=["day", "week", "month"])


def _sessions(command: ArgumentParser) -> None:
    command.add_argument(
        "--gap", metavar="SPAN", help="how long without an event ends a session; 30m if not given"
    )
    command.add_argument("--interval", default="", help="as of a series")
    command.add_argument("--top", type=int, default=0, help="first and last events shown")


def _paths(command: ArgumentParser) -> None:
    command.add_argument("--begin", metavar="STEP", help="where paths begin, or end with --backwards")
    command.add_argument("--backwards", action="store_true", help="the paths that lead there")
    command.add_argument("--depth", type=int, default=0, help="steps followed")
    command.add_argument("--top", type=int, default=0, help="nodes shown at each step")
    command.add_argument(
        "--step-by", default="", metavar="FIELD", help="the field that names a step; name if not given"
    )
    command.add_argument(
        "--gap", metavar="SPAN", help="how long without an event ends a path; 30m if not given"
    )


def _people(command: ArgumentParser) -> None:
    command.add_argument("--of", metavar="STEP", help=f"those who did it: {_STEP}")
    command.add_argument(
        "--cohort", default="", metavar="NAME", help="instead: projects/{project}/cohorts/{cohort}"
    )


def _window(command: ArgumentParser) -> None:
    command.add_argument("window", metavar="WINDOW", help="projects/{project}/windows/{window}")
    command.add_argument(
        "--aggregate",
        dest="aggregates",
        action="append",
        default=[],
        metavar="ID",
        help="only this one; repeat for more",
    )
    command.add_argument(
        "--key", action="append", default=[], metavar="VALUE", help="only this key; one for each field"
    )
    command.add_argument("--top", type=int, default=0, help="keys shown")


def _formulas(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, sign, formula = text.partition("=")
        if not sign:
            raise ValueError(f"formula: {text!r} has no name; write as in 'rate = B / A * 100'")
        found[name.strip()] = formula.strip()
    return found


_ADD: dict[str, Callable[[ArgumentParser], None]] = {
    "events": _events,
    "series": _series,
    "table": _table,
    "funnel": _funnel,
    "retention": _retention,
    "lifecycle": _lifecycle,
    "sessions": _sessions,
    "paths": _paths,
    "people": _people,
    "window": _window,
}
_ASKED: dict[str, Callable[..., question_pb2.Query]] = {kind: getattr(questions, kind) for kind in KINDS}


def _names(kind: str) -> set[str]:
    """The arguments that a kind of question takes."""
    parser = ArgumentParser(add_help=False)
    add(parser, kind)
    return {action.dest for action in parser._actions}
