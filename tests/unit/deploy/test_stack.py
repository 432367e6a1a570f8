"""What one start writes down, the next reads; but never from a copied folder."""

import shutil
from pathlib import Path

import pytest

from deploy.local.process import Identity
from deploy.local.stack import Stack, load


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    stack = Stack(
        tmp_path / "checkout",
        Identity(1, 2),
        state="running",
        ports={"query": 50052},
        processes={"query": Identity(3, 4)},
        environment={"TIDEMARK_REDIS_URL": "redis://127.0.0.1"},
    )
    stack.folder.mkdir(parents=True)
    return stack


def test_what_was_saved_is_loaded(stack: Stack) -> None:
    stack.save()
    assert load(stack.root) == stack


def test_only_the_owner_can_read_the_passwords(stack: Stack) -> None:
    stack.save()
    assert (stack.folder / "stack.json").stat().st_mode & 0o777 == 0o600


def test_without_a_file_there_is_no_stack(tmp_path: Path) -> None:
    assert load(tmp_path) is None


def test_a_file_cut_short_by_a_power_cut_is_no_stack(stack: Stack) -> None:
    (stack.folder / "stack.json").write_text("")
    assert load(stack.root) is None


def test_the_processes_of_another_checkout_are_not_ours(stack: Stack, tmp_path: Path) -> None:
    stack.save()
    shutil.copytree(stack.root, tmp_path / "copy")
    assert load(tmp_path / "copy") is None
