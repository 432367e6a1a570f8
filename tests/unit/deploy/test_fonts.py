"""Fonts of reports come from the host where it has them, else from Debian, and nothing stops where neither can be."""

from pathlib import Path

import pytest

from deploy.local import fonts


def test_a_host_with_the_packages_needs_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "NotoSansArabic-Regular.ttf"
    there.touch()
    monkeypatch.setattr(fonts, "HOST", (there,))
    assert fonts.provide(tmp_path / "cache", print) is None
    assert not (tmp_path / "cache").exists()


def test_what_is_in_the_cache_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "HOST", (tmp_path / "absent",))
    monkeypatch.setenv("PATH", "")
    (tmp_path / f"fonts-{fonts.RECIPE}").mkdir()
    assert fonts.provide(tmp_path, print) == tmp_path / f"fonts-{fonts.RECIPE}"


def test_where_they_cannot_be_had_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "HOST", (tmp_path / "absent",))
    monkeypatch.setenv("PATH", "")
    told: list[str] = []
    assert fonts.provide(tmp_path, told.append) is None
    assert told == [
        f"  reports will show Latin letters alone: there is no `apt-get` to fetch {', '.join(fonts.PACKAGES)} with"
    ]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("NotoSans-Regular", True), ("NotoSansArabic-Bold", True), ("NotoSansDisplay-Regular", False),
     ("NotoSerif-Regular", False), ("DroidSansFallback", True), ("DroidSansFallbackFull", False)],
)  # fmt: skip
def test_only_what_reports_are_set_in_is_kept(name: str, wanted: bool) -> None:
    assert bool(fonts.WANTED.fullmatch(name)) == wanted
