"""Which events the features of a `Wanted` are made of: a `Scan` goes out, whose table `source` reads and `points` and `table` use."""

from services.kit.calendar import Span
from services.kit.instant import EPOCH
from services.query.behaviour.answer import either, within
from services.query.columnar.scan import Column, Flag, Scan, Text
from services.query.features.request import Became, Cuts, Did, Wanted
from services.query.fields import field
from services.query.filter import EVERYTHING, Condition, Members, both
from tidemark.v1 import question_pb2 as pb


def scan(wanted: Wanted) -> Scan:
    """Up to the last point everything, and after it what outcomes are made of."""
    points = wanted.points
    before: Condition = EVERYTHING
    if isinstance(points, Cuts):
        first, end = points.instants[0] - max(wanted.history, points.within), points.instants[-1]
    else:
        first, end = points.span.start - wanted.history, points.span.end
        if wanted.bare:
            first, before = points.span.start, points.event
    # Nothing happened before 1970.
    first = max(first, EPOCH)
    condition, whole = both(before, within(Span(first, end))), Span(first, end)
    if isinstance(wanted.outcome, Did):
        whole = Span(first, end + wanted.outcome.window)
        condition = either(condition, wanted.outcome.condition)
    elif before == EVERYTHING:
        condition = EVERYTHING
    if wanted.users:
        condition = both(condition, Members("", wanted.users, "\0".join(wanted.users)))
    return Scan(whole, condition, _columns(wanted))


def _columns(wanted: Wanted) -> tuple[Column, ...]:
    flags: dict[str, Condition] = {}
    texts = {f"field{i}": each for i, each in enumerate(wanted.fields)}
    if isinstance(wanted.points, Cuts):
        flags["member"] = wanted.points.member
    else:
        flags["point"] = wanted.points.event
    if not wanted.bare:
        texts |= {name: field(path, pb.SOURCE_EVENTS, "") for name, path in _ALWAYS.items()}
        texts |= {f"sum{i}": each for i, each in enumerate(wanted.sum_fields)}
    match wanted.outcome:
        case Did(condition=condition, match=match):
            flags["did"] = condition
            texts |= {f"match{i}": each for i, each in enumerate(match)}
        case Became(field=became):
            texts["became"] = became
    kept = [Flag(name, each) for name, each in flags.items() if each != EVERYTHING]
    return (*kept, *(Text(name, each) for name, each in texts.items()))


_ALWAYS = {"name": "name", "session": "session_id"}
