"""The recipe of the image: what it stands on, whom it runs as, and that it ships what is tested. `tests/image` builds and runs it."""

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from deploy.image import build, sbom
from deploy.local import fonts
from services.__main__ import TARGETS
from services.kit.settings import Settings

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
LAST = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def pinned(lock: str) -> dict[str, str]:
    """Each package of a lock, with its version and its hashes."""
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text(encoding="utf-8").strip())
    return {each.partition("==")[0]: " ".join(each.split()) for each in entries}


@pytest.mark.parametrize("lock", build.LOCKS)
def test_what_is_shipped_is_pinned_as_what_is_tested(lock: str) -> None:
    assert pinned(lock).items() <= pinned("requirements.lock").items()


def test_servers_find_no_pandas_wherever_they_run_as_the_image_has_none() -> None:
    assert "pandas" not in pinned(build.LOCKS[0])
    code = """if True:
        import contextlib, runpy, sys
        sys.argv = ["services", "targets"]
        with contextlib.suppress(SystemExit):
            runpy.run_module("services", run_name="__main__")
        import pyarrow
        pyarrow.array([1])
        print("pandas" in sys.modules)
    """
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert told.stdout.splitlines() == [*TARGETS, "False"]


def test_the_lock_holds_what_servers_and_edge_ask_for_and_no_tools() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = {
        part: {re.split(r"[\[>=<]", each)[0] for each in wanted}
        for part, wanted in {**extras, "client": project["dependencies"]}.items()
    }
    shipped = set(pinned(build.LOCKS[0]))
    assert named["client"] | named["server"] | named["edge"] <= shipped
    assert not (named["dev"] | named["local"] | named["page"]) & shipped


def test_the_base_is_one_that_stays_what_it_is() -> None:
    (base,) = re.findall(r"^ARG BASE=(\S+)", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"debian:bookworm-\d{8}-slim|.+@sha256:[0-9a-f]{64}", base)
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?", DOCKERFILE, re.MULTILINE)
    assert {name for name, _ in stages} - {name for _, name in stages} == {"scratch", "${BASE}"}


def test_it_runs_as_the_user_of_the_manifests_who_owns_nothing_but_segments() -> None:
    (patch,) = (
        each["value"]
        for each in yaml.safe_load((ROOT / "k8s/base/restricted.yaml").read_text(encoding="utf-8"))
        if each["path"].endswith("/spec/securityContext")
    )
    assert re.findall(r"^USER (.+)", LAST, re.MULTILINE) == [f"{patch['runAsUser']}:{patch['runAsGroup']}"]
    assert re.findall(r"--owner \S+ .*", LAST) == ["--owner tidemark --group tidemark --mode 700 /segments"]
    assert "--chown" not in DOCKERFILE


def test_every_target_and_the_edge_start_from_it() -> None:
    assert 'ENTRYPOINT ["python", "-m", "services"]' in LAST
    copied = [words.split()[:-1] for words in re.findall(r"^COPY ((?!--from).+)", LAST, re.MULTILINE)]
    whole = {name for words in copied for name in words}
    assert {"services", "tidemark", "migrations", "deploy/envoy"} <= whole
    assert f"web/dist {Settings().web_folder}" in LAST
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))["services"]
    started = {
        each["command"][0]
        for each in services.values()
        if each.get("image") == "tidemark" and "command" in each
    }
    assert started == {*TARGETS, "migrate"}


def test_nothing_secret_can_get_in() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines  # what is not named below stays outside
    named = {line.removeprefix("!") for line in lines if line.startswith("!")}
    used = {
        name
        for words in re.findall(r"^COPY ((?!--from).+)", DOCKERFILE, re.MULTILINE)
        for name in words.split()[:-1]
    }
    used |= set(re.findall(r"type=bind,source=([^,]+)", DOCKERFILE))
    assert {name.partition("/")[0] for name in used} == named
    assert not re.search(r"(?i)^(ARG|ENV).*(password|secret|token|url)", DOCKERFILE, re.MULTILINE)


def test_dpkg_leaves_out_no_font_that_reports_are_set_in() -> None:
    rules = (ROOT / "deploy/image/dpkg.cfg").read_text(encoding="utf-8")
    assert all(package in DOCKERFILE for package in fonts.PACKAGES)
    for name in ("NotoSans-Regular", "NotoSansArabic-Bold", "Symbola_hint", "DroidSansFallback"):
        assert fonts.WANTED.fullmatch(name)
    left_out = re.findall(r"path-exclude=/usr/share/fonts/truetype/noto/(\w+)", rules)
    assert left_out
    assert not [stem for stem in left_out if fonts.WANTED.match(f"{stem}-Regular")]


def test_wheels_come_from_the_folder_given_and_the_base_from_whoever_builds() -> None:
    said = build.command("buildah", ROOT, Path("/wheels"), "here", base="mine")
    assert said[:2] == ["buildah", "build"]
    assert "wheels=/wheels" in said
    assert {"PIP_NO_INDEX=1", "BASE=mine"} <= set(said)
    assert not [
        word
        for word in build.command("docker", ROOT, Path("/wheels"), "here")
        if "BASE" in word or "network" in word
    ]


STATUS = """\
Package: libstdc++6
Status: install ok installed
Architecture: amd64
Source: gcc-12 (12.2.0-14)
Version: 12.2.0-14+deb12u1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


def test_a_package_of_debian_leads_to_its_source() -> None:
    (found,) = sbom.debian(STATUS, "debian-12")
    assert (found["name"], found["version"]) == ("libstdc++6", "12.2.0-14+deb12u1")
    assert found["purl"] == (
        "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0-14"
    )


def test_a_package_of_python_says_under_which_terms_it_is() -> None:
    (found,) = sbom.python([importlib.metadata.distribution("orjson")])
    assert found["purl"] == f"pkg:pypi/orjson@{importlib.metadata.version('orjson')}"
    assert found["licenses"]


def test_of_the_page_s_packages_those_are_told_that_are_in_it() -> None:
    lock = json.loads((ROOT / "web/package-lock.json").read_text(encoding="utf-8"))
    found = {each["name"]: each for each in sbom.page(lock)}
    assert {"lit", "uplot", "@connectrpc/connect-web"} <= set(found)
    assert not {"vite", "eslint", "typescript"} & set(found)
    assert found["@connectrpc/connect-web"]["purl"].startswith("pkg:npm/%40connectrpc/connect-web@")
    assert all(re.fullmatch(r"[0-9a-f]{128}", each["hashes"][0]["content"]) for each in found.values())


def test_the_document_is_the_same_for_the_same_packages() -> None:
    one, other = ({"purl": f"pkg:pypi/{name}@1"} for name in ("a", "b"))
    assert sbom.document("1", [one, other, one]) == sbom.document("1", [other, one])
