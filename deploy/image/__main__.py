"""`python -m deploy.image build | sbom`: makes the image, or prints what is in it."""

import argparse
import subprocess
import sys
from pathlib import Path

from deploy.image import build
from deploy.local.debian import Unprovided


def main(arguments: list[str]) -> int:
    """Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.image", description=__doc__)
    parser.add_argument("task", choices=("build", "sbom"))
    parser.add_argument("--tag", default=build.TAG, help="the image's name")
    parser.add_argument("--base", default="", help="the name of a Debian 12")
    parser.add_argument("--engine", choices=build.ENGINES)
    told = parser.parse_args(arguments)
    root = Path.cwd()
    try:
        program = told.engine or build.engine()
        if told.task == "build":
            subprocess.run(build.command(program, root, build.wheels(root), told.tag, told.base), check=True)
        else:
            print(build.sbom(program, told.tag), end="")
    except Unprovided as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
