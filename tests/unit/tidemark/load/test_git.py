"""Git histories: from the output of `git log`, and from a real repository."""

import os
import subprocess

import pytest

from tidemark.load import git
from tidemark.load.draft import BadRow

LOG = (
    b"\x01aaa\x1fann@example.org\x1f1700000000 +0530\x1f\x1fOne \xc3\xbc\0\n3\t1\ta b.py\x00-\t-\tlogo.png\0"
    b"\x01bbb\x1fbob@example.org\x1f1700000100 -0800\x1faaa\x1fMove\0\n2\t0\t\0a b.py\0src/b.py\0"
    b"\x01ccc\x1fann@example.org\x1f1700000200 +0000\x1faaa bbb\x1fMerge\0"
)


@pytest.fixture
def repository(tmp_path):
    environment = os.environ | {
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_AUTHOR_DATE": "1700000000 +0100",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.org",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }

    def run(*arguments):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True, env=environment, capture_output=True)

    run("init")
    (tmp_path / "tab\there.py").write_text("1\n2\n")
    run("add", ".")
    run("commit", "-m", "first")
    (tmp_path / "docs").mkdir()
    run("mv", "tab\there.py", "docs/new.md")
    run("commit", "-m", "rename")
    return tmp_path


def test_commits_are_read_with_renames_binaries_and_merges():
    one, move, merge = git.commits(LOG.split(b"\0"))
    assert (one.sha, one.email, one.subject, one.parents) == ("aaa", "ann@example.org", "One ü", 0)
    assert one.changes == [git.Change("a b.py", 3, 1), git.Change("logo.png", 0, 0)]
    assert move.changes == [git.Change("src/b.py", 2, 0)]
    assert (merge.parents, merge.changes) == (2, [])


def test_a_commit_is_told_in_its_authors_own_day():
    first = next(git.commits(LOG.split(b"\0")))
    commit, *files = git.events(first)
    assert commit.occurred_at.isoformat() == "2023-11-14T22:13:20+00:00"
    assert (commit.properties["weekday"], commit.properties["hour"]) == ("Wednesday", 3)
    assert (commit.properties["insertions"], commit.properties["files_changed"]) == (3, 2)
    assert (commit.properties["language"], commit.properties["languages"]) == ("Python", ["Python"])
    assert {draft.session_id for draft in (commit, *files)} == {"aaa"}
    assert [draft.name for draft in files] == ["file_changed", "file_changed"]
    assert files[0].properties["churn"] == 4


def test_a_commit_without_a_time_is_a_bad_row():
    (bad,) = git.events(git.Commit("ddd", "x", "99999999999999999 +0000", 0, "far"))
    assert bad == BadRow("ddd", "the author date '99999999999999999 +0000' is no time")


def test_a_real_history_is_the_same_every_time(repository):
    drafts = list(git.drafts(repository))
    assert [draft.name for draft in drafts] == ["commit", "file_changed"] * 2
    assert [draft.properties["path"] for draft in drafts[1::2]] == ["tab\there.py", "docs/new.md"]
    assert drafts[3].properties["churn"] == 0
    assert git.count(repository) == 2
    assert len({draft.event_id for draft in drafts}) == 4
    assert [draft.event_id for draft in drafts] == [draft.event_id for draft in git.drafts(repository)]


def test_a_folder_without_history_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(git.NotARepository, match="has no readable git history"):
        git.count(tmp_path)


def test_a_reader_may_stop_early(repository):
    drafts = git.drafts(repository)
    assert next(drafts).name == "commit"
    drafts.close()


def test_a_repository_without_commits_is_told_apart_from_none(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with pytest.raises(git.NotARepository, match="has no commits yet"):
        git.count(tmp_path)


def test_a_shallow_clone_is_recognised(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    who = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    subprocess.run(["git", "init", "-q", str(whole)], check=True)
    for subject in ("one", "two"):
        subprocess.run(
            ["git", "-C", str(whole), *who, "commit", "-q", "--allow-empty", "-m", subject], check=True
        )
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{whole}", str(cut)], check=True)
    assert (git.shallow(whole), git.shallow(cut)) == (False, True)
