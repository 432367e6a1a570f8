"""The calculator: its figures are those of the benchmarks, its answers those of the guide."""

import re
from pathlib import Path

import pytest

from tidemark import capacity
from tidemark.capacity import Load, plan

ROOT = Path(__file__).parents[3]
BENCHMARKS = (ROOT / "benchmarks/README.md").read_text()
GUIDE = (ROOT / "docs/capacity.md").read_text()


def microseconds(process: str) -> tuple[float, float]:
    """From and to, as the table of the benchmarks has it."""
    found = re.search(rf"^\| {process} \| ([\d.]+)–([\d.]+) \|", BENCHMARKS, re.MULTILINE)
    assert found, process
    return float(found[1]), float(found[2])


def test_its_figures_are_the_worse_end_of_what_was_measured() -> None:
    assert microseconds("ingest")[1] == capacity.INGEST_US
    assert microseconds("writer")[1] == capacity.WRITER_US
    assert microseconds("PostgreSQL")[1] == capacity.POSTGRESQL_US
    assert microseconds("Redis")[1] == capacity.REDIS_US
    assert f"{capacity.STORED_ROWS // 10**6} M rows take about {capacity.STORED_GB} GB" in BENCHMARKS
    assert f"{capacity.ANSWERS_PER_SECOND} answers a second are all that these give" in BENCHMARKS
    assert f"| answers | {capacity.ANSWERS_PER_SECOND} a second on two cores |" in GUIDE
    found = re.search(r"costs about (\d+) ms of the writer's CPU and (\d+) ms of PostgreSQL's", BENCHMARKS)
    assert found
    assert (float(found[1]), float(found[2])) == (capacity.WRITER_COMMIT_MS, capacity.POSTGRESQL_COMMIT_MS)
    assert "with twelve commits a second" in BENCHMARKS
    assert capacity.COMMITS_PER_SECOND == 12


def test_it_foretells_what_two_cores_were_measured_to_do() -> None:
    measured = re.search(r"a minute: ([\d.]+) to \d+ M", BENCHMARKS)
    assert measured
    least = float(measured[1])
    found = plan(Load(least * 1e6, days=0, spare=0))
    generators = least * 1e6 / 60 * microseconds("generator")[1] / 1e6
    commits = (
        2 * capacity.COMMITS_PER_SECOND * (capacity.WRITER_COMMIT_MS + capacity.POSTGRESQL_COMMIT_MS) / 1e3
    )
    servers = found.ingest_cores + found.writer_cores + found.postgresql_cores + found.redis_cores
    # At full load few, large commits are made, whose cost is in that of the events already.
    assert servers + generators - commits == pytest.approx(2, rel=0.03)


def test_the_guide_says_what_the_calculator_does() -> None:
    rows = re.findall(
        r"^\| ([\d,]+) \| (\d+), ([\d.]+) \| (\d+), ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d,]+) GB \| ([\d,]+) MiB \|$",
        GUIDE,
        re.MULTILINE,
    )
    assert len(rows) == 4
    for rate, *said in rows:
        found = plan(Load(float(rate.replace(",", "")), days=90))
        assert said == [
            str(found.ingest_processes), f"{found.ingest_cores:.1f}", str(found.writer_processes), f"{found.writer_cores:.1f}",
            f"{found.postgresql_cores:.1f}", f"{found.redis_cores:.1f}", f"{found.disk_gb:,.0f}", f"{found.backlog_mib:,.0f}",
        ], rate  # fmt: skip


def test_a_process_has_one_core() -> None:
    found = plan(Load(50_000_000, days=1))
    assert found.ingest_processes >= found.ingest_cores
    assert found.writer_processes >= found.writer_cores


def test_less_spare_needs_less_machine_and_larger_events_more() -> None:
    usual = plan(Load(1e6, days=30))
    assert plan(Load(1e6, days=30, spare=0.2)).postgresql_cores < usual.postgresql_cores
    larger = plan(Load(1e6, days=30, event_bytes=400))
    assert (larger.disk_gb, larger.backlog_mib) == (2 * usual.disk_gb, 2 * usual.backlog_mib)


@pytest.mark.parametrize("load", [Load(-1, 1), Load(1, 1, spare=1.0), Load(1, 1, event_bytes=0)])
def test_what_is_no_load_is_refused(load: Load) -> None:
    with pytest.raises(ValueError, match="capacity: "):
        plan(load)
