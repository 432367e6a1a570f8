"""Which file a path gets, and how long a browser may keep it."""

import gzip

import pytest

from services.gateway.page import INDEX, NOT_BUILT, file, found

PAGE = {
    path: file(path, body)
    for path, body in {
        INDEX: b"<!doctype html>" + b" " * 1000,
        "/assets/main-1a2b.js": b"console.log(1);" * 100,
        "/assets/mark-3c4d.png": b"\x89PNG",
        "/robots.txt": b"User-agent: *",
    }.items()
}


def test_a_hashed_file_is_kept_for_ever_and_the_page_never() -> None:
    assert PAGE["/assets/main-1a2b.js"].caching == "public, max-age=31536000, immutable"
    assert PAGE["/robots.txt"].caching == "no-cache"
    assert PAGE[INDEX].caching == "no-store"


def test_texts_are_zipped_where_that_saves_something() -> None:
    script = PAGE["/assets/main-1a2b.js"]
    assert gzip.decompress(script.zipped) == script.body
    assert PAGE["/assets/mark-3c4d.png"].zipped == b""
    assert PAGE["/robots.txt"].zipped == b""


def test_a_file_names_its_type_and_its_content() -> None:
    assert PAGE["/assets/main-1a2b.js"].media_type == "text/javascript; charset=utf-8"
    assert PAGE["/assets/mark-3c4d.png"].media_type == "image/png"
    assert file("/a.txt", b"1").etag == file("/b.txt", b"1").etag != file("/a.txt", b"2").etag


@pytest.mark.parametrize(
    "path", ["/", "/dashboards/d1", "/people/ann@example.com", "/index.html", "/%2e%2e/x"]
)
def test_every_place_within_the_page_is_the_page(path: str) -> None:
    assert found(PAGE, path, for_people=True) == PAGE[INDEX]


@pytest.mark.parametrize("path", ["/assets/gone-5e6f.js", "/assets/", "/assets/../../etc/passwd"])
def test_an_asset_that_is_not_there_is_not_the_page(path: str) -> None:
    assert found(PAGE, path, for_people=True) is None


def test_programs_get_files_and_no_page_in_their_place() -> None:
    assert found(PAGE, "/robots.txt", for_people=False) == PAGE["/robots.txt"]
    assert found(PAGE, "/nothing", for_people=False) is None
    assert found(PAGE, "/", for_people=False) == PAGE[INDEX]


def test_where_there_is_no_page_its_place_says_how_to_get_one() -> None:
    assert found({}, "/dashboards", for_people=True) is NOT_BUILT
    assert b"make web" in NOT_BUILT.body
    assert NOT_BUILT.caching == "no-store"
