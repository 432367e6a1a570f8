"""Signing in and out, and the page, over HTTP on real servers."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from deploy.local.ports import free_port
from services.admin.service import bootstrap
from services.admin.store import insert_key
from services.gateway.answer import HEADERS
from services.gateway.service import gateway
from services.kit.errors import BadSetting
from services.kit.http import answering
from services.kit.identity import Secret, new_secret
from services.kit.server import opened, serve
from services.kit.service import Resources
from services.kit.settings import Settings
from tests.polling import until
from tidemark.v1.admin_pb2 import ROLE_VIEWER

OURS = {"x-requested-with": "tidemark"}
EDGE = {"x-tidemark-edge": "known to both", "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}


@dataclass(frozen=True)
class Browser:
    """A gateway of this process, and a client that keeps its cookies."""

    resources: Resources
    http: httpx.AsyncClient
    secrets: dict[str, str]

    async def sign_in(self, key: str = "viewer", headers: dict[str, str] | None = None) -> httpx.Response:
        """Signs in with one of the first keys, or with a secret."""
        return await self.http.post("/session", json={"key": self.secrets.get(key, key)}, headers=headers)

    async def session(self) -> httpx.Response:
        """Who is signed in."""
        return await self.http.get("/session", headers=OURS)

    async def add_key(self, **fields: Any) -> Secret:
        """One more viewer's key of the project demo."""
        secret = new_secret()
        columns = {
            "display_name": "",
            "role": ROLE_VIEWER,
            "events_per_minute": 0,
            "requests_per_minute": 0,
            "expires_at": None,
        }
        async with self.resources.pool.connection() as connection:
            row = await (await connection.execute("SELECT project_id FROM projects")).fetchone()
            assert row
            await insert_key(connection, row[0], secret, columns | fields)
        return secret

    async def execute(self, statement: str, *arguments: object) -> list[Any]:
        """Rows, where there are any."""
        async with self.resources.pool.connection() as connection:
            cursor = await connection.execute(statement, arguments)
            return await cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def browsing(settings: Settings, **changes: Any) -> AsyncIterator[Browser]:
    """A gateway that serves, and a browser in front of it."""
    ours = replace(settings, edge_secret=EDGE["x-tidemark-edge"], **changes)
    made = await bootstrap(ours)
    names = {"operator": "ADMIN", "admin": "PROJECT_ADMIN", "ingest": "INGEST", "viewer": "VIEWER"}
    async with opened(ours) as resources:
        service = await gateway(resources)
        assert service.app is not None
        async with (
            answering(service.app, ours, 0) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        ):
            yield Browser(resources, http, {name: made[f"TIDEMARK_{key}_KEY"] for name, key in names.items()})


