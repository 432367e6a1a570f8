"""The disk spool: nothing whole is lost, nothing torn is believed, nothing acknowledged stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemark.spool import Spool

BODIES = st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=20)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


def reopened(spool, folder, **options):
    spool.close()
    return Spool(folder, **options)


def contents(spool):
    return [(it.epoch, it.sequence, it.count, spool.read(it.place)) for it in spool.recovered]


def test_what_was_not_acknowledged_comes_back_in_order(folder):
    spool = Spool(folder, segment_bytes=100)
    written = [(5, sequence, 2, bytes([sequence]) * 40) for sequence in range(1, 8)]
    places = [spool.append(*record) for record in written]
    for place in places[:3]:
        spool.acknowledge(place)
    spool = reopened(spool, folder)
    assert contents(spool)[-4:] == written[-4:]
    spool.close()


def test_everything_acknowledged_leaves_no_segment(folder):
    spool = Spool(folder, segment_bytes=100)
    for place in [spool.append(1, sequence, 1, b"x" * 40) for sequence in range(1, 8)]:
        spool.acknowledge(place)
    assert spool.size == 0
    assert not list(folder.glob("*.segment"))
    spool.close()


def test_a_new_start_writes_into_a_new_segment(folder):
    spool = Spool(folder)
    spool.append(1, 1, 1, b"old")
    spool = reopened(spool, folder)
    spool.append(2, 1, 1, b"new")
    assert len(list(folder.glob("*.segment"))) == 2
    spool = reopened(spool, folder)
    assert [it[3] for it in contents(spool)] == [b"old", b"new"]
    spool.close()


@settings(max_examples=50, deadline=None)
@given(bodies=BODIES, data=st.data())
def test_a_torn_tail_costs_only_the_record_it_tore(tmp_path_factory, bodies, data):
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder)
    ends = []
    for sequence, body in enumerate(bodies, 1):
        spool.append(1, sequence, 1, body)
        ends.append(spool.size)
    spool.close()
    (segment,) = folder.glob("*.segment")
    cut = data.draw(st.integers(min_value=0, max_value=ends[-1]))
    segment.write_bytes(segment.read_bytes()[:cut])
    spool = Spool(folder)
    assert [it[3] for it in contents(spool)] == [body for body, end in zip(bodies, ends) if end <= cut]
    spool.append(2, 1, 1, b"after")
    spool = reopened(spool, folder)
    assert contents(spool)[-1] == (2, 1, 1, b"after")
    spool.close()


@settings(max_examples=50, deadline=None)
@given(bodies=BODIES, data=st.data())
def test_a_flipped_bit_is_never_believed(tmp_path_factory, bodies, data):
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder)
    written = [(1, sequence, 1, body) for sequence, body in enumerate(bodies, 1)]
    for record in written:
        spool.append(*record)
    spool.close()
    (segment,) = folder.glob("*.segment")
    damaged = bytearray(segment.read_bytes())
    at = data.draw(st.integers(min_value=0, max_value=len(damaged) - 1))
    damaged[at] ^= 1 << data.draw(st.integers(min_value=0, max_value=7))
    segment.write_bytes(damaged)
    spool = Spool(folder)
    read = contents(spool)
    assert read == written[: len(read)]
    assert len(read) < len(written)
    spool.close()


def test_a_spool_is_full_at_its_limit(folder):
    spool = Spool(folder, limit=100)
    place = spool.append(1, 1, 1, b"x" * 100)
    assert spool.full
    spool.acknowledge(place)
    assert not spool.full
    spool.close()


def test_a_spool_belongs_to_one_process(folder):
    spool = Spool(folder)
    with pytest.raises(BlockingIOError, match="is the spool of another process"):
        Spool(folder)
    reopened(spool, folder).close()
