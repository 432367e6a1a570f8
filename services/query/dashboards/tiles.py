"""What the tiles of a dashboard ask: a `Dashboard` and what its reader has chosen come in, a `Query` for each tile goes out.

A tile without a time range takes that of the reader or of the dashboard. Filters of the dashboard and of the reader hold beside
those of the tile, for everything that is about events. In every filter, the text `$` and the id of a variable stands for the
values chosen for it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value

from services.kit.errors import Invalid
from services.kit.narrow import join
from tidemark.v1 import dashboard_pb2 as pb
from tidemark.v1 import question_pb2 as q

DAY = q.TimeRange(last=Duration(seconds=86_400))

_EACH = {q.OPERATOR_NOT_CONTAINS, q.OPERATOR_NOT_MATCHES}
"""A comparison that is true of several values only when it is true of each."""
_SETS = {
    q.OPERATOR_EQUAL: q.OPERATOR_IN,
    q.OPERATOR_IN: q.OPERATOR_IN,
    q.OPERATOR_NOT_EQUAL: q.OPERATOR_NOT_IN,
    q.OPERATOR_NOT_IN: q.OPERATOR_NOT_IN,
}
_ORDERS = {
    q.OPERATOR_LESS,
    q.OPERATOR_LESS_OR_EQUAL,
    q.OPERATOR_GREATER,
    q.OPERATOR_GREATER_OR_EQUAL,
}

Values = Mapping[str, Sequence[str]]
"""The values chosen, by the id of the variable."""


@dataclass(frozen=True)
class Choice:
    """What the reader of a dashboard has chosen."""

    time_range: q.TimeRange | None = None
    filter: q.Filter | None = None
    variables: Values = field(default_factory=dict)


def choice(request: pb.WatchDashboardRequest) -> Choice:
    """What the reader who sent a request has chosen."""
    return Choice(
        request.time_range if request.HasField("time_range") else None,
        request.filter if request.HasField("filter") else None,
        {each.id: list(each.values) for each in request.variables},
    )


def known(choice: Choice, dashboard: pb.Dashboard) -> Choice:
    """What is left of a choice on a dashboard that may have lost variables since."""
    there = {each.id for each in dashboard.variables}
    return replace(
        choice, variables={name: values for name, values in choice.variables.items() if name in there}
    )


def asked(dashboard: pb.Dashboard, choice: Choice) -> dict[int, q.Query]:
    """The questions of a dashboard, by the place of their tile; raises `Invalid` for a variable that it has not."""
    values: dict[str, Sequence[str]] = {each.id: list(each.values) for each in dashboard.variables}
    for i, chosen in enumerate(choice.variables):
        if chosen not in values:
            known = ", ".join(values) or "none"
            raise Invalid(
                f"variables[{i}].id", f"is {chosen[:100]!r}; variables of the dashboard are {known}"
            )
    values |= choice.variables
    filters = [dashboard.filter, *([choice.filter] if choice.filter is not None else [])]
    found: dict[int, q.Query] = {}
    for place, tile in enumerate(dashboard.tiles):
        if tile.WhichOneof("content") == "query":
            found[place] = query = own(dashboard, tile.query, choice)
            for each in filters:
                join(query, each)
            substitute(query, values)
    return found


def own(dashboard: pb.Dashboard, query: q.Query, choice: Choice | None = None) -> q.Query:
    """The question of a tile, with the time that it is about but without filters that are not its own."""
    found = q.Query()
    found.CopyFrom(query)
    if not found.time_range.ByteSize():
        chosen = choice.time_range if choice is not None else None
        found.time_range.CopyFrom(
            chosen or (dashboard.time_range if dashboard.HasField("time_range") else DAY)
        )
    found.time_zone = found.time_zone or dashboard.time_zone
    return found


def substitute(message: Message, values: Values) -> None:
    """Puts the values chosen for variables into every filter of a message."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None or descriptor.message_type.full_name.startswith("google."):
            continue
        if descriptor.message_type is q.Filter.DESCRIPTOR and not descriptor.is_repeated:
            chosen = _chosen(value, values)
            if chosen is None:
                message.ClearField(descriptor.name)
            else:
                value.CopyFrom(chosen)
        else:
            for each in value if descriptor.is_repeated else [value]:
                substitute(each, values)


def _chosen(stated: q.Filter, values: Values) -> q.Filter | None:
    """A filter with the values chosen; None where nothing of it is left."""
    match stated.WhichOneof("node"):
        case "comparison":
            return _compared(stated, values)
        case "all" | "any" as kind:
            parts = getattr(stated, kind).filters
            left = [part for each in parts if (part := _chosen(each, values)) is not None]
            # An empty group is left for validation to name.
            if not left and parts:
                return None
            return q.Filter(**{kind: q.FilterGroup(filters=left)})  # type: ignore[arg-type]
        case "not":
            inner = _chosen(getattr(stated, "not"), values)
            return None if inner is None else q.Filter(**{"not": inner})  # type: ignore[arg-type]
        case _:
            return stated


def _compared(stated: q.Filter, values: Values) -> q.Filter | None:
    comparison = stated.comparison
    texts: list[str] = []
    plain: list[Value] = []
    for value in comparison.values:
        name = value.string_value[1:] if value.string_value.startswith("$") else ""
        if name not in values:
            plain.append(value)
        elif not values[name]:
            return None
        else:
            texts += values[name]
    if not texts:
        return stated
    field, operator = comparison.field, comparison.operator
    if operator in _SETS:
        every = [*plain, *(variant for text in texts for variant in _variants(text))]
        return q.Filter(comparison=q.Comparison(field=field, operator=_SETS[operator], values=every))
    singles = [*plain, *(_variants(text)[-1 if operator in _ORDERS else 0] for text in texts)]
    filters = [
        q.Filter(comparison=q.Comparison(field=field, operator=operator, values=[each])) for each in singles
    ]
    if len(filters) == 1:
        return filters[0]
    group = q.FilterGroup(filters=filters)
    return q.Filter(all=group) if operator in _EACH else q.Filter(any=group)


def _variants(text: str) -> list[Value]:
    """What a chosen text may stand for in the data: itself and, where it reads as one, a boolean or a number."""
    found = [Value(string_value=text)]
    if text in ("true", "false"):
        found.append(Value(bool_value=text == "true"))
    try:
        number = float(text)
    except ValueError:
        return found
    return [*found, Value(number_value=number)] if math.isfinite(number) else found
