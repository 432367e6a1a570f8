"""Where a change comes from: the exact parts, and who leads."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from services.insights.why.contribution import Change, contributions, leading
from services.insights.why.split import OTHER, Table, table_of
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import question_pb2 as q

COUNTRY, DEVICE = ("properties.country",), ("properties.device",)
BOTH = (*COUNTRY, *DEVICE)
BEFORE = {"DE": 4000, "FR": 3000, "US": 2000, "GB": 1000}
USUAL = {"DE": 4100, "FR": 2950, "US": 1980, "GB": 1020}
DEVICES, DEVICES_USUAL = {"phone": 7000, "desktop": 3000}, {"phone": 7050, "desktop": 2990}


def counts(rows: Mapping[Any, float], buckets: float = 10) -> Table:
    """Counts by value."""
    named = {(key,) if isinstance(key, str) else key: (float(n),) * 3 for key, n in rows.items()}
    return Table(named, buckets)


def of(after: Mapping[str, float], devices: Mapping[str, float] | None = None, buckets: float = 10) -> Change:
    """A change of countries and devices."""
    return Change(
        {COUNTRY: counts(BEFORE), DEVICE: counts(DEVICES)},
        {COUNTRY: counts(after, buckets), DEVICE: counts(devices or DEVICES, buckets)},
        [{COUNTRY: counts(USUAL), DEVICE: counts(DEVICES_USUAL)}],
    )


def told(found: list[pb.Contribution]) -> list[tuple[str, ...]]:
    return [tuple(each.values) for each in found]


def test_the_value_that_changed_leads_and_a_big_one_that_went_along_does_not() -> None:
    found = contributions(of(BEFORE | {"FR": 600}, {"phone": 5320, "desktop": 2280}), top=10)
    assert told(found)[0] == ("FR",)
    assert (found[0].before, found[0].after) == (300, 60)
    assert found[0].share == pytest.approx(1)
    assert found[0].lift == pytest.approx(10 / 3)
    phone = next(each for each in found if each.values == ["phone"])
    assert phone.share == pytest.approx(0.7)
    assert phone.lift == pytest.approx(1)


def test_shares_of_a_field_add_up_to_one() -> None:
    found = contributions(of({"DE": 2000, "FR": 3100, "US": 500, "GB": 1500}), top=100)
    of_country = {tuple(each.values): each.share for each in found if each.fields == list(COUNTRY)}
    assert set(of_country) == {("DE",), ("FR",), ("US",), ("GB",)}
    assert sum(of_country.values()) == pytest.approx(1)
    # What went against the change comes behind all that went with it.
    assert of_country[("GB",)] < 0


def test_a_fall_everywhere_is_told_by_size_and_with_a_lift_of_one() -> None:
    halved = {name: n / 2 for name, n in BEFORE.items()}
    found = contributions(of(halved, {"phone": 3500, "desktop": 1500}), top=3)
    assert told(found)[:2] == [("phone",), ("DE",)]
    assert all(each.lift == pytest.approx(1) for each in found)


def test_a_value_that_always_varies_so_much_does_not_lead() -> None:
    wild = Change(
        {COUNTRY: counts(BEFORE | {"bot": 3000})},
        {COUNTRY: counts(BEFORE | {"bot": 1500, "GB": 500})},
        [{COUNTRY: counts(USUAL | {"bot": 300})}],
    )
    assert contributions(wild, top=1)[0].values == ["GB"]


def test_a_new_value_leads_with_a_lift_and_a_share_that_are_numbers() -> None:
    first = contributions(of(BEFORE | {"XX": 5000}, {"phone": 10_500, "desktop": 4500}), top=1)[0]
    assert (list(first.values), first.before) == (["XX"], 0)
    assert first.share == pytest.approx(1)
    assert np.isfinite(first.lift)


def test_a_pair_is_told_only_where_it_says_more_than_its_values() -> None:
    cells: dict[tuple[str, str], float]
    cells = {(c, d): n * share for c, n in BEFORE.items() for d, share in (("phone", 0.7), ("desktop", 0.3))}
    usual = {(c, d): n * share for c, n in USUAL.items() for d, share in (("phone", 0.7), ("desktop", 0.3))}

    def change(after: dict[tuple[str, str], float]) -> Change:
        def tables(of: Mapping[tuple[str, str], float], *, pairs: bool) -> dict[tuple[str, ...], Table]:
            sums: dict[tuple[str, ...], dict[str, float]] = {COUNTRY: {}, DEVICE: {}}
            for (country, device), n in of.items():
                sums[COUNTRY][country] = sums[COUNTRY].get(country, 0) + n
                sums[DEVICE][device] = sums[DEVICE].get(device, 0) + n
            made = {fields: counts(values) for fields, values in sums.items()}
            return made | ({BOTH: counts(of)} if pairs else {})

        return Change(tables(cells, pairs=True), tables(after, pairs=True), [tables(usual, pairs=False)])

    pair = change(cells | {("DE", "phone"): 700.0})
    assert set(leading(pair)) == {*COUNTRY, *DEVICE}
    assert told(contributions(pair, top=1)) == [("DE", "phone")]
    whole = change(cells | {("DE", "phone"): 700.0, ("DE", "desktop"): 300.0})
    found = contributions(whole, top=20)
    assert told(found)[0] == ("DE",)
    assert all(len(each.fields) == 1 for each in found)


def test_the_parts_of_a_mean_add_up_to_its_change() -> None:
    before = Table({("DE",): (8000.0, 4000.0, 4000.0), ("FR",): (9000.0, 3000.0, 3000.0)}, 10)
    after = Table({("DE",): (8100.0, 4050.0, 4050.0), ("FR",): (3000.0, 3000.0, 3000.0)}, 10)
    change = Change({COUNTRY: before}, {COUNTRY: after}, [{COUNTRY: before}], mean=True)
    found = contributions(change, top=5)
    assert found[0].values == ["FR"]
    assert (found[0].before, found[0].after) == (3, 1)
    assert sum(each.share for each in found) == pytest.approx(1)


def test_spans_of_other_lengths_are_compared_bucket_by_bucket() -> None:
    found = contributions(of({name: n / 2 for name, n in BEFORE.items()} | {"FR": 300}, buckets=5), top=1)
    assert (list(found[0].values), found[0].before, found[0].after) == (["FR"], 300, 60)


def test_what_one_table_does_not_show_apart_is_no_value_of_its_own() -> None:
    before = Table({("DE",): (100.0,) * 3, ("FR",): (90.0,) * 3, OTHER: (500.0,) * 3}, 1)
    after = Table({("DE",): (100.0,) * 3, ("US",): (80.0,) * 3, OTHER: (510.0,) * 3}, 1)
    found = contributions(Change({COUNTRY: before}, {COUNTRY: after}), top=10)
    assert all(each.values == ["DE"] for each in found)


@pytest.mark.parametrize(
    "rows",
    [
        ({}, {}),
        ({"DE": 0}, {"DE": 0}),
        ({"DE": 5}, {"DE": 9}),
        ({}, {"DE": 5, "FR": 4}),
        ({"DE": 5, "FR": 4}, {}),
        ({"DE": -5, "FR": 4}, {"DE": 8, "FR": -2}),
        ({"DE": 1e300, "FR": 1e299}, {"DE": 1e299, "FR": 1e300}),
        ({"DE": 100, "FR": 100}, {"DE": 100, "FR": 100}),
        ({"DE": 100, "FR": 100}, {"DE": 50, "FR": 150}),
    ],
)
def test_whatever_comes_gives_numbers_or_nothing(
    rows: tuple[Mapping[str, float], Mapping[str, float]],
) -> None:
    change = Change({COUNTRY: counts(rows[0])}, {COUNTRY: counts(rows[1])}, [{COUNTRY: counts(rows[0])}])
    with np.errstate(over="ignore", invalid="ignore"):
        found = contributions(change, top=10)
    assert all(np.isfinite([each.share, each.lift, each.before, each.after]).all() for each in found)


def test_a_table_of_an_answer_is_read_with_its_rest_and_nothing_as_zero() -> None:
    result = q.TableResult(columns=[q.TableColumn(id="value"), q.TableColumn(id="count")])
    result.rows.add(group=["DE"], values=[float("nan"), 0])
    result.rows.add(other=True, values=[7, 3])
    table = table_of(result, 2)
    assert table.rows == {("DE",): (0, 0, 0), OTHER: (7, 3, 3)}
    assert table.whole == (7, 3, 3)
