"""The image is built on a Debian made here, its pods start as the trial overlay has them, and an event goes through all of it.

As root on a Debian only: whatever of buildah, podman, runc and debootstrap is missing is installed. Nothing is left behind but that and
the base, in the cache.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.image import base, build
from deploy.local import page
from deploy.local.accounts import cache_folder, server_account
from deploy.local.first_run import pairs
from deploy.local.packages import provision
from deploy.local.process import wait_until
from deploy.local.servers import Postgres, Redis
from deploy.local.suite import ROOT, quiet_port
from services.__main__ import TARGETS
from tests.image.pods import Trial, rendered, trial
from tidemark import ids

PROGRAMS = ("buildah", "podman", "runc", "debootstrap", "eatmydata", "catatonit")
"""Each in the package of its name."""
BASE, IMAGE = "localhost/tidemark-base:bookworm", "localhost/tidemark:trial"
USER = 10001
LIMIT_SECONDS = 120.0

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a base for an image and run its pods"),
    pytest.mark.skipif(not shutil.which("apt-get"), reason="buildah and podman come from Debian"),
    pytest.mark.skipif(not shutil.which("kubectl"), reason="manifests are put together by kubectl"),
]


@dataclass(frozen=True)
class Podman:
    """buildah and podman with a store of their own."""

    environment: Mapping[str, str]

    def told(self, *command: str) -> str:
        """What a command prints; fails with what it complains of."""
        done = subprocess.run(
            command,
            check=False,
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout

    def run(self, *words: str, program: str) -> str:
        """What a program of the image prints, run as Kubernetes would: nothing to write but /tmp."""
        limits = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges")
        return self.told(
            "podman", "run", "--rm", "--network=host", *limits, f"--entrypoint={program}", IMAGE, *words
        )

    def inspect(self, *names: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.told("podman", "inspect", *names))
        return found


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    """With the image in its store."""
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        for step in (("update",), ("install", "--yes", "--no-install-recommends", *missing)):
            done = subprocess.run(["apt-get", "-qq", *step], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    with tempfile.TemporaryDirectory(prefix="tidemark-image-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/storage"\nrunroot = "{folder}/run"\n'
        )
        (folder / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=1000:1000"]\n[engine]\nruntime = "runc"\n'
            'cgroup_manager = "cgroupfs"\nevents_logger = "file"\ninfra_image = ""\nlock_type = "file"\n'
            f'tmp_dir = "{folder}/tmp"\n'
        )
        files = {"CONTAINERS_STORAGE_CONF": "storage.conf", "CONTAINERS_CONF": "containers.conf"}
        here = Podman({variable: str(folder / file) for variable, file in files.items()})
        try:
            here.told("podman", "import", "--quiet", str(base.archive(cache_folder(server_account()))), BASE)
            page.build(ROOT, print)
            here.told(*build.command("buildah", ROOT, build.wheels(ROOT), IMAGE, BASE))
            yield here
        finally:
            here.told("podman", "pod", "rm", "--all", "--force")
            here.told("podman", "rmi", "--all", "--force")
            subprocess.run(["umount", folder / "storage/overlay"], check=False, capture_output=True)


@dataclass(frozen=True)
class Played:
    """The trial, while it runs."""

    podman: Podman
    trial: Trial
    keys: dict[str, str]

    def port(self, target: str, name: str) -> int:
        return self.trial.ports[target][name]

    def ask(self, rpc: str, request: Mapping[str, Any], key: str) -> dict[str, Any]:
        """What `buf curl` gets from the edge."""
        buf = Path(sys.executable).with_name("buf")
        address = f"http://127.0.0.1:{self.port('edge', 'http')}/tidemark.v1.{rpc}"
        words = ("--schema=.", "--protocol=grpc", "--http2-prior-knowledge", f"--data={json.dumps(request)}")
        told = self.podman.told(str(buf), "curl", *words, f"--header=authorization: Bearer {key}", address)
        answer: dict[str, Any] = json.loads(told)
        return answer


@pytest.fixture(scope="module")
def played(podman: Podman) -> Iterator[Played]:
    """Every pod of the trial overlay beside a PostgreSQL and a Redis of this machine; all of them serve."""
    programs = provision(cache_folder(server_account()), print)
    with tempfile.TemporaryDirectory(prefix="tidemark-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with (
            Postgres(programs, folder / "postgres", quiet_port()) as postgres,
            Redis(programs, folder / "redis", quiet_port()) as redis,
        ):
            stores = {"TIDEMARK_DATABASE_URL": postgres.url, "TIDEMARK_REDIS_URL": redis.url}
            own = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "TIDEMARK_EDGE_SECRET", "TIDEMARK_WEBHOOK_KEY")
            found = trial(
                rendered(ROOT, folder, stores | dict.fromkeys(own, "of-this-test-alone")), quiet_port
            )
            (folder / "trial.yaml").write_text(yaml.safe_dump_all(found.manifests))
            podman.told("podman", "kube", "play", str(folder / "trial.yaml"))
            for ports in found.ports.values():
                if "health" in ports:
                    assert wait_until(lambda port=ports["health"]: _serves(port), LIMIT_SECONDS), podman.told(
                        "podman", "ps"
                    )
            printed = podman.told(
                "podman", "exec", "tidemark-query-query", "python", "-m", "services", "bootstrap"
            )
            yield Played(podman, found, pairs(printed.splitlines()))


def _serves(port: int) -> bool:
    """What the probes of Kubernetes ask."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def test_the_image_is_as_it_is_labelled_and_can_write_nothing(podman: Podman) -> None:
    (image,) = podman.inspect(IMAGE)
    assert image["Config"]["User"] == f"{USER}:{USER}"
    labels = {name.rpartition(".")[2]: value for name, value in image["Labels"].items()}
    assert labels["title"] == "Tidemark"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == build.labels(ROOT)["VERSION"]
    assert podman.run(
        "-c", "id -u; touch /tmp/one; touch /tidemark/one 2>&1 || true", program="sh"
    ).splitlines() == [
        str(USER),
        "touch: cannot touch '/tidemark/one': Read-only file system",
    ]
    assert podman.run("-c", "ls web/dist; python -m services targets", program="sh").split()[
        -len(TARGETS) :
    ] == [*TARGETS]


