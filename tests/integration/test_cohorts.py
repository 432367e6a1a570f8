"""CohortService through gRPC, and cohorts in questions, on a real database."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

import tidemark
from services.admin.service import admin
from services.query.cohorts import source
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.integration.history import Happened, commit
from tidemark.cohorts import did
from tidemark.v1 import cohort_pb2 as pb
from tidemark.v1 import query_pb2
from tidemark.v1 import question_pb2 as q
from tidemark.v1.cohort_pb2_grpc import CohortServiceStub
from tidemark.v1.query_pb2_grpc import QueryServiceStub

DEMO = "projects/demo"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ANN = pb.CohortPeople(user_ids=["ann", "bob"])
BUYERS = f"{DEMO}/cohorts/buyers"


class Cohorts:
    """CohortService with one key."""

    def __init__(self, served: Served, key: str = "admin") -> None:
        self._stub, self._key = CohortServiceStub(served.channel), served.key(key)

    def __getattr__(self, name: str):
        request = getattr(pb, f"{name}Request")
        return lambda **fields: getattr(self._stub, name)(request(**fields), metadata=self._key)


def bought(at_least: int = 0, name: str = "bought") -> pb.CohortRule:
    rule = pb.CohortRule(conditions=[pb.CohortCondition(did=q.Step(name=name), at_least=at_least)])
    rule.conditions[0].time_range.start.FromDatetime(NOON)
    rule.conditions[0].time_range.end.FromDatetime(NOON + DAY)
    return rule


async def made(served: Served, cohort_id: str = "buyers", **fields) -> pb.Cohort:
    return (
        await Cohorts(served).CreateCohort(parent=DEMO, cohort_id=cohort_id, cohort=pb.Cohort(**fields))
    ).cohort


async def active(served: Served, *cohorts: str, inside: bool = True) -> list[str]:
    """The users of events within cohorts, or outside of them."""
    filters = [q.Filter(cohort=each) for each in cohorts]
    limit = q.Filter(all=q.FilterGroup(filters=filters)) if inside else q.Filter(**{"not": filters[0]})
    asked = q.Query(events=q.EventsQuestion(filter=limit))
    asked.time_range.start.FromDatetime(NOON)
    asked.time_range.end.FromDatetime(NOON + DAY)
    request = query_pb2.RunQueryRequest(query=asked)
    answer = await QueryServiceStub(served.channel).RunQuery(request, metadata=served.key("viewer"))
    return sorted({each.event.user_id for each in answer.events.events})


def events(*users: str | None, name: str = "bought") -> list[Happened]:
    return [Happened(NOON + timedelta(minutes=i), name, user) for i, user in enumerate(users)]


async def test_a_cohort_is_made_read_changed_and_deleted(suite: Suite) -> None:
    async with suite(query) as served:
        cohorts = Cohorts(served)
        first = await made(served, display_name="Buyers", description="Who buys", people=ANN)
        assert (first.name, first.people.count, list(first.people.user_ids)) == (BUYERS, 2, ["ann", "bob"])
        assert (await cohorts.GetCohort(name=BUYERS)).cohort == first
        rule = pb.Cohort(name=BUYERS, rule=bought(), etag=first.etag)
        second = (await cohorts.UpdateCohort(cohort=rule)).cohort
        assert second.rule == bought()
        assert (second.display_name, second.description) == ("Buyers", "Who buys")
        assert second.update_time.ToNanoseconds() > first.update_time.ToNanoseconds()
        assert (await cohorts.GetCohort(name=BUYERS)).cohort == second
        mask = FieldMask(paths=["description"])
        third = (await cohorts.UpdateCohort(cohort=pb.Cohort(name=BUYERS), update_mask=mask)).cohort
        assert (third.display_name, third.description, third.rule) == ("Buyers", "", bought())
        back = (await cohorts.UpdateCohort(cohort=pb.Cohort(name=BUYERS, people=pb.CohortPeople()))).cohort
        assert back.WhichOneof("members") == "people"
        assert back.people.count == 0
        await cohorts.DeleteCohort(name=BUYERS, etag=back.etag)
        assert (await refusal(cohorts.GetCohort(name=BUYERS))).code == "NOT_FOUND"
        assert (await refusal(cohorts.DeleteCohort(name=BUYERS))).code == "NOT_FOUND"


async def test_ids_are_made_from_display_names(suite: Suite) -> None:
    async with suite(query) as served:
        names = [(await made(served, "", display_name="Käufer, März", people=ANN)).name for _ in range(3)]
        assert names == [f"{DEMO}/cohorts/kaufer-marz{number}" for number in ("", "-2", "-3")]
        found = asyncio.gather(*(made(served, "", display_name="Twice", people=ANN) for _ in range(4)))
        assert len({each.name for each in await found}) == 4
        assert (await refusal(made(served, "kaufer-marz", people=ANN))).code == "ALREADY_EXISTS"


async def test_a_repetition_answers_with_the_same_cohort(suite: Suite) -> None:
    async with suite(query) as served:
        fields = {
            "parent": DEMO,
            "cohort": pb.Cohort(display_name="A", people=ANN),
            "request_id": str(uuid.uuid4()),
        }
        create = Cohorts(served).CreateCohort
        first, second = await asyncio.gather(create(**fields), create(**fields))
        assert first == second
        assert len((await Cohorts(served).ListCohorts(parent=DEMO)).cohorts) == 1
        refused = await refusal(create(**fields, cohort_id="other"))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["request_id"])


async def test_of_two_changes_of_the_same_state_one_is_aborted(suite: Suite) -> None:
    async with suite(query) as served:
        etag = (await made(served, people=ANN)).etag
        update = Cohorts(served).UpdateCohort
        calls = [update(cohort=pb.Cohort(name=BUYERS, display_name=each, etag=etag)) for each in "AB"]
        assert sorted([(await call.code()).name for call in calls]) == ["ABORTED", "OK"]
        refused = await refusal(Cohorts(served).DeleteCohort(name=BUYERS, etag=etag))
        assert (refused.code, refused.reason) == ("ABORTED", "ETAG_MISMATCH")


async def test_cohorts_are_listed_page_by_page_without_their_people(suite: Suite) -> None:
    async with suite(query) as served:
        for cohort_id in ("zoo", "art", "sea"):
            await made(served, cohort_id, people=ANN)
        seen, token = [], ""
        while token or not seen:
            page = await Cohorts(served, "viewer").ListCohorts(parent=DEMO, page_size=2, page_token=token)
            seen += [
                (each.name.split("/")[-1], each.people.count, len(each.people.user_ids))
                for each in page.cohorts
            ]
            token = page.next_page_token
        assert seen == [("art", 2, 0), ("sea", 2, 0), ("zoo", 2, 0)]


@pytest.mark.parametrize(
    ("rpc", "fields", "violation"),
    [
        ("CreateCohort", {"cohort": pb.Cohort(people=ANN)}, "parent"),
        ("CreateCohort", {"parent": DEMO, "cohort_id": "No", "cohort": pb.Cohort(people=ANN)}, "cohort_id"),
        ("CreateCohort", {"parent": DEMO, "cohort": pb.Cohort()}, "cohort.rule"),
        ("CreateCohort", {"parent": DEMO, "cohort": pb.Cohort(people=ANN), "request_id": "x"}, "request_id"),
        ("GetCohort", {"name": "buyers"}, "name"),
        ("UpdateCohort", {"cohort": pb.Cohort(name=BUYERS)}, "update_mask"),
        ("UpdateCohort", {"cohort": pb.Cohort(name=BUYERS, display_name="A", etag="x")}, "cohort.etag"),
        ("DeleteCohort", {"name": BUYERS, "etag": "x"}, "etag"),
        ("ListCohorts", {"parent": DEMO, "page_size": -1}, "page_size"),
    ],
)
async def test_what_is_wrong_is_refused_with_its_field(
    suite: Suite, rpc: str, fields: dict, violation: str
) -> None:
    async with suite(query) as served:
        refused = await refusal(getattr(Cohorts(served), rpc)(**fields))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", [violation])


async def test_viewers_read_and_do_not_change(suite: Suite) -> None:
    async with suite(query) as served:
        await made(served, people=ANN)
        viewer = Cohorts(served, "viewer")
        assert (await viewer.GetCohort(name=BUYERS)).cohort.people.count == 2
        for call in (
            viewer.CreateCohort(parent=DEMO, cohort=pb.Cohort(people=ANN)),
            viewer.UpdateCohort(cohort=pb.Cohort(name=BUYERS, display_name="A")),
            viewer.DeleteCohort(name=BUYERS),
        ):
            assert (await refusal(call)).code == "PERMISSION_DENIED"


async def test_questions_are_limited_to_the_people_of_a_cohort(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await made(served, people=pb.CohortPeople(user_ids=["ann", "zoe"]))
        await made(served, "twice", rule=bought(at_least=2))
        with psycopg.connect(database) as connection:
            commit(connection, events("ann", "ann", "bob", "bob", "cat", None))
        twice = f"{DEMO}/cohorts/twice"
        assert await active(served, BUYERS) == ["ann"]
        assert await active(served, twice) == ["ann", "bob"]
        assert await active(served, BUYERS, twice) == ["ann"]
        assert await active(served, twice, inside=False) == ["", "cat"]


async def test_a_rule_finds_who_has_come_since(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await made(served, rule=bought(at_least=2))
        with psycopg.connect(database) as connection:
            commit(connection, events("ann", "bob"))
            assert await active(served, BUYERS) == []
            commit(connection, events("ann"))
            assert await active(served, BUYERS) == ["ann"]
        changed = pb.Cohort(name=BUYERS, rule=bought(at_least=1))
        await Cohorts(served).UpdateCohort(cohort=changed)
        assert await active(served, BUYERS) == ["ann", "bob"]
        await Cohorts(served).UpdateCohort(
            cohort=pb.Cohort(name=BUYERS, people=pb.CohortPeople(user_ids=["bob"]))
        )
        assert await active(served, BUYERS) == ["bob"]


async def test_the_people_of_a_cohort_are_told(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        await made(served, people=pb.CohortPeople(user_ids=["ann", "zoe"]))
        with psycopg.connect(database) as connection:
            commit(connection, events("ann", "bob", "ann"))
        asked = q.Query(people=q.PeopleQuestion(cohort=BUYERS))
        asked.time_range.start.FromDatetime(NOON)
        request = query_pb2.RunQueryRequest(query=asked)
        answer = await QueryServiceStub(served.channel).RunQuery(request, metadata=served.key("viewer"))
        assert [(each.user_id, each.events) for each in answer.people.people] == [("ann", 2), ("zoe", 0)]


async def test_a_deleted_cohort_is_named(suite: Suite) -> None:
    async with suite(query) as served:
        await made(served, people=ANN)
        await Cohorts(served).DeleteCohort(name=BUYERS)
        refused = await refusal(active(served, BUYERS))
        assert (refused.code, refused.reason) == ("NOT_FOUND", "COHORT_NOT_FOUND")
        assert BUYERS in refused.message


async def test_cohorts_of_other_projects_are_not_there(suite: Suite, database: str) -> None:
    async with suite(query, admin) as served:
        with psycopg.connect(database) as connection:
            connection.execute("INSERT INTO projects (slug) VALUES ('other')")
            connection.execute(
                "INSERT INTO cohorts (project_id, cohort_id, display_name, description)"
                " SELECT project_id, 'secret', '', '' FROM projects WHERE slug = 'other'"
            )
        other = "projects/other/cohorts/secret"
        assert (await refusal(active(served, other))).code == "NOT_FOUND"
        for rpc in ("GetCohort", "DeleteCohort"):
            assert (await refusal(getattr(Cohorts(served), rpc)(name=other))).code == "PERMISSION_DENIED"


async def test_a_cohort_of_too_many_people_is_refused(
    suite: Suite, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_PEOPLE", 1)
    async with suite(query) as served:
        await made(served, people=ANN)
        refused = await refusal(active(served, BUYERS))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["query"])


async def test_there_are_only_so_many_cohorts(suite: Suite, database: str) -> None:
    async with suite(query) as served:
        with psycopg.connect(database) as connection:
            connection.execute(
                "INSERT INTO cohorts (project_id, cohort_id, display_name, description)"
                " SELECT 1, 'many-' || n, '', '' FROM generate_series(1, 1000) AS n"
            )
        assert (await refusal(made(served, people=ANN))).code == "RESOURCE_EXHAUSTED"


async def test_tiles_that_ask_at_once_look_for_the_people_once(
    suite: Suite, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans = 0
    scan = source.rule.scan

    def counted(rule: source.Rule):
        nonlocal scans
        scans += 1
        return scan(rule)

    monkeypatch.setattr(source.rule, "scan", counted)
    async with suite(query) as served:
        await made(served, rule=bought())
        with psycopg.connect(database) as connection:
            commit(connection, events("ann"))
        for found in await asyncio.gather(*(active(served, BUYERS) for _ in range(6))):
            assert found == ["ann"]
    assert scans == 1


async def test_the_client_manages_cohorts(suite: Suite) -> None:
    async with suite(query, admin) as served:
        address = f"127.0.0.1:{served.port}"
        async with tidemark.Client(address, address, key=served.secrets["admin"]) as client:
            listed = await client.cohorts.create("Beta testers", people=["ann", "bob"])
            assert (listed.name, listed.people) == (f"{DEMO}/cohorts/beta-testers", ("ann", "bob"))
            found = await client.cohorts.create(
                rule=[did("bought where properties.amount > 9", last="30d")], cohort_id="big"
            )
            assert found.rule is not None
            assert found.rule.conditions[0].did.name == "bought"
            assert [each.name.split("/")[-1] async for each in client.cohorts.all()] == [
                "beta-testers",
                "big",
            ]
            changed = await client.cohorts.update(
                "big", people=["cat"], description="Now few", etag=found.etag
            )
            assert await client.cohorts.get(changed.name) == changed
            assert (changed.count, changed.rule) == (1, None)
            await client.cohorts.delete("big")
            with pytest.raises(
                tidemark.NotFound if hasattr(tidemark, "NotFound") else Exception, match="big"
            ):
                await client.cohorts.get("big")