@pytest.fixture(autouse=True)
def minute(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock by which attempts are counted, standing at a quarter past a minute."""
    clock = SimpleNamespace(now=1_767_225_615.0)
    monkeypatch.setattr("services.gateway.store.time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and sessions are looked up each time."""
    monkeypatch.setattr("services.kit.identity.FRESH_SECONDS", 0.0)


def reason(answer: httpx.Response) -> tuple[int, str]:
    """The status of an error and its reason."""
    return answer.status_code, answer.json()["details"][0]["reason"]


# --- signing in -------------------------------------------------------------------------------------------------------


async def test_a_key_is_exchanged_for_a_cookie_that_no_script_can_read(settings):
    async with browsing(settings, session_seconds=600) as browser:
        answer = await browser.sign_in()
        assert answer.status_code == 200
        token, _, flags = answer.headers["set-cookie"].partition("; ")
        assert len(token.removeprefix("tidemark_session=")) == 43
        assert flags == "Max-Age=600; Path=/; HttpOnly; SameSite=Strict"
        assert browser.secrets["viewer"] not in answer.text


async def test_the_session_says_who_that_is(settings):
    async with browsing(settings) as browser:
        told = (await browser.sign_in("admin")).json()
        key_id = browser.secrets["admin"].split("_")[1]
        ends_in = datetime.fromisoformat(told.pop("expires_at")) - datetime.now(UTC)
        assert timedelta(hours=11) < ends_in <= timedelta(hours=12)
        key = f"projects/demo/keys/{key_id}"
        assert told == {"project": "projects/demo", "role": "admin", "key": key, "display_name": "admin"}
        assert (await browser.session()).json() | {"expires_at": ""} == told | {"expires_at": ""}


async def test_a_key_of_the_whole_installation_has_no_single_project(settings):
    async with browsing(settings) as browser:
        assert (await browser.sign_in("operator")).json()["project"] == "projects/-"


async def test_over_tls_the_cookie_goes_over_nothing_else(settings):
    async with browsing(settings) as browser:
        by_edge = await browser.sign_in(headers=EDGE)
        assert by_edge.headers["set-cookie"].endswith("; Secure")
        assert by_edge.headers["strict-transport-security"]
        claimed = await browser.sign_in(headers=EDGE | {"x-tidemark-edge": "a guess"})
        assert not claimed.headers["set-cookie"].endswith("; Secure")
        assert "strict-transport-security" not in claimed.headers


async def test_where_something_else_ends_tls_the_setting_says_so(settings):
    async with browsing(settings, edge_url="https://tidemark.example") as browser:
        answer = await browser.sign_in(headers={"origin": "https://tidemark.example"})
        assert answer.headers["set-cookie"].endswith("; Secure")


async def test_a_key_that_may_not_read_is_no_way_in(settings):
    async with browsing(settings) as browser:
        answer = await browser.sign_in("ingest")
        assert reason(answer) == (403, "ROLE_INSUFFICIENT")
        assert "set-cookie" not in answer.headers


async def test_keys_that_are_not_good_are_refused(settings):
    async with browsing(settings) as browser:
        expired = await browser.add_key(expires_at=datetime(2026, 1, 2, tzinfo=UTC))
        revoked = await browser.add_key()
        await browser.execute("UPDATE api_keys SET revoked_at = now() WHERE key_id = %s", revoked.key_id)
        assert reason(await browser.sign_in(expired.text)) == (401, "KEY_EXPIRED")
        assert reason(await browser.sign_in(revoked.text)) == (401, "KEY_REVOKED")
        assert reason(await browser.sign_in(f"tmk_0123456789ab_{'A' * 43}")) == (401, "KEY_INVALID")
        assert reason(await browser.sign_in("")) == (401, "KEY_INVALID")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[1]", "application/json"),
        (b'{"key": 1}', "application/json"),
        (b'{"key": "' + b"x" * 5000 + b'"}', "application/json"),
        (b'{"key": "k"}', "text/plain"),
        (b"key=k", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_malformed_request_is_told_what_is_wrong(settings, body, media_type):
    async with browsing(settings) as browser:
        answer = await browser.http.post("/session", content=body, headers={"content-type": media_type})
        assert reason(answer) == (400, "INVALID_FIELD")


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "same-site"}]
)
async def test_pages_of_other_origins_sign_nobody_in_or_out(settings, headers):
    async with browsing(settings) as browser:
        assert reason(await browser.sign_in(headers=headers)) == (403, "OTHER_ORIGIN")
        await browser.sign_in()
        refused = await browser.http.delete("/session", headers=OURS | headers)
        assert reason(refused) == (403, "OTHER_ORIGIN")
        assert (await browser.session()).status_code == 200


async def test_the_page_itself_may(settings):
    async with browsing(settings) as browser:
        own = str(browser.http.base_url).rstrip("/")
        headers = {"origin": own, "sec-fetch-site": "same-origin"}
        assert (await browser.sign_in(headers=headers)).status_code == 200


async def test_failed_attempts_are_counted_for_each_address(settings, minute):
    async with browsing(settings, sign_in_attempts=2) as browser:
        for _ in range(4):
            assert (await browser.sign_in()).status_code == 200
        for _ in range(2):
            assert (await browser.sign_in("wrong")).status_code == 401
        limited = await browser.sign_in()
        assert reason(limited) == (429, "TOO_MANY_ATTEMPTS")
        assert limited.headers["retry-after"] == "46"
        assert (await browser.sign_in(headers=EDGE)).status_code == 200
        minute.now += 45
        assert (await browser.sign_in()).status_code == 200


async def test_one_customer_of_a_provider_counts_as_one_address(settings):
    async with browsing(settings, sign_in_attempts=1) as browser:
        for address, status in (("2001:db8::1", 401), ("2001:db8::2", 429), ("2001:db8:0:1::1", 401)):
            answer = await browser.sign_in("wrong", EDGE | {"x-forwarded-for": address})
            assert answer.status_code == status, address


# --- the session ------------------------------------------------------------------------------------------------------


