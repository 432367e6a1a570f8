"""What the README shows runs as it stands there."""

import os
import re
import subprocess
import sys

from deploy.local.suite import ROOT
from tests.deployment import Tenant

PROGRAM, QUESTION = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
ASKED = f"""
import asyncio
from tidemark import Client

async def main():
    async with Client() as tidemark:
        {QUESTION.strip()}
        print(len(funnel.groups[0].steps))

asyncio.run(main())
"""


def test_the_example_of_the_readme_prints_its_event(tenant: Tenant) -> None:
    assert re.fullmatch(r"1\.0 complete to 20\d\d-.*\nTrue\n", printed(PROGRAM, tenant))


def test_the_question_of_the_readme_is_answered(tenant: Tenant) -> None:
    assert printed(ASKED, tenant) == "3\n"


def printed(program: str, tenant: Tenant) -> str:
    """What a program prints that talks to the stack."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=False,
        cwd=ROOT,
        env={**os.environ, **tenant.environment},
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
