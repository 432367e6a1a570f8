"""What the README shows runs as it stands there."""

import os
import re
import subprocess
import sys

from deploy.local.suite import ROOT
from tests.deployment import Tenant


def test_the_example_of_the_readme_prints_its_event(tenant: Tenant) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        check=False,
        cwd=ROOT,
        env={**os.environ, **tenant.environment},
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"1\.0 complete to 20\d\d-.*\nTrue\n", done.stdout), done.stdout
