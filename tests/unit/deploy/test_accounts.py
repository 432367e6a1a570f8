"""Folders are chosen so that the account of the servers can enter them."""

from pathlib import Path

import pytest

from deploy.local import accounts
from deploy.local.accounts import Account

STRANGER = Account("stranger", 64_000, 64_000)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder that others cannot enter."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    return folder


def test_an_ordinary_user_is_never_blocked(closed: Path) -> None:
    assert accounts.blocked_by(closed / "data", None) is None


def test_the_first_closed_folder_on_the_way_is_named(closed: Path) -> None:
    obstacle = accounts.blocked_by(closed / "cache" / "data", STRANGER)
    assert obstacle is not None
    assert closed.is_relative_to(obstacle)


def test_folders_yet_to_be_made_do_not_block() -> None:
    assert accounts.blocked_by(Path("/folder-yet-to-be-made/data"), STRANGER) is None


def test_data_lies_in_the_checkout(closed: Path) -> None:
    assert accounts.data_folder(closed, None) == closed / ".tidemark"


def test_data_lies_elsewhere_when_the_servers_cannot_enter_the_checkout(closed: Path) -> None:
    folder = accounts.data_folder(closed, STRANGER)
    assert folder.parent == accounts.SYSTEM_DATA
    assert folder != accounts.data_folder(closed / "other", STRANGER)


def test_a_chosen_cache_which_the_servers_cannot_enter_is_refused_by_name(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMARK_CACHE", str(closed))
    assert accounts.cache_folder(None) == closed
    with pytest.raises(PermissionError, match=f"TIDEMARK_CACHE={closed}.*stranger"):
        accounts.cache_folder(STRANGER)


def test_the_default_cache_moves_when_the_servers_cannot_enter_the_home_folder(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TIDEMARK_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(closed))
    assert accounts.cache_folder(None) == closed / ".cache" / "tidemark"
    assert accounts.cache_folder(STRANGER) == accounts.SYSTEM_CACHE