async def test_redis_holds_no_token(settings):
    async with browsing(settings) as browser:
        token = (await browser.sign_in()).cookies["tidemark_session"]
        redis = browser.resources.redis
        names = await redis.keys("tm:session:*")
        assert len(names) == 1
        assert token.encode() not in names[0] + await redis.get(names[0])


async def test_without_the_pages_header_the_cookie_counts_for_nothing(settings):
    async with browsing(settings) as browser:
        await browser.sign_in()
        assert reason(await browser.http.get("/session")) == (401, "HEADER_MISSING")


async def test_nobody_is_signed_in_without_a_cookie(settings):
    async with browsing(settings) as browser:
        assert reason(await browser.session()) == (401, "SESSION_MISSING")
        browser.http.cookies.set("tidemark_session", "A" * 43)
        assert reason(await browser.session()) == (401, "SESSION_ENDED")


async def test_signing_out_ends_the_session_everywhere(settings, watchful):
    async with browsing(settings) as browser:
        token = (await browser.sign_in()).cookies["tidemark_session"]
        answer = await browser.http.delete("/session", headers=OURS)
        assert answer.status_code == 204
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert await browser.resources.redis.keys("tm:session:*") == []
        browser.http.cookies.set("tidemark_session", token)
        assert reason(await browser.session()) == (401, "SESSION_ENDED")
        assert (await browser.http.delete("/session", headers=OURS)).status_code == 204


async def test_a_session_is_kept_for_its_idle_time_from_each_use(settings, watchful):
    async with browsing(settings, session_idle_seconds=100) as browser:
        await browser.sign_in()
        redis = browser.resources.redis
        (name,) = await redis.keys("tm:session:*")
        assert 90 < await redis.ttl(name) <= 100
        await redis.expire(name, 10)
        await browser.session()
        assert 90 < await redis.ttl(name) <= 100


async def test_a_session_ends_however_much_it_is_used(settings, watchful):
    async with browsing(settings, session_seconds=1) as browser:
        assert (await browser.sign_in()).status_code == 200

        async def over() -> bool:
            return (await browser.session()).status_code == 401

        await until(over)


async def test_a_session_ends_no_later_than_its_key(settings):
    async with browsing(settings) as browser:
        ends = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
        key = await browser.add_key(expires_at=ends)
        told = (await browser.sign_in(key.text)).json()
        assert datetime.fromisoformat(told["expires_at"]) == ends


async def test_a_session_ends_with_the_revocation_of_its_key(settings, watchful):
    async with browsing(settings) as browser:
        key = await browser.add_key()
        await browser.sign_in(key.text)
        await browser.execute("UPDATE api_keys SET revoked_at = now() WHERE key_id = %s", key.key_id)
        assert reason(await browser.session()) == (401, "KEY_REVOKED")


# --- the audit log ----------------------------------------------------------------------------------------------------


async def test_signing_in_and_out_is_on_record(settings):
    async with browsing(settings) as browser:
        await browser.sign_in(headers=EDGE | {"x-request-id": "my-own"})
        await browser.sign_in("ingest")
        await browser.sign_in("wrong")
        await browser.sign_in()
        await browser.http.delete("/session", headers=OURS)
        rows = await browser.execute(
            "SELECT action, outcome, peer, resource, request_id FROM audit_log WHERE project_id > 0 ORDER BY sequence"
        )
        assert rows[0] == ("sign-in", "OK", "203.0.113.9", "projects/demo", "my-own")
        assert [row[:3] for row in rows[1:]] == [
            ("sign-in", "PERMISSION_DENIED", "127.0.0.1"),
            ("sign-in", "OK", "127.0.0.1"),
            ("sign-out", "OK", "127.0.0.1"),
        ]
        key_id = browser.secrets["viewer"].split("_")[1]
        (actor,) = await browser.execute("SELECT DISTINCT actor FROM audit_log WHERE action = 'sign-out'")
        assert actor == (f"projects/demo/keys/{key_id}",)


async def test_what_cannot_be_recorded_does_not_happen(settings):
    async with browsing(settings) as browser:
        await browser.execute("ALTER TABLE audit_heads RENAME TO gone")
        answer = await browser.sign_in()
        assert reason(answer) == (503, "AUDIT_UNAVAILABLE")
        assert "set-cookie" not in answer.headers
        assert await browser.resources.redis.keys("tm:session:*") == []


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A page as a build leaves it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>first</title>")
    (tmp_path / "assets/main-1a2b.js").write_text("console.log(1);" * 100)
    return tmp_path


