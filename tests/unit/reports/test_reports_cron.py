"""When schedules run: expressions, their words, and what becomes of times that the clocks leave out or show twice."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.reports.schedules import cron

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Pacific/Apia",
        "UTC",
    )
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def some(text: str, zone: ZoneInfo, after: str, count: int) -> list[str]:
    found = islice(cron.slots(text, zone, utc(after)), count)
    return [each.astimezone(zone).strftime("%d %H:%M%z") for each in found]


@cache
def transitions(zone: ZoneInfo, first: int, last: int) -> list[datetime]:
    """The instants at which a zone changes its clocks in these years, to the minute."""
    found, hour = [], datetime(first, 1, 1, tzinfo=UTC)
    while hour.year <= last:
        after = hour + timedelta(hours=1)
        if hour.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            minutes = (hour + timedelta(minutes=minute) for minute in range(1, 61))
            before = hour.astimezone(zone).utcoffset()
            found.append(next(each for each in minutes if each.astimezone(zone).utcoffset() != before))
        hour = after
    return found


def test_a_time_that_the_clocks_leave_out_runs_when_they_have_changed() -> None:
    assert some("30 2 * * *", BERLIN, "2026-03-28", 3) == ["28 02:30+0100", "29 03:00+0200", "30 02:30+0200"]
    assert some("15,45 2 * * *", BERLIN, "2026-03-28T12:00", 2) == ["29 03:00+0200", "30 02:15+0200"]
    assert some("0 2,3 * * *", BERLIN, "2026-03-28T12:00", 3) == [
        "29 03:00+0200",
        "30 02:00+0200",
        "30 03:00+0200",
    ]
    assert some("45 2 * * *", NEW_YORK, "2026-03-08T00:00", 2) == ["08 03:00-0400", "09 02:45-0400"]


def test_a_time_that_comes_twice_runs_once() -> None:
    assert some("30 2 * * *", BERLIN, "2026-10-24T12:00", 2) == ["25 02:30+0200", "26 02:30+0100"]
    assert some("0 * * * *", BERLIN, "2026-10-24T23:30", 4) == [
        "25 02:00+0200",
        "25 03:00+0100",
        "25 04:00+0100",
        "25 05:00+0100",
    ]
    # Asked from within the repeated hour, what has run before the change does not run again.
    assert some("30 2 * * *", BERLIN, "2026-10-25T01:10", 1) == ["26 02:30+0100"]


def test_a_day_that_a_zone_leaves_out_runs_when_the_next_one_begins() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert some("0 7 * * *", apia, "2011-12-29T12:00", 3) == [
        "29 07:00-1000",
        "31 00:00+1400",
        "31 07:00+1400",
    ]
    assert some("*/5 * * * *", apia, "2011-12-30T09:50", 3) == [
        "29 23:55-1000",
        "31 00:00+1400",
        "31 00:05+1400",
    ]


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("text", ["30 2 * * *", "*/20 * * * *", "15 1-3 * * *"])
def test_around_every_change_each_time_on_the_wall_is_one_slot(zone: ZoneInfo, text: str) -> None:
    for change in transitions(zone, 2010, 2012):
        began, end = change - timedelta(hours=30), change + timedelta(hours=30)
        found = []
        for slot in cron.slots(text, zone, began):
            if slot > end:
                break
            found.append(slot)
        assert all(earlier < later for earlier, later in pairwise(found))
        shown = [each.astimezone(zone).replace(tzinfo=None) for each in found]
        assert len(set(shown)) == len(shown)
        # Whatever the clocks show, from the first day to the last, has its slot; what they leave out has that of the change.
        wall, last = (
            began.astimezone(zone).replace(tzinfo=None, second=0),
            end.astimezone(zone).replace(tzinfo=None),
        )
        for wanted in cron.CronSim(text, wall):
            if wanted > last:
                break
            exists = (
                wanted.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wanted
            )
            assert (wanted in shown) if exists else (change in found), (change, wanted)


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_slots_are_the_same_from_wherever_one_begins(zone: ZoneInfo) -> None:
    for change in transitions(zone, 2010, 2012):
        began = change - timedelta(hours=30)
        found = list(islice(cron.slots("*/20 * * * *", zone, began), 200))
        for minutes in range(0, 40 * 60, 47):
            after = began + timedelta(minutes=minutes)
            expected = next(each for each in found if each > after)
            assert cron.following("*/20 * * * *", zone, after) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "0 fields"),
        ("0 7 * *", "4 fields"),
        ("0 0 7 * * *", "6 fields"),
        ("@daily", "1 fields"),
        ("60 7 * * *", "the minute cannot be read"),
        ("0 24 * * *", "the hour cannot be read"),
        ("0 7 32 * *", "the day of month cannot be read"),
        ("0 7 * 13 *", "the month cannot be read"),
        ("0 7 * * FRI-MON", "the day of week cannot be read"),
        ("0 0 30 2 *", "the day of month cannot be read"),
        ("*/4 * * * *", "within 4 min"),
        ("* * * * *", "within 1 min"),
        ("58,0 * * * *", "within 2 min"),
        ("0,57 23,0 * * *", "within 3 min"),
        ("0 7 * * * " + " " * 100, "has 110 characters"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_part_that_is_wrong(text: str, told: str) -> None:
    with pytest.raises(Invalid, match=told) as caught:
        cron.read(text, "schedule.cron")
    assert caught.value.field == "schedule.cron"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 7 * * MON-FRI", "at 07:00 on Monday through Friday"),
        ("  0  7 * * 1 ", "at 07:00 on Monday"),
        ("*/15 * * * *", "every 15th minute of every hour"),
        ("0 9 1 * *", "at 09:00 on the first day of every month"),
        ("0 0 29 2 *", "at 00:00 on February 29"),
        ("30 18 L * *", "at 18:30 on the last day of every month"),
        ("0 7 * * mon#1", "at 07:00 on the first Monday of the month"),
    ],
)
def test_an_expression_is_told_in_words(text: str, said: str) -> None:
    assert cron.words(cron.read(text, "cron")) == said


def test_times_apart_by_five_minutes_are_allowed() -> None:
    for text in ("*/5 * * * *", "0,55 * * * *", "2,58 7,9 * * *", "0 0,23 * * *"):
        assert cron.read(text, "cron") == text


@given(st.text(alphabet="0123456789*/,-#L WMONFRI", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        kept = cron.read(text, "cron")
    except Invalid:
        return
    assert cron.words(kept)
    assert cron.following(kept, BERLIN, utc("2026-01-01"))
