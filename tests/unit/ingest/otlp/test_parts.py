"""Rows are gathered to batches of one producer, none larger than ingest takes."""

from services.ingest.otlp.parts import MAX_BYTES, MAX_ROWS, Report, Row, events, parts, points
from tests.ingesting import event, point
from tidemark.v1.event_pb2 import Event


def row(place: int, producer: str = "otlp:a", **fields: object) -> Row[Event]:
    return Row(producer, place, event(place, **fields), known_again=True)


def test_rows_of_one_producer_are_one_batch() -> None:
    (part,) = parts(map(row, range(3)), events)
    assert part.batch.producer.producer_id == "otlp:a"
    assert (part.batch.producer.epoch, part.batch.producer.sequence) == (1, 0)
    assert part.places == [0, 1, 2]
    assert part.known_again


def test_another_producer_begins_another_batch() -> None:
    made = list(parts([row(0), row(1, "otlp:b"), row(2, "otlp:b")], events))
    assert [(part.batch.producer.producer_id, part.places) for part in made] == [
        ("otlp:a", [0]),
        ("otlp:b", [1, 2]),
    ]


def test_a_batch_holds_no_more_rows_than_ingest_takes() -> None:
    same = point()
    made = parts((Row("otlp:a", place, same, False) for place in range(MAX_ROWS + 1)), points)
    assert [len(part.batch.points) for part in made] == [MAX_ROWS, 1]


def test_a_batch_is_closed_when_it_is_large() -> None:
    large = {"context_json": b"x" * (MAX_BYTES // 4)}
    made = [part.places for part in parts((row(place, **large) for place in range(10)), events)]
    assert made == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_parts_are_made_when_they_are_asked_for() -> None:
    asked: list[int] = []

    def rows():  # type: ignore[no-untyped-def]
        for place in range(3):
            asked.append(place)
            yield row(place, f"otlp:{place}")

    next(parts(rows(), events))
    assert asked == [0, 1]


def test_one_row_that_is_not_known_again_needs_the_batch_to_be() -> None:
    (part,) = parts([row(0), row(1)._replace(known_again=False)], events)
    assert not part.known_again


def test_nothing_is_no_batch() -> None:
    assert list(parts([], events)) == []


def test_the_first_fault_is_told_and_the_others_are_counted() -> None:
    report = Report()
    assert report.message("log_records") == ""
    report.refuse(7, "name is missing")
    report.refuse(3, "body is too large")
    report.refuse(3, "and late")
    assert report.message("log_records") == "2 not taken; the first is log_records[3]: body is too large"
