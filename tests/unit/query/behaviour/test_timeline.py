import numpy as np
import pyarrow as pa

from services.query.behaviour.timeline import Texts, Timeline, begins, ends, largest, percent, places
from services.query.fields import field
from tidemark.v1 import question_pb2 as q

TEXT = pa.dictionary(pa.int32(), pa.string())


def texts(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string()).dictionary_encode().cast(TEXT)


def test_pieces_of_a_table_are_one_timeline_whatever_their_dictionaries() -> None:
    pieces = [
        {
            "user": texts(["ann", "ann"]),
            "at": pa.array([1, 2]),
            "plan": texts(["free", None]),
            "f": pa.array([True, False]),
        },
        {
            "user": texts(["ann", "bob"]),
            "at": pa.array([3, 1]),
            "plan": texts(["", "free"]),
            "f": pa.array([True, True]),
        },
    ]
    found = Timeline(pa.concat_tables([pa.table(each) for each in pieces]))
    assert [found.users[code].as_py() for code in found.user] == ["ann", "ann", "ann", "bob"]
    assert begins(found.user).tolist() == [0, 3]
    plans = found.texts("plan")
    assert [plans.label(code) for code in plans.codes] == ["free", "", "", "free"]
    assert found.flag("f").tolist() == [True, False, True, True]
    assert found.flag("not asked for").all()


def test_events_of_nobody_stand_beyond_the_users() -> None:
    found = Timeline(pa.table({"user": texts(["ann", None]), "at": pa.array([1, 2])}))
    assert found.user.tolist() == [0, 1]
    assert len(found.users) == 1


def test_an_empty_table_is_an_empty_timeline() -> None:
    found = Timeline(pa.table({"user": texts([]), "at": pa.array([], pa.int64()), "plan": texts([])}))
    assert len(found) == len(found.users) == len(found.texts("plan").codes) == 0


def test_runs_have_a_beginning_and_an_end() -> None:
    keys, others = np.array([1, 1, 2, 2, 2]), np.array([0, 0, 0, 7, 7])
    assert begins(keys).tolist() == [0, 2]
    assert begins(keys, others).tolist() == [0, 2, 3]
    assert ends(begins(keys), 5).tolist() == [1, 4]
    assert ends(begins(keys[:0]), 0).tolist() == []


def test_the_largest_come_first_and_of_equals_the_first_by_alphabet() -> None:
    names = Texts(np.zeros(0, np.int32), pa.array(["d", "c", "b", "a"]))
    shown = largest(np.array([1, 2, 2, 0]), names, 2)
    assert shown.tolist() == [2, 1]
    assert places(np.array([0, 1, 2, 3]), shown, 4).tolist() == [2, 1, 0, 2]


def test_types_are_found_by_their_names() -> None:
    types = Texts(np.zeros(0, np.int32), pa.array(["5", "1", ""]), field("type", q.SOURCE_EVENTS, "f"))
    assert types.label(0) == "ERROR_EVENT"
    assert types.code("USER_ACTION") == 1
    assert types.code("NOPE") == -1


def test_shares_are_for_people() -> None:
    assert [percent(each) for each in (0.001, 0.01, 0.126, 1.0)] == ["less than 1 %", "1 %", "13 %", "100 %"]
