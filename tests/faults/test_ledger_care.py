"""Rows 56 to 63 of the fault table: the ledger's file, its disk, and who else has it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.daemons import until
from faults.homes import Home, Total

HISTORY = Total(0, 0, "")


def ledger(home: Home) -> Path:
    return home.top / "state" / "ledger.db"


def snapshots(home: Home) -> list[Path]:
    return sorted((home.top / "state" / "snapshots").glob("ledger-*.db"))


def reports(home: Home) -> list[Any]:
    found = sorted((home.top / "state").glob("recovered-*.json"))
    return [json.loads(path.read_text()) for path in found]


def begin(home: Home) -> Total:
    """A daemon with a snapshot, and with responses that no log holds any more."""
    home.respond(*range(1, 40))
    home.respond(*range(100, 180), log=2)
    home.start()
    home.until_counted(119)
    home.log(2).unlink()
    until(lambda: home.source()["vanished_files"] == 1, "that the log is gone")
    until(lambda: snapshots(home), "a snapshot")
    return home.total()


def no_header(path: Path) -> None:
    overwrite(path, 0, bytes(100))


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def pages(path: Path) -> None:
    for number in range(3, path.stat().st_size // 4096, 7):
        overwrite(path, number * 4096, b"\x55" * 4096)


def gone(path: Path) -> None:
    path.unlink()


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


@pytest.mark.parametrize("damage", [no_header, half, empty, pages, gone])
def test_59_a_damaged_ledger_is_mended_at_the_start(
    home: Home, damage: Callable[[Path], None]
) -> None:
    before = begin(home)
    assert home.stop() == 0
    damage(ledger(home))
    home.start()
    until(lambda: reports(home) and "after" in reports(home)[0], "the end of it")
    assert home.total() == before
    (report,) = reports(home)
    assert report["lost_responses"] in (0, None)
    assert report["after"]["responses"] == before.responses
    assert "ledger_recovered" in home.problems()
    aside = list(ledger(home).parent.glob("ledger.db.corrupt-*"))
    assert bool(aside) == (damage is not gone)
    home.respond(40)
    home.until_counted(120)
    # Not for ever: who has read it removes it.
    for path in (home.top / "state").glob("recovered-*.json"):
        path.unlink()
    until(lambda: "ledger_recovered" not in home.problems(), "an end of saying so")


def test_59_a_page_that_is_damaged_while_it_is_in_use(home: Home) -> None:
    before = begin(home)
    home.signal(signal.SIGSTOP)
    for path in (ledger(home), Path(f"{ledger(home)}-wal")):
        for number in range(2, path.stat().st_size // 4096):
            overwrite(path, number * 4096, b"\x55" * 4096)
    home.signal(signal.SIGCONT)
    home.respond(40)
    until(lambda: reports(home) and "after" in reports(home)[-1], "the end of it")
    home.until_counted(120)
    after = home.total()
    assert (after.responses, home.process and home.process.poll()) == (120, None)
    assert after.tokens > before.tokens
    assert list(ledger(home).parent.glob("ledger.db.corrupt-*"))


def test_59_a_turned_byte_is_found_by_the_check_after_the_start(home: Home) -> None:
    before = begin(home)
    assert home.stop() == 0
    with sqlite3.connect(ledger(home)) as connection:
        connection.execute("UPDATE response SET output_tokens = 7 WHERE id = 60")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    home.start()
    until(lambda: reports(home) and "after" in reports(home)[0], "the end of it")
    assert home.total() == before


def test_60_a_ledger_that_is_removed_while_it_is_open(home: Home) -> None:
    before = begin(home)
    pid = home.pid
    ledger(home).unlink()
    until(ledger(home).exists, "the ledger again")
    until(lambda: "ledger_mending" not in home.problems(), "its return")
    assert home.total() == before
    home.respond(40)
    home.until_counted(120)
    assert home.pid == pid
    assert home.stop() == 0
    connection = sqlite3.connect(ledger(home))
    found = connection.execute("SELECT count(*) FROM response").fetchone()
    connection.close()
    assert found == (120,)


def test_60_a_write_ahead_log_that_is_removed_while_it_is_open(home: Home) -> None:
    before = begin(home)
    home.respond(40)
    home.until_counted(120)
    Path(f"{ledger(home)}-wal").unlink()
    until(lambda: reports(home), "that it is put back")
    until(lambda: "ledger_mending" not in home.problems(), "its return")
    assert home.responses == 120
    home.kill()
    home.start()
    assert home.responses == 120
    assert home.total().tokens > before.tokens


def test_60_another_ledger_in_its_place_is_opened_and_the_old_one_kept(
    home: Home,
) -> None:
    begin(home)
    shutil.copy(snapshots(home)[0], home.top / "other.db")
    home.respond(*range(200, 210), log=3)
    home.until_counted(129)
    (home.top / "other.db").replace(ledger(home))
    until(lambda: reports(home), "that it is seen")
    (report,) = reports(home)
    connection = sqlite3.connect(report["kept_as"])
    assert connection.execute("SELECT count(*) FROM response").fetchone() == (129,)
    connection.close()
    home.until_counted(129)  # the log is there still, and is read again


def test_61_a_ledger_that_another_program_holds(home: Home) -> None:
    begin(home)
    other = sqlite3.connect(ledger(home), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    home.respond(40)
    until(lambda: "ledger_busy" in home.problems(), "that it is said")
    assert home.responses == 119
    assert home.status()["ledger"]["busy_count"] >= 1
    other.execute("ROLLBACK")
    other.close()
    home.until_counted(120)
    until(lambda: "ledger_busy" not in home.problems(), "an end of saying so")
