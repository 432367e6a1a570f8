"""What is in the image: every package of Debian, of Python, and of the page, as CycloneDX.

Comes in: the file that dpkg keeps, the distributions of the Python that runs this, `web/package-lock.json`. Goes out: one JSON document.
Next: the Dockerfile keeps it in the image as `/tidemark/sbom.cdx.json`, and `make sbom` brings it out. It runs inside the build,
with nothing but the standard library.
"""

import base64
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

STATUS = Path("/var/lib/dpkg/status")
OS_RELEASE = Path("/etc/os-release")

Component = dict[str, Any]


def debian(status: str, distribution: str) -> Iterator[Component]:
    """The packages that dpkg's file says are installed; `upstream` is the source that advisories are about."""
    for paragraph in status.split("\n\n"):
        fields: dict[str, str] = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").split()[-1:] != ["installed"]:
            continue
        source, _, version = fields.get("Source", fields["Package"]).partition(" ")
        upstream = quote(source + (f"@{version.strip('()')}" if version else ""), safe="")
        qualifiers = f"arch={fields['Architecture']}&distro={distribution}&upstream={upstream}"
        yield _component("deb/debian", fields["Package"], fields["Version"], qualifiers)


def python(distributions: Iterable[importlib.metadata.Distribution]) -> Iterator[Component]:
    """The packages of a Python, with the licence that each states in one of three ways, the exact one first."""
    for each in distributions:
        made = _component("pypi", re.sub(r"[-_.]+", "-", each.name).lower(), each.version)
        stated = {
            field: each.metadata.get_all(field) or []
            for field in ("License-Expression", "Classifier", "License")
        }
        classified = re.findall(r"License :: (?:OSI Approved :: )?(.+)", "\n".join(stated["Classifier"]))
        named = classified or [text for text in stated["License"] if "\n" not in text]
        if expression := stated["License-Expression"]:
            made["licenses"] = [{"expression": expression[0]}]
        elif named:
            made["licenses"] = [{"license": {"name": name}} for name in named]
        yield made


def page(lock: dict[str, Any]) -> Iterator[Component]:
    """The packages whose code is in the page: those that are not only there to build and test it."""
    for place, entry in lock["packages"].items():
        if place and not entry.get("dev"):
            made = _component("npm", place.rpartition("node_modules/")[2], entry["version"])
            algorithm, _, digest = entry["integrity"].partition("-")
            content = base64.b64decode(digest).hex()
            made["hashes"] = [{"alg": algorithm.upper().replace("SHA", "SHA-"), "content": content}]
            if "license" in entry:
                made["licenses"] = [{"expression": entry["license"]}]
            yield made


def document(version: str, components: Iterable[Component]) -> dict[str, Any]:
    """The same document for the same packages: it holds neither a time nor anything random."""
    once = {each["purl"]: each for each in components}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "container", "bom-ref": "tidemark", "name": "tidemark", "version": version}
        },
        "components": [once[purl] for purl in sorted(once)],
    }


def _component(kind: str, name: str, version: str, qualifiers: str = "") -> Component:
    purl = f"pkg:{kind}/{quote(name)}@{quote(version, safe='')}" + (f"?{qualifiers}" if qualifiers else "")
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def main(version: str, lock: str) -> None:
    """Prints the document of where this runs."""
    release = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]+)', OS_RELEASE.read_text(), re.MULTILINE))
    found = [
        *debian(STATUS.read_text(), f"{release['ID']}-{release['VERSION_ID']}"),
        *python(importlib.metadata.distributions()),
        *page(json.loads(Path(lock).read_text())),
    ]
    print(json.dumps(document(version, found), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
