"""Which migrations are to be applied."""

import pytest

from services.kit.errors import BadSetting
from services.kit.migrate import Migration, migrations, pending

FIRST, SECOND = Migration(1, "0001_first.sql", "SELECT 1"), Migration(2, "0002_second.sql", "SELECT 2")


def applied(*done: Migration) -> dict[int, tuple[str, bytes]]:
    return {migration.number: (migration.name, migration.sha256) for migration in done}


def test_an_empty_database_needs_all():
    assert pending([FIRST, SECOND], {}) == [FIRST, SECOND]


def test_only_what_is_missing_is_applied():
    assert pending([FIRST, SECOND], applied(FIRST)) == [SECOND]
    assert pending([FIRST, SECOND], applied(FIRST, SECOND)) == []


def test_a_changed_applied_file_is_refused():
    with pytest.raises(BadSetting, match=r"0001_first\.sql was changed after it was applied"):
        pending([Migration(1, FIRST.name, "SELECT 3"), SECOND], applied(FIRST))


def test_a_renamed_applied_file_is_refused():
    with pytest.raises(
        BadSetting, match=r"0001_other\.sql was changed after it was applied as 0001_first\.sql"
    ):
        pending([Migration(1, "0001_other.sql", FIRST.text)], applied(FIRST))


def test_a_database_newer_than_the_code_is_refused():
    with pytest.raises(BadSetting, match="at migration 2 and this code knows 1"):
        pending([FIRST], applied(FIRST, SECOND))


def test_the_files_of_this_repository_are_in_order():
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))


@pytest.mark.parametrize(
    "names", [["0002_a.sql"], ["0001_a.sql", "0001_b.sql"], ["0001_a.sql", "0003_b.sql"], ["a.sql"]]
)
def test_a_misnamed_file_is_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(BadSetting, match="out of order; name it 000"):
        migrations(tmp_path)
