"""Editions through the edge: a browser saves a file byte for byte, by its session or by a link, and no secret is written anywhere."""

import asyncio
import hashlib
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.deployment import Tenant
from tests.e2e.test_edge import OURS, signed_in

MANY = "{% set many = 'abcdefghij' | list %}{% for a in many %}{% for b in many %}"
LONG = {"text": {"text": MANY + "word " * 1200 + "{% endfor %}{% endfor %}"}}
REPORT = {"displayName": "Über <b>alles</b>", "sections": [{"id": "a", **LONG}, {"id": "b", **LONG}]}


@pytest.fixture
def web(tenant: Tenant) -> Iterator[httpx.Client]:
    """A browser that has signed in."""
    with httpx.Client(base_url=tenant.suite.edge, timeout=30) as client:
        signed_in(client, tenant.key)
        yield client


def edition(tenant: Tenant, web: httpx.Client) -> str:
    """The name of an edition made over REST, as a page and as JSON of several pieces."""
    report = f"/v1/{tenant.project}/reports/long"
    made = web.post(
        f"/v1/{tenant.project}/reports", json={"reportId": "long", "report": REPORT}, headers=OURS
    )
    assert made.status_code == 200, made.text
    formats = ["REPORT_FORMAT_JSON", "REPORT_FORMAT_HTML"]
    begun = web.post(f"{report}:run", json={"formats": formats}, headers=OURS)
    assert begun.status_code == 200, begun.text
    run = f"/v1/{begun.json()['operation']['metadata']['target']}"
    deadline = time.monotonic() + 60
    while not (found := web.get(run, headers=OURS).json()["run"]).get("endTime"):
        assert time.monotonic() < deadline, found
    assert found["state"] == "STATE_DONE", found
    name: str = found["editions"][0]
    return name


def test_a_file_is_saved_as_it_is_by_a_session_and_by_a_link(tenant: Tenant, web: httpx.Client) -> None:
    name = edition(tenant, web)
    found = web.get(f"/v1/{name}", headers=OURS).json()["edition"]
    files = {each["format"]: each for each in found["manifest"]["files"]}
    about = files["REPORT_FORMAT_JSON"]
    assert int(about["sizeBytes"]) > 1 << 20

    for form, content_type in (
        ("REPORT_FORMAT_JSON", "application/json"),
        ("REPORT_FORMAT_HTML", "text/html; charset=utf-8"),
    ):
        saved = web.get(f"/v1/{name}:download", params={"format": form}, headers=OURS)
        assert saved.status_code == 200, saved.text
        assert hashlib.sha256(saved.content).hexdigest() == files[form]["sha256"]
        told = saved.headers
        assert told["content-type"] == content_type
        assert told["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert (told["x-content-type-options"], told["cache-control"]) == ("nosniff", "private, no-store")
        assert told["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert told["referrer-policy"] == "no-referrer"

    link = web.post(f"/v1/{name}:link", json={"format": "REPORT_FORMAT_HTML"}, headers=OURS).json()
    with httpx.Client(base_url=tenant.suite.edge, timeout=30) as stranger:
        opened = stranger.get(link["path"])
        assert hashlib.sha256(opened.content).hexdigest() == files["REPORT_FORMAT_HTML"]["sha256"]
        assert opened.headers["content-disposition"].startswith("inline;")
        assert opened.headers["content-security-policy"].startswith("sandbox;")
        refused = stranger.get(f"/v1/{name}:download", params={"format": "REPORT_FORMAT_HTML"})
        assert refused.status_code == 401
        assert web.post(f"/v1/{name}:revokeLinks", json={}, headers=OURS).json()["revokedCount"] == 1
        gone = stranger.get(link["path"])
        assert (gone.status_code, gone.json()["code"]) == (404, 5)
        assert stranger.get("/v1/links/%00").status_code in (400, 404)

    token = link["path"].rpartition("/")[2]
    for member in tenant.suite.members.values():
        assert token not in member.log.read_text(errors="replace"), member.name

    async def audited() -> list[str]:
        async with tenant.client() as client:
            return [
                f"{each.action} {each.actor} {each.resource} {each.outcome}"
                async for each in client.admin.audit(tenant.project)
            ]

    entries = asyncio.run(audited())
    assert f"tidemark.v1.EditionService.OpenEditionLink projects/-/keys/nobody {name} OK" in entries
    assert not [each for each in entries if token in each]


def test_a_form_that_an_edition_has_not_is_told_before_anything_is_sent(
    tenant: Tenant, web: httpx.Client
) -> None:
    name = edition(tenant, web)
    missing = web.get(f"/v1/{name}:download", params={"format": "REPORT_FORMAT_PDF"}, headers=OURS)
    assert (missing.status_code, missing.json()["code"]) == (404, 5)
    assert "has no file of the form pdf" in missing.json()["message"]
    unknown = web.get(f"/v1/{name}:download", headers=OURS)
    assert (unknown.status_code, unknown.json()["code"]) == (400, 3)


def test_a_file_larger_than_any_answer_comes_whole(tenant: Tenant, web: httpx.Client) -> None:
    name, pieces = edition(tenant, web), 80
    # As one of a million rows is kept.
    url = tenant.suite.environment["TIDEMARK_DATABASE_URL"]
    with psycopg.connect(url, options="-c search_path=tidemark") as connection:
        about = connection.execute(
            "SELECT edition_number FROM editions WHERE edition_id = %s", (name.rpartition("/")[2],)
        ).fetchone()
        assert about is not None
        connection.execute("DELETE FROM edition_chunks WHERE edition_number = %s AND format = 4", about)
        connection.execute(
            "INSERT INTO edition_chunks SELECT %s, 4, place, convert_to(repeat(chr(97 + place %% 26), 1 << 20), 'UTF8') "
            "FROM generate_series(0, %s) AS place",
            (*about, pieces - 1),
        )
        connection.execute("INSERT INTO edition_chunks VALUES (%s, 4, %s, 'end')", (*about, pieces))
    found, size = hashlib.sha256(), 0
    with web.stream("GET", f"/v1/{name}:download", params={"format": 4}, headers=OURS) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_bytes():
            found.update(piece)
            size += len(piece)
    expected = b"".join(bytes([97 + place % 26]) * (1 << 20) for place in range(pieces)) + b"end"
    assert (size, found.hexdigest()) == (len(expected), hashlib.sha256(expected).hexdigest())