HTML = {"accept": "text/html,application/xhtml+xml"}


async def test_the_page_and_what_it_names_are_served(settings, web):
    async with browsing(settings, web_folder=str(web)) as browser:
        for path in ("/", "/dashboards/d1"):
            page = await browser.http.get(path, headers=HTML)
            assert page.text == "<!doctype html><title>first</title>"
            assert page.headers["cache-control"] == "no-store"
        script = await browser.http.get("/assets/main-1a2b.js")
        assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_what_a_browser_has_is_not_sent_again(settings, web):
    async with browsing(settings, web_folder=str(web)) as browser:
        script = await browser.http.get("/assets/main-1a2b.js")
        again = await browser.http.get(
            "/assets/main-1a2b.js", headers={"if-none-match": script.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")


async def test_scripts_travel_zipped(settings, web):
    async with browsing(settings, web_folder=str(web)) as browser:
        async with browser.http.stream(
            "GET", "/assets/main-1a2b.js", headers={"accept-encoding": "gzip"}
        ) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(raw) == (web / "assets/main-1a2b.js").read_bytes()
        plain = await browser.http.get("/assets/main-1a2b.js", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../secret",
        "/assets/%2e%2e/%2e%2e/secret",
        "/..%2fsecret",
        "/%2e%2e/secret",
        "//etc/passwd",
        "/secret%00",
    ],
)
async def test_nothing_beside_the_page_is_reached(settings, web, path):
    (web.parent / "secret").write_text("do not tell")
    async with browsing(settings, web_folder=str(web)) as browser:
        # By hand, for clients tidy paths up.
        reader, writer = await asyncio.open_connection("127.0.0.1", browser.http.base_url.port)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"do not tell" not in answer


async def test_a_page_that_is_not_built_says_how_and_is_seen_when_it_is(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("services.gateway.source.FRESH_SECONDS", -1.0)
    async with browsing(settings, web_folder=str(tmp_path / "dist")) as browser:
        assert "make web" in (await browser.http.get("/", headers=HTML)).text
        (tmp_path / "dist").mkdir()
        (tmp_path / "dist/index.html").write_text("built")
        assert (await browser.http.get("/", headers=HTML)).text == "built"


async def test_other_methods_are_told_which_there_are(settings):
    async with browsing(settings) as browser:
        page, session = await browser.http.post("/"), await browser.http.put("/session")
        assert (page.status_code, page.headers["allow"]) == (405, "GET, HEAD")
        assert (session.status_code, session.headers["allow"]) == (405, "GET, POST, DELETE")


async def test_every_kind_of_answer_carries_the_policy(settings, web):
    async with browsing(settings, web_folder=str(web)) as browser:
        answers = [
            await browser.http.get("/", headers=HTML),
            await browser.http.head("/"),
            await browser.http.get("/assets/main-1a2b.js"),
            await browser.http.get("/assets/gone.js"),
            await browser.http.post("/"),
            await browser.http.get("/healthz"),
            await browser.session(),
            await browser.sign_in("wrong"),
            await browser.sign_in(),
            await browser.session(),
            await browser.http.delete("/session", headers=OURS),
        ]
        for answer in answers:
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS, answer
            assert answer.headers["cache-control"], answer
            assert "server" not in answer.headers


# --- the process ------------------------------------------------------------------------------------------------------


async def test_health_turns_when_the_process_drains(settings):
    async with browsing(settings) as browser:
        assert (await browser.http.get("/healthz")).status_code == 200
        browser.resources.draining.set()
        assert (await browser.http.get("/healthz")).status_code == 503


async def test_the_target_serves_until_it_drains(settings):
    ours, held = replace(settings, gateway_port=free_port()), []

    async def holding(resources: Resources):
        held.append(resources)
        return await gateway(resources)

    serving = asyncio.create_task(serve("gateway", [holding], ours))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ours.gateway_port}") as http:

        async def answers() -> bool:
            try:
                return (await http.get("/healthz")).status_code == 200
            except httpx.ConnectError:
                return False

        await until(answers)
    held[0].draining.set()
    await asyncio.wait_for(serving, 10)


async def test_a_taken_port_is_named(settings):
    async with browsing(settings) as browser:
        port = browser.http.base_url.port
        with pytest.raises(BadSetting, match=f"cannot listen on 127.0.0.1:{port}"):
            async with answering(None, settings, port):  # type: ignore[arg-type]
                pass
