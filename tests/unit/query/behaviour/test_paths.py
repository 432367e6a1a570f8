from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.behaviour.happening import (
    MINUTE,
    NOON,
    Event,
    answered,
    by_user,
    happened,
    histories,
    question,
    step,
)
from tidemark.v1 import question_pb2 as q


def run(events: Sequence[Event], minutes: int = 600, gap: int = 0, **others) -> q.PathsResult:
    paths = q.PathsQuestion(**others)
    if gap:
        paths.gap.FromTimedelta(gap * MINUTE)
    found: q.PathsResult = answered(question(q.Query(paths=paths), NOON, NOON + minutes * MINUTE), events)[0]
    return found


def nodes(found: q.PathsResult) -> list[tuple[int, str, int, int]]:
    return [(each.step, "…" if each.other else each.value, each.paths, each.ended) for each in found.nodes]


def links(found: q.PathsResult) -> list[tuple[int, int, int]]:
    return [(getattr(each, "from"), each.to, each.paths) for each in found.links]


EVENTS = happened(
    (0, "a"), (1, "b"), (2, "c"),
    (0, "x", "bob"), (1, "a", "bob"), (2, "b", "bob"), (3, "a", "bob"),
    (0, "a", "cat"), (1, "c", "cat"), (40, "b", "cat"),
)  # fmt: skip


def test_paths_lead_from_the_first_start_of_a_go() -> None:
    found = run(EVENTS, start=step("a"), depth=2)
    assert found.paths == 3
    assert nodes(found) == [(0, "a", 3, 0), (1, "b", 2, 0), (1, "c", 1, 1), (2, "a", 1, 1), (2, "c", 1, 1)]
    assert links(found) == [(0, 1, 2), (0, 2, 1), (1, 3, 1), (1, 4, 1)]


def test_paths_lead_back_from_the_last() -> None:
    found = run(EVENTS, start=step("a"), backwards=True, depth=1)
    assert nodes(found) == [(0, "a", 3, 2), (1, "b", 1, 0)]
    assert links(found) == [(0, 1, 1)]


def test_without_a_start_each_go_is_a_path() -> None:
    found = run(EVENTS, depth=1)
    assert found.paths == 4
    assert nodes(found) == [
        (0, "a", 2, 0),
        (0, "b", 1, 1),
        (0, "x", 1, 0),
        (1, "a", 1, 0),
        (1, "b", 1, 0),
        (1, "c", 1, 1),
    ]


def test_the_rest_of_a_step_is_one_node() -> None:
    found = run(EVENTS, depth=1, top=1)
    assert nodes(found) == [(0, "a", 2, 0), (0, "…", 2, 1), (1, "a", 1, 0), (1, "…", 2, 1)]
    assert links(found) == [(0, 3, 2), (1, 2, 1)]


def test_a_step_is_named_by_any_field() -> None:
    events = [Event(NOON, 1, plan="free"), Event(NOON, 2, plan=None), Event(NOON, 3, plan="paid")]
    found = run(events, step_by="properties.plan")
    assert [(each.step, each.value, each.other) for each in found.nodes] == [
        (0, "free", False), (1, "", False), (2, "paid", False),
    ]  # fmt: skip


def test_where_nothing_happened_there_is_no_path() -> None:
    found = run([], start=step("a"))
    assert (found.paths, list(found.nodes), list(found.links)) == (0, [], [])


def walked(events: Sequence[Event], start: str, gap: timedelta, *, backwards: bool) -> list[list[str]]:
    """Each path as the names of its steps."""
    found = []
    for theirs in by_user(events).values():
        goes: list[list[str]] = []
        for i, event in enumerate(theirs):
            if not i or event.at - theirs[i - 1].at >= gap:
                goes.append([])
            goes[-1].append(event.name)
        for go in goes:
            names = go[::-1] if backwards else go
            begin = 0 if not start else names.index(start) if start in names else None
            if begin is not None:
                found.append(names[begin:])
    return found


@given(
    histories(),
    st.sampled_from(["", "a"]),
    st.integers(1, 8),
    st.booleans(),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_it_is_what_walking_along_finds(
    events: list[Event], start: str, gap: int, backwards: bool, depth: int, top: int
) -> None:
    found = run(events, gap=gap, start=step(start), backwards=backwards, depth=depth, top=top)
    paths = walked(events, start, gap * MINUTE, backwards=backwards)
    assert found.paths == len(paths)
    expected: Counter[tuple[int, str]] = Counter()
    ended: Counter[tuple[int, str]] = Counter()
    went: Counter[tuple[int, str, str]] = Counter()
    shown: list[set[str]] = []
    for at in range(depth + 1):
        counts = Counter(path[at] for path in paths if len(path) > at)
        shown.append(set(sorted(counts, key=lambda name: (-counts[name], name))[:top]))

    def node(path: list[str], at: int) -> str:
        return path[at] if path[at] in shown[at] else "…"

    for path in paths:
        for at in range(min(depth + 1, len(path))):
            expected[at, node(path, at)] += 1
            ended[at, node(path, at)] += len(path) == at + 1
            if at:
                went[at, node(path, at - 1), node(path, at)] += 1
    assert {(each[0], each[1]): each[2] for each in nodes(found)} == dict(expected)
    assert {(each[0], each[1]): each[3] for each in nodes(found)} == {key: ended[key] for key in expected}
    shape = nodes(found)
    assert {(shape[b][0], shape[a][1], shape[b][1]): n for a, b, n in links(found)} == dict(went)
