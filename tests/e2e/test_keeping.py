"""``costd backup`` and ``costd restore``, with a daemon and without."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.daemons import until
from faults.homes import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    made.respond(*range(1, 20))
    made.respond(*range(100, 120), log=2)
    yield made
    made.kill()


def done(home: Home, *words: str) -> Any:
    found = home.run(*words, "--json")
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def refused(home: Home, *words: str) -> str:
    found = home.run(*words)
    assert found.returncode in (1, 2), found.stdout
    return found.stderr


def test_a_backup_is_whole_private_and_said(home: Home) -> None:
    home.start()
    home.until_counted(39)
    target = home.top / "copies" / "mine.db"
    target.parent.mkdir()
    made = done(home, "backup", str(target))
    assert (made["path"], made["responses"]) == (str(target), 39)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [p.name for p in target.parent.iterdir()] == ["mine.db"]
    assert not list((home.top / "state" / "backups").iterdir())
    again = done(home, "backup", str(target.parent))
    assert Path(again["path"]).parent == target.parent
    new = home.top / "to be" / "made"
    first = done(home, "backup", f"{new}/")
    assert Path(first["path"]).parent == new
    assert stat.S_IMODE(new.stat().st_mode) == 0o700
    kept = done(home, "backup")
    assert Path(kept["path"]).parent == home.top / "state" / "backups"
    assert "exists already" in refused(home, "backup", str(target))
    assert "no directory" in refused(home, "backup", str(home.top / "no" / "x.db"))


def test_without_a_daemon_a_backup_holds_what_the_logs_say_now(home: Home) -> None:
    assert done(home, "backup")["responses"] == 39


@pytest.mark.parametrize("has_daemon", [True, False])
def test_a_restored_ledger_goes_on_from_there(home: Home, has_daemon: bool) -> None:
    copy = str(home.top / "copy.db")
    before = done(home, "backup", copy)
    home.log(2).unlink()
    home.respond(20, 21)
    assert done(home, "sync")["responses"] == 41
    pid = 0
    if has_daemon:
        home.start()
        home.until_counted(41)
        pid = home.pid
    found = done(home, "restore", "--yes", copy)
    assert (found["responses"], found["cost_usd"]) == (39, before["cost_usd"])
    with sqlite3.connect(found["kept_as"]) as kept:
        assert kept.execute("SELECT count(*) FROM response").fetchone() == (41,)
    kept.close()
    if has_daemon:
        until(lambda: "ledger_mending" not in home.problems(), "its return")
        home.until_counted(41)  # what the logs still say, and what only the copy knows
        assert home.pid == pid
    assert done(home, "sync")["responses"] == 41
    assert done(home, "verify")["ok"]
    assert not (home.top / "state" / "restoring.db").exists()


def test_a_new_machine_gets_the_history_of_the_old_one(home: Home) -> None:
    copy = str(home.top / "copy.db")
    done(home, "backup", copy)
    (home.top / "new").mkdir()
    new = Home(home.top / "new")
    assert done(new, "restore", "--yes", copy)["kept_as"] is None
    assert done(new, "status")["totals"]["all"]["responses"] == 39


def test_what_is_no_backup_is_refused_and_nothing_changes(home: Home) -> None:
    home.start()
    home.until_counted(39)
    ours = home.top / "state" / "ledger.db"
    identity = ours.stat().st_ino
    copy = home.top / "copy.db"
    done(home, "backup", str(copy))
    whole = copy.read_bytes()
    assert "There is no file" in refused(home, "restore", "--yes", "nothing.db")
    assert "not a ledger" in refused(home, "restore", "--yes", str(home.config))
    assert "nobody is there to confirm" in refused(home, "restore", str(copy))
    copy.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refused(home, "restore", "--yes", str(copy))
    copy.write_bytes(whole)
    with sqlite3.connect(copy) as newer:
        newer.execute("PRAGMA user_version = 999")
    newer.close()
    assert "version 999" in refused(home, "restore", "--yes", str(copy))
    with sqlite3.connect(copy) as turned:
        turned.execute("PRAGMA user_version = 0")
        turned.execute("PRAGMA application_id = 7")
    turned.close()
    assert "not a ledger" in refused(home, "restore", "--yes", str(copy))
    assert ours.stat().st_ino == identity
    assert home.responses == 39


def test_a_ledger_of_a_newer_costd_can_be_replaced(home: Home) -> None:
    copy = str(home.top / "copy.db")
    done(home, "backup", copy)
    with sqlite3.connect(home.top / "state" / "ledger.db") as newer:
        newer.execute("PRAGMA user_version = 999")
    newer.close()
    assert "Update costd" in home.run("status").stderr
    done(home, "restore", "--yes", copy)
    assert done(home, "status")["totals"]["all"]["responses"] == 39
