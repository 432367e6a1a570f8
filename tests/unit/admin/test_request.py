"""What a request of AdminService says."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.admin import request as read
from services.kit.errors import Invalid
from tidemark.v1 import admin_pb2

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def project(**fields: str) -> admin_pb2.Project:
    return admin_pb2.Project(name="projects/demo", **fields)


def update(*paths: str, **fields: str) -> dict[str, str]:
    mask = FieldMask(paths=paths) if paths else None
    return read.changes(admin_pb2.UpdateProjectRequest(project=project(**fields), update_mask=mask))


@pytest.mark.parametrize("slug", ["abc", "a-1", "a" * 40, "a--"])
def test_a_well_formed_project_id_is_taken(slug):
    assert read.project_id(slug) == slug


@pytest.mark.parametrize(
    "slug", ["", "ab", "a" * 41, "1ab", "-ab", "Abc", "a_c", "a c", "abc\n", "äbc", "-", "a/b"]
)
def test_any_other_project_id_is_refused(slug):
    with pytest.raises(Invalid) as refused:
        read.project_id(slug)
    assert refused.value.field == "project_id"


def test_a_key_is_named_below_its_project():
    assert read.key_name("projects/demo/keys/0a1b") == ("projects/demo", "0a1b")
    assert read.key_name("projects/-/keys/0a1b") == ("projects/-", "0a1b")


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader_of_names(text):
    with suppress(Invalid):
        read.key_name(text)


def test_without_a_mask_the_fields_that_are_set_change():
    assert update(display_name="Shop") == {"display_name": "Shop"}
    assert update(display_name="Shop", time_zone="Asia/Tokyo") == {
        "display_name": "Shop",
        "time_zone": "Asia/Tokyo",
    }


def test_a_mask_changes_what_it_names_and_nothing_else():
    assert update("time_zone", display_name="Shop", time_zone="Asia/Tokyo") == {"time_zone": "Asia/Tokyo"}


def test_a_mask_can_clear_a_field():
    assert update("display_name") == {"display_name": ""}
    assert update("time_zone") == {"time_zone": "UTC"}


def test_a_star_replaces_every_field():
    assert update("*", display_name="Shop") == {"display_name": "Shop", "time_zone": "UTC"}


@pytest.mark.parametrize("path", ["name", "etag", "create_time", "display_name.x", ""])
def test_a_mask_that_names_what_cannot_change_is_refused(path):
    with pytest.raises(Invalid) as refused:
        update(path, display_name="Shop")
    assert refused.value.field == "update_mask"


def test_an_update_of_nothing_is_refused():
    with pytest.raises(Invalid, match="update_mask"):
        update()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "/etc/localtime", "UTC+1", "a\0b"])
def test_an_unknown_time_zone_is_refused(zone):
    with pytest.raises(Invalid) as refused:
        read.new_project(project(time_zone=zone))
    assert refused.value.field == "project.time_zone"


@pytest.mark.parametrize("name", ["x" * 101, "a\nb", "a\0b"])
def test_a_bad_display_name_is_refused(name):
    with pytest.raises(Invalid) as refused:
        read.new_project(project(display_name=name))
    assert refused.value.field == "project.display_name"


def test_a_reader_is_named_below_its_project():
    assert read.reader_name("projects/demo/readers/grafana") == ("projects/demo", "grafana")
    for name in (
        "projects/-/readers/grafana",
        "projects/demo/readers/",
        "projects/demo/readers/A",
        "grafana",
    ):
        with pytest.raises(Invalid, match="name"):
            read.reader_name(name)


@pytest.mark.parametrize(("asked", "given"), [(0, 5), (1, 1), (50, 50)])
def test_a_reader_has_some_connections(asked, given):
    assert read.connections(admin_pb2.Reader(connections=asked)) == given


@pytest.mark.parametrize("asked", [-1, 51])
def test_a_reader_with_too_many_connections_is_refused(asked):
    with pytest.raises(Invalid, match=r"reader\.connections"):
        read.connections(admin_pb2.Reader(connections=asked))


@pytest.mark.parametrize(
    ("key", "field"),
    [
        (admin_pb2.Key(), "key.role"),
        (admin_pb2.Key(role=9), "key.role"),
        (admin_pb2.Key(role=1, events_per_minute=-1), "key.events_per_minute"),
        (admin_pb2.Key(role=1, requests_per_minute=-1), "key.requests_per_minute"),
        (admin_pb2.Key(role=1, display_name="x" * 101), "key.display_name"),
        (admin_pb2.Key(role=1, expire_time=Timestamp(seconds=1)), "key.expire_time"),
        (admin_pb2.Key(role=1, expire_time=Timestamp(seconds=2**60)), "key.expire_time"),
    ],
)
def test_a_bad_key_is_refused_with_its_field(key, field):
    with pytest.raises(Invalid) as refused:
        read.new_key(key, NOW)
    assert refused.value.field == field


def test_a_key_may_expire():
    expire_time = Timestamp()
    expire_time.FromDatetime(NOW + timedelta(hours=1))
    assert read.new_key(admin_pb2.Key(role=1, expire_time=expire_time), NOW)["expires_at"] == NOW + timedelta(
        hours=1
    )