def test_what_is_in_the_image_is_what_it_says(podman: Podman) -> None:
    stated = json.loads(podman.run("sbom.cdx.json", program="cat"))["components"]
    found: dict[str, dict[str, str]] = {}
    for each in stated:
        found.setdefault(each["purl"].partition("/")[0], {})[each["name"]] = each["version"]
    lock = (ROOT / build.LOCKS[0]).read_text()
    assert found["pkg:pypi"] == dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    installed = podman.run("--show", "--showformat=${Package} ${Version}\\n", program="dpkg-query")
    assert found["pkg:deb"] == dict(line.split() for line in installed.splitlines())
    assert {"lit", "uplot"} <= set(found["pkg:npm"])


def test_an_event_goes_through_the_pods_of_the_trial(played: Played) -> None:
    key = played.keys["TIDEMARK_PROJECT_ADMIN_KEY"]
    now = datetime.now(UTC)
    event = {
        "eventId": base64.b64encode(ids.derived(int(now.timestamp() * 1000), b"shipped")).decode(),
        "occurredAt": now.isoformat(),
        "type": "EVENT_TYPE_USER_ACTION",
        "name": "shipped",
    }
    batch = {"producer": {"producerId": "curl", "epoch": "1"}, "events": [event]}
    played.ask("IngestService/PublishBatch", {"batch": batch}, key)
    counted = {
        "measures": [{"name": "shipped", "aggregation": "AGGREGATION_COUNT"}],
        "interval": {"unit": "UNIT_HOUR"},
    }
    question = {"project": "projects/demo", "query": {"timeRange": {"last": "7200s"}, "series": counted}}

    def total() -> float:
        found = played.ask("QueryService/RunQuery", question, key)["series"].get("series", [])
        return sum(each.get("total", 0) for each in found)

    assert wait_until(lambda: total() > 0, LIMIT_SECONDS)
    assert total() == 1


def test_pods_run_as_nobody_who_may_do_anything_and_end_when_they_are_told(played: Played) -> None:
    names = [f"tidemark-{name}-{name}" for name in (*TARGETS, "edge")]
    for each in played.podman.inspect(*names):
        assert each["HostConfig"]["ReadonlyRootfs"], each["Name"]
        assert each["EffectiveCaps"] in (None, []), each["Name"]
        assert each["HostConfig"]["Memory"] > 0, each["Name"]
    for name in names:
        assert played.podman.told("podman", "exec", name, "id", "-u").strip() == str(USER)
    played.podman.told("podman", "stop", "--time=60", *names)
    assert {
        each["Name"]: each["State"]["ExitCode"] for each in played.podman.inspect(*names)
    } == dict.fromkeys(names, 0)
