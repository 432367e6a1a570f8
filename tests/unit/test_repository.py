"""What is committed names no machine, no registry and no secret, and its code starts nothing that text could steer."""

import ast
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "a folder of somebody's machine": re.compile(r"(?<![\w.])/(?:home|Users|root|work)/[\w.]"),
    "the host of a registry": re.compile(r"(?:pypi|npmjs|pythonhosted|yarnpkg|proxy\.golang)\.(?:org|com)"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a key's secret": re.compile(r"tmk_[a-z0-9]{1,32}_[A-Za-z0-9_-]{43}"),
}
UNPICKLERS = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
LOCKS = re.compile(r".*\.lock|package-lock\.json|.*-lock\.yaml")


def text_faults(text: str) -> Iterator[str]:
    """What no file may hold."""
    for what, pattern in FORBIDDEN.items():
        if found := pattern.search(text):
            yield f"{what}: {found[0][:12]}"


def lock_faults(text: str) -> Iterator[str]:
    """What a lock file may not hold: an address, or a requirement that is not pinned to its hashes."""
    if found := re.search(r"\w+://|--(?:extra-)?index-url|--find-links", text):
        yield f"an address: {found[0]}"
    if text.startswith("{"):
        packages = json.loads(text)["packages"].items()
        yield from (
            f"without a hash: {name}" for name, entry in packages if name and "integrity" not in entry
        )
        return
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text):
        if "==" not in entry or "--hash=sha256:" not in entry:
            yield f"not pinned: {entry.split()[0]}"


def code_faults(text: str) -> Iterator[str]:
    """What no Python module may do."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (
                    f"imports {alias.name}" for alias in names if alias.name.split(".")[0] in UNPICKLERS
                )
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in UNPICKLERS:
                yield f"imports {module}"
            case ast.keyword(arg="shell", value=value) if not (
                isinstance(value, ast.Constant) and not value.value
            ):
                yield "starts a shell"
            case ast.Attribute() if ast.unparse(node) in ("os.system", "os.popen"):
                yield "starts a shell"
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                yield "unpickles"


def committed() -> Iterator[tuple[PurePath, str]]:
    """Every text file of the repository, those not yet added included."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, cwd=ROOT, capture_output=True, text=True).stdout
    for name in sorted(filter(None, names.split("\0"))):
        try:
            yield PurePath(name), (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue


def test_no_file_names_a_machine_a_registry_or_a_secret() -> None:
    assert [f"{name}: {fault}" for name, text in committed() for fault in text_faults(text)] == []


def test_locks_pin_every_package_and_name_no_host() -> None:
    locks = {str(name): text for name, text in committed() if LOCKS.fullmatch(name.name)}
    assert "requirements.lock" in locks
    assert [f"{name}: {fault}" for name, text in locks.items() for fault in lock_faults(text)] == []


def test_no_module_unpickles_or_starts_a_shell() -> None:
    modules = [(name, text) for name, text in committed() if name.suffix == ".py"]
    assert [f"{name}: {fault}" for name, text in modules for fault in code_faults(text)] == []


def test_every_text_file_ends_with_one_newline() -> None:
    assert [str(name) for name, text in committed() if text and not re.search(r"[^\n]\n\Z", text)] == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (text_faults, "see /" + "home/ann/notes"),
        (text_faults, 'PATH = "/' + 'work/main"'),
        (text_faults, "index = py" + "pi.org"),
        (text_faults, "-----BEGIN EC PRIVATE" + " KEY-----"),
        (text_faults, "tmk_0a1b_" + "x" * 43),
        (lock_faults, "--index-url https" + "://example.invalid/\npytest==9.0 \\\n    --hash=sha256:00"),
        (lock_faults, "numpy==2.2 \\\n    --hash=sha256:00\npytest==9.0"),
        (lock_faults, "pytest>=9.0 \\\n    --hash=sha256:00"),
        (code_faults, "import pickle"),
        (code_faults, "from pickle import loads"),
        (code_faults, "subprocess.run('ls', shell=True)"),
        (code_faults, "subprocess.run('ls', shell=ask())"),
        (code_faults, "os.system('ls')"),
        (code_faults, "np.load(path, allow_pickle=True)"),
    ],
)
def test_a_broken_rule_is_found(rule: Callable[[str], Iterator[str]], text: str) -> None:
    assert list(rule(text))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (text_faults, "/v1/{name=projects/*} and network/home/x and /var/lib/tidemark"),
        (lock_faults, "pytest==9.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01"),
        (code_faults, "subprocess.run(['ls'], shell=False)"),
    ],
)
def test_what_the_rules_allow_is_no_fault(rule: Callable[[str], Iterator[str]], text: str) -> None:
    assert list(rule(text)) == []
