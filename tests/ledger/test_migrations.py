"""From any older ledger to this one, or not at all; a newer one is left alone."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from costd.core.errors import LedgerBusyError, LedgerError, NewerLedgerError
from costd.ledger import database
from costd.ledger.database import APPLICATION_ID, Database

SCRIPTS = database._scripts()
ADD = "CREATE TABLE later (x INTEGER) STRICT; INSERT INTO later VALUES (7);"


@pytest.fixture
def path(memory_dir: Path) -> Path:
    return memory_dir / "ledger.db"


def pragma(path: Path, name: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
    finally:
        connection.close()


def schema(path: Path) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(
            "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
        ).fetchall()
    finally:
        connection.close()


def make_old(path: Path, version: int) -> None:
    """A ledger as a costd of that version left it."""
    connection = sqlite3.connect(path, isolation_level=None)
    for number, script in enumerate(SCRIPTS[:version], 1):
        connection.executescript(script)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("INSERT INTO meta VALUES ('kept', 'yes')")
    connection.close()


def test_a_new_ledger_is_marked_and_private(path: Path) -> None:
    Database(path).close()
    assert pragma(path, "application_id") == APPLICATION_ID
    assert pragma(path, "user_version") == len(SCRIPTS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_all_files_of_an_open_ledger_are_private(path: Path) -> None:
    old = os.umask(0o022)
    try:
        opened = Database(path)
        opened.connection.execute("INSERT INTO meta VALUES ('a', 'b')")
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
        opened.close()
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(old)
    assert set(modes.values()) == {0o600}
    assert "ledger.db-wal" in modes


@pytest.mark.parametrize("version", range(1, len(SCRIPTS)))
def test_an_older_ledger_becomes_like_a_new_one_and_keeps_what_it_had(
    path: Path, version: int
) -> None:
    make_old(path, version)
    opened = Database(path)
    kept = opened.connection.execute("SELECT value FROM meta WHERE key = 'kept'")
    assert kept.fetchall() == [("yes",)]
    opened.close()
    new = path.with_name("new.db")
    Database(new).close()
    assert schema(path) == schema(new)
    assert pragma(path, "user_version") == len(SCRIPTS)


@pytest.mark.parametrize("version", range(1, len(SCRIPTS)))
def test_the_older_ledger_is_kept_beside_it(path: Path, version: int) -> None:
    make_old(path, version)
    before = schema(path)
    Database(path).close()
    copy = path.with_name(f"ledger.db.before-{version + 1}")
    assert schema(copy) == before
    assert pragma(copy, "user_version") == version
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_migrations_run_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(path).close()
    monkeypatch.setattr(database, "_scripts", lambda: [*SCRIPTS, ADD])
    for _ in range(2):
        opened = Database(path)
        assert opened.connection.execute("SELECT x FROM later").fetchall() == [(7,)]
        opened.close()
    assert pragma(path, "user_version") == len(SCRIPTS) + 1


@pytest.mark.parametrize(
    "broken",
    [ADD + "CREATE TABLE later (x);", ADD + "no SQL at all;", "SELECT * FROM nothing;"],
)
def test_a_migration_that_fails_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    Database(path).close()
    before = schema(path)
    with monkeypatch.context() as patch:
        patch.setattr(database, "_scripts", lambda: [*SCRIPTS, broken])
        with pytest.raises(LedgerError):
            Database(path)
    assert schema(path) == before
    assert pragma(path, "user_version") == len(SCRIPTS)
    Database(path).close()


def test_of_two_migrations_the_first_stays_when_the_second_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database(path).close()
    monkeypatch.setattr(database, "_scripts", lambda: [*SCRIPTS, ADD, "broken;"])
    with pytest.raises(LedgerError):
        Database(path)
    assert pragma(path, "user_version") == len(SCRIPTS) + 1
    monkeypatch.setattr(database, "_scripts", lambda: [*SCRIPTS, ADD])
    Database(path).close()


def test_a_newer_ledger_is_refused_and_left_alone(path: Path) -> None:
    Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(SCRIPTS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NewerLedgerError, match=f"version {len(SCRIPTS) + 1}") as caught:
        Database(path)
    assert "Update costd" in caught.value.fix
    assert path.read_bytes() == before


def test_another_programs_database_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(LedgerError, match="another program's database"):
        Database(path)
    assert [name for _, name, _ in schema(path)] == ["theirs"]


def test_another_programs_mark_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 77")
    connection.close()
    with pytest.raises(LedgerError, match="another program's database"):
        Database(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be one\n" * 100)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="damaged") as caught:
        Database(path)
    assert not isinstance(caught.value, LedgerBusyError)
    assert path.read_bytes() == before


def test_a_place_without_a_directory_is_worth_another_try(path: Path) -> None:
    with pytest.raises(LedgerBusyError, match="cannot be opened"):
        Database(path / "nowhere" / "ledger.db")


def test_a_ledger_that_was_replaced_under_way_is_noticed(path: Path) -> None:
    opened = Database(path)
    assert not opened.is_replaced()
    path.rename(path.with_name("aside.db"))
    assert opened.is_replaced()
    path.write_bytes(b"")
    assert opened.is_replaced()
    opened.close()


def test_an_error_says_nothing_of_the_data(path: Path) -> None:
    opened = Database(path)
    with pytest.raises(LedgerError) as caught, opened.transaction() as connection:
        connection.execute("INSERT INTO meta VALUES ('secret', NULL)")
    assert "secret" not in str(caught.value)
    names = opened.connection.execute("SELECT key FROM meta").fetchall()
    assert names == [("lineage",)]
    opened.close()
