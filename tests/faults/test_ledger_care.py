"""Rows 56 to 63 of the fault table: the ledger's file, its disk, and who else has it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from costd.core.errors import ConfigError
from costd.ledger import database
from costd.service.host import refuse_elsewhere
from e2e.daemons import PATIENCE_SECONDS, until
from faults.homes import Home, Total, need, pass_time

OWN_DISK = (
    """mount -t tmpfs -o size=6m,mode=700 none "$COSTD_STATE_DIR" && exec "$@" """
)
OWN_IMAGE = """mount -o loop "$IMAGE" "$COSTD_STATE_DIR" && exec "$@" """


def private_mount(shell: str) -> list[str]:
    """A prefix under which the state directory is a disk of its own."""
    need(["unshare", "-m", "true"], "mount namespaces")
    return ["unshare", "-m", "sh", "-c", shell, "sh"]


def seen_from(home: Home, path: Path) -> Path:
    """A path as the daemon sees it, in whatever mount namespace it is."""
    return Path(f"/proc/{home.status()['pid']}/root{path}")


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


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
    until(lambda: home.status()["ledger"]["checked_at"], "the check after it")
    assert home.problems() - {"watch_polling"} == {"ledger_recovered"}
    if damage in (half, empty, gone):
        assert report["saved"]["from_snapshot"] == 80
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
    other = sqlite3.connect(ledger(home), PATIENCE_SECONDS, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    home.respond(40)
    until(lambda: "ledger_busy" in home.problems(), "that it is said")
    assert home.responses == 119
    assert home.status()["ledger"]["busy_count"] >= 1
    other.execute("ROLLBACK")
    other.close()
    home.until_counted(120)
    until(lambda: "ledger_busy" not in home.problems(), "an end of saying so")


def test_57_a_full_disk_is_said_and_nothing_is_lost(home: Home) -> None:
    state = home.top / "state"
    state.mkdir(mode=0o700)
    home.env["COSTD_OUTPUT_DIR"] = str(state / "output")
    home.respond(*range(1, 10))
    home.start(*private_mount(OWN_DISK), wait="no")
    home.until_counted(9)
    inside = seen_from(home, state)
    metrics = inside / "output" / "runtime-metrics.json"

    def published() -> Any:
        return json.loads(metrics.read_text())["runtimes"]

    def responses() -> int:
        models = published().get("claude", {}).get("byModel", {}).values()
        return sum(model["responses"] for model in models)

    until(lambda: metrics.exists() and responses() == 9, "the summary files")
    before = published()
    fill(inside / "filler")
    home.respond(*range(10, 6_000))
    until(lambda: "disk_full" in home.problems(), "that it is said")
    status = home.status()
    assert status["totals"]["all"]["responses"] == 9
    (problem,) = [p for p in status["health"] if p["code"] == "disk_full"]
    assert (problem["severity"], "df -h" in problem["fix"]) == ("error", True)
    assert published() == before
    assert home.process is not None
    assert home.process.poll() is None
    (inside / "filler").unlink()
    home.until_counted(5_999)
    until(lambda: "disk_full" not in home.problems(), "an end of saying so")
    home.assert_exact()
    until(lambda: responses() == 5_999, "new summary files")


def test_58_a_disk_that_becomes_read_only(home: Home) -> None:
    state, image = home.top / "state", home.top / "image"
    state.mkdir(mode=0o700)
    with image.open("wb") as file:
        file.truncate(24 << 20)
    need(["mkfs.ext4", "-q", "-F", str(image)], "ext4")
    need(
        ["unshare", "-m", "mount", "-o", "loop", str(image), str(state)], "loop devices"
    )
    home.env["IMAGE"] = str(image)
    home.respond(*range(1, 10))
    home.start(*private_mount(OWN_IMAGE), wait="no")
    home.until_counted(9)
    pid = home.status()["pid"]
    inside = ["nsenter", "-m", "-t", str(pid), "--"]
    need([*inside, "mount", "-o", "remount,abort", str(state)], "nsenter")
    home.respond(*range(10, 20))
    said = {"ledger_readonly", "ledger_io"}
    until(lambda: said & home.problems(), "that it is said")
    assert home.responses == 9
    assert home.ask("/api/report")["total"]["responses"] == 9
    assert home.process is not None
    assert home.process.poll() is None
    os.kill(pid, signal.SIGTERM)
    home.process.wait(timeout=PATIENCE_SECONDS)
    home.start(*private_mount(OWN_IMAGE), wait="no")
    home.until_counted(19)
    home.assert_exact()


def test_62_an_older_ledger_is_changed_after_a_copy(home: Home) -> None:
    path = ledger(home)
    path.parent.mkdir(mode=0o700)
    scripts = database._scripts()
    old = sqlite3.connect(path, isolation_level=None)
    for script in scripts[:2]:
        old.executescript(script)
    old.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
    old.execute("PRAGMA user_version = 2")
    old.close()
    home.respond(1, 2)
    home.start()
    home.until_counted(2)
    assert home.stop() == 0
    assert version_of(path) == len(scripts)
    assert version_of(path.with_name("ledger.db.before-3")) == 2


def test_62_a_newer_ledger_is_refused_and_left_alone(home: Home) -> None:
    home.respond(1, 2)
    assert home.run("sync").returncode == 0
    connection = sqlite3.connect(ledger(home))
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = ledger(home).read_bytes()
    done = home.run("run", "--no-live")
    assert done.returncode == 65  # which no service manager tries again
    assert "version 999" in done.stderr
    assert "Update costd" in done.stderr
    home.env["XPC_SERVICE_NAME"] = "dev.costd"  # launchd knows 0 only
    assert home.run("run", "--no-live").returncode == 0
    assert home.run("status").returncode == 3
    assert ledger(home).read_bytes() == before


def version_of(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


MOUNTS = "30 1 0:26 / / rw - ext4 /dev/sda1 rw\n31 30 0:27 / /h rw - {kind} x rw\n"


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse", "fuse.sshfs", "smb3"])
def test_63_a_state_directory_on_a_network_is_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match="COSTD_STATE_DIR"):
        refuse_elsewhere("/h/dev/state", MOUNTS.format(kind=kind))
    refuse_elsewhere("/local/state", MOUNTS.format(kind=kind))


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "tmpfs", "overlay", "fuseblk"])
def test_63_one_on_a_disk_of_this_machine_is_not(kind: str) -> None:
    refuse_elsewhere("/h/dev/state", MOUNTS.format(kind=kind))


def test_63_the_daemon_says_so_and_ends(home: Home) -> None:
    lie = f"30 1 0:26 / {home.top} rw - nfs4 x rw"
    hook = f"from costd.ingest import kernel\nkernel.read_mountinfo = lambda: {lie!r}"
    home.start(hook=hook, wait="no")
    assert home.process is not None
    assert home.process.wait(timeout=PATIENCE_SECONDS) in (2, 78)
    assert "nfs4" in home.words.read_text()
    assert not ledger(home).exists()


def test_56_a_reader_never_sees_half_a_file(home: Home) -> None:
    home.start()
    files = [
        home.top / "output" / name
        for name in ("status.json", "runtime-metrics.json", "costs-summary.json")
    ]
    until(lambda: all(path.exists() for path in files), "the files")
    home.respond(*range(1, 200))
    reads = 0
    for number in range(200, 230):
        home.respond(number, log=number)
        for _ in range(40):
            for path in files:
                json.loads(path.read_bytes())
                assert path.stat().st_mode & 0o777 == 0o600
                reads += 1
        pass_time(0.05)
    assert reads > 1_000
    home.until_counted(229)
