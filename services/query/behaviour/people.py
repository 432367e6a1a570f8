"""Who the people behind a figure are: a question for `People` and the table of its scan come in, a page of them goes out.

Which people they are is told by the module of the figure; what is told of them, by all their events of the time range.
"""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.kit.instant import at, us_of
from services.query.behaviour import funnel, lifecycle, retention
from services.query.behaviour.question import Came, Did, Lived, People, Returned
from services.query.behaviour.timeline import Rows, Timeline, begins, ends
from services.query.filter import Members
from tidemark.v1 import question_pb2 as pb

PAGE_BYTES = 3 << 20
"""A page ends early here."""

Position = tuple[datetime, str]
"""When the last of a page was last seen, and who it was; 1970 for somebody without an event in the range."""


def page(
    question: People, table: pa.Table, size: int, after: Position | None
) -> tuple[pb.PeopleResult, Position | None]:
    """So many people behind a position, who were active last first, and the position of the next page if there is one."""
    timeline = Timeline(table)
    found = _told(question, timeline, _chosen(question, timeline))
    made = pb.PeopleResult(total=len(found))
    if after is not None:
        last, user = us_of(after[0]), after[1]
        behind = pc.and_(pc.equal(found["last"], last), pc.greater(found["user"], user))
        found = found.filter(pc.or_(pc.less(found["last"], last), behind))
    order = pc.select_k_unstable(
        found, min(size + 1, len(found)), [("last", "descending"), ("user", "ascending")]
    )
    rows, filled = found.take(order).to_pylist(), 0
    for i, row in enumerate(rows):
        person = pb.Person(user_id=row["user"], events=row["events"])
        if row["events"]:
            person.first_seen.FromMicroseconds(row["first"])
            person.last_seen.FromMicroseconds(row["last"])
        filled += person.ByteSize() + 5
        if i == size or (i and filled > PAGE_BYTES):
            return made, (at(rows[i - 1]["last"]), rows[i - 1]["user"])
        made.people.append(person)
    return made, None


def _chosen(question: People, timeline: Timeline) -> Rows:
    """The people asked for, as places in the timeline's `users`."""
    match question.group:
        case Did():
            rows = np.flatnonzero(timeline.flag("did") & timeline.within(question.span))
        case Came() as group:
            rows = funnel.people(group, timeline)
        case Returned() as group:
            rows = retention.people(group, timeline)
        case Lived() as group:
            rows = lifecycle.people(group, timeline)
        case Members():
            rows = np.arange(len(timeline))
    wanted = np.zeros(len(timeline.users), np.bool_)
    wanted[timeline.user[rows]] = True
    return np.flatnonzero(wanted)


def _told(question: People, timeline: Timeline, chosen: Rows) -> pa.Table:
    """What is told of each person: a row with `user`, `first`, `last` and `events`."""
    rows = np.flatnonzero(timeline.within(question.span))
    heads = begins(timeline.user[rows])
    tails = ends(heads, len(rows))
    people = timeline.user[rows[heads]]
    told = {"user": timeline.users.take(pa.array(chosen))}
    for name, values in (
        ("first", timeline.at[rows[heads]]),
        ("last", timeline.at[rows[tails]]),
        ("events", tails - heads + 1),
    ):
        by_user = np.zeros(len(timeline.users), np.int64)
        by_user[people] = values
        told[name] = pa.array(by_user[chosen])
    found = pa.table(told)
    if not isinstance(question.group, Members):
        return found
    # Members without an event in the range are people of the cohort all the same.
    members = pa.array(question.group.users, found["user"].type)
    absent = members.filter(pc.invert(pc.is_in(members, found["user"])))
    never = pa.array(np.zeros(len(absent), np.int64))
    return pa.concat_tables([found, pa.table([absent, never, never, never], names=found.column_names)])
