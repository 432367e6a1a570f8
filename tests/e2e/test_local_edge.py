"""`make up` with the real services: the edge opens, comes back when it dies, and does not wait for a page that cannot be built."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.first_run import KEYS, pairs
from deploy.local.ports import is_free
from deploy.local.process import alive, send, wait_until
from deploy.local.suite import quiet_port
from services.__main__ import TARGETS
from tests.integration.test_local_stack import ROOT, Checkout


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    """A copy of the project, with a page that cannot be built."""
    with tempfile.TemporaryDirectory(prefix="tidemark-") as name:
        Path(name).chmod(0o755)
        checkout = Checkout(Path(name) / "checkout")
        unwanted = shutil.ignore_patterns("__pycache__")
        for part in ("services", "tidemark", "migrations"):
            shutil.copytree(ROOT / part, checkout.root / part, ignore=unwanted, dirs_exist_ok=True)
        (checkout.root / "web").mkdir()
        (checkout.root / "web/package.json").write_text(
            '{"scripts": {"build": "echo no such wombat; exit 1"}}'
        )
        names = ("INGEST", "OTLP", "GATEWAY")
        checkout.settings |= {f"TIDEMARK_{name}_PORT": str(quiet_port()) for name in names}
        while not all(map(is_free, range(first := quiet_port(), first + len(TARGETS)))):
            pass
        checkout.settings["TIDEMARK_METRICS_PORT"] = str(first)
        yield checkout
        checkout.local("down")


def test_the_stack_opens_onto_the_edge_also_without_a_page(checkout: Checkout) -> None:
    up = checkout.local("up")
    assert up.returncode == 0, up.stdout
    assert "no such wombat" in up.stdout
    assert "going on without building the page" in up.stdout
    address = f"http://127.0.0.1:{checkout.settings['TIDEMARK_EDGE_PORT']}"
    assert f"the dashboard is at {address}/; sign in with one of the keys in" in up.stdout
    keys = pairs((checkout.root / ".tidemark" / KEYS).read_text().splitlines())
    client = pairs((checkout.root / ".tidemark/client.env").read_text().splitlines())
    assert client["TIDEMARK_EDGE_ADDRESS"] == address
    with httpx.Client(base_url=address) as browser:
        assert "make web" in browser.get("/").text
        signed_in = browser.post("/session", json={"key": keys["TIDEMARK_VIEWER_KEY"]})
        assert signed_in.json()["project"] == "projects/demo"
        found = browser.get("/v1/projects/demo", headers={"x-requested-with": "tidemark"})
        assert found.status_code == 200
        before = checkout.stack().processes["edge"]
        send(before, signal.SIGKILL)
        assert wait_until(lambda: not alive(before), 10)

        def back() -> bool:
            try:
                return browser.get("/healthz").status_code == 200
            except httpx.HTTPError:
                return False

        assert wait_until(back, 30), checkout.local("status").stdout
    private = (checkout.root / ".tidemark/stack.json").stat().st_mode
    assert private & 0o077 == 0
