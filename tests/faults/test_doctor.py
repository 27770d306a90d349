"""``costd doctor`` finds each fault that is made, and prints the command that mends it."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from costd.engine.alarm import STUCK_MS, Alarm
from costd.engine.answers.doctor import _GOOD
from costd.publish import desktop
from e2e.daemons import PATIENCE_SECONDS, until
from faults.clocks import HOOK, Clock
from faults.homes import CONFIG, Home, limited, without_privileges
from loglines import Line, lines, session

Check = dict[str, Any]
SLOW = "[engine]\ntick_seconds = 3600\nsweep_seconds = 1\n"


def found(home: Home, code: str) -> Check:
    """What the command says of a fault that is there, which it counts as wrong."""
    told: list[tuple[int, Check]] = []

    def is_told() -> bool:
        done = home.run("doctor", "--json")
        told[:] = [
            (done.returncode, check)
            for check in json.loads(done.stdout)["checks"]
            if check["code"] == code and not check["ok"]
        ]
        return bool(told)

    def is_shown() -> bool:
        """To a person too, who asks later."""
        return is_told() and told[0][1]["fix"][:40] in home.run("doctor").stdout

    until(is_shown, f"{code} told by doctor")
    ((status, check),) = told
    assert status == 4, check
    return check


def is_well(home: Home, code: str) -> bool:
    done = home.run("doctor", "--json")
    checks = json.loads(done.stdout)["checks"]
    return all(check["ok"] for check in checks if check["code"] == code)


def obey(check: Check) -> None:
    """Do what it says, as it says it."""
    (command, *_) = re.findall("`([^`]+)`", check["fix"])
    subprocess.run(["sh", "-c", command], check=True)


def test_a_home_in_which_all_is_well(home: Home) -> None:
    home.respond(1, 2)
    home.start()
    home.until_counted(2)
    done = home.run("doctor", "--json")
    checks = {c["code"]: c for c in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0, [c for c in checks.values() if not c["ok"]]
    assert {"configuration", "daemon", "unattributed", *_GOOD} <= set(checks)
    assert home.problems() <= {"watch_polling"}


def test_a_broken_configuration(home: Home) -> None:
    home.config.write_text("[engine]\ntick_second = 3\n")
    check = found(home, "configuration")
    assert "config.toml:2" in check["message"]
    assert "tick_seconds" in check["message"]


def test_no_logs_at_all(home: Home) -> None:
    home.start()
    assert "costd config set sources.claude.roots" in found(home, "no_logs")["fix"]


@pytest.mark.parametrize(
    ("code", "mode"), [("unreadable_logs", 0o000), ("unreadable_directory", 0o000)]
)
def test_what_cannot_be_read(home: Home, code: str, mode: int) -> None:
    path = home.respond(1, 2)
    home.respond(*range(3, 6), log=2)
    target = path if code == "unreadable_logs" else path.parent
    target.chmod(mode)
    home.start(*without_privileges())
    until(lambda: code in home.problems(), "that it is seen")
    check = found(home, code)
    assert "chmod" in check["fix"]
    if code == "unreadable_logs":
        obey(check)
    else:
        (command, *_) = re.findall("`([^`]+)`", check["fix"])
        seen = subprocess.run(
            [*without_privileges(), "sh", "-c", command],
            capture_output=True,
            text=True,
            check=False,
        )
        assert str(target) in seen.stdout
        target.chmod(0o700)
    home.until_counted(5)
    assert is_well(home, code)


def test_damaged_lines(home: Home) -> None:
    home.append(lines(1) + b"{no json at all}\n" + lines(2))
    home.start()
    home.until_counted(2)
    assert "costd doctor" in found(home, "skipped_lines")["fix"]
    (line,) = json.loads(home.run("doctor", "--json").stdout)["skipped_lines"]
    assert line["offset"] == len(lines(1))


def test_dates_that_cannot_be(home: Home) -> None:
    home.append(Line(1, at="2199-01-01T00:00:00.000Z").text())
    home.start()
    home.until_counted(1)
    assert "clock" in found(home, "misdated")["fix"]


def test_a_model_without_a_price(home: Home) -> None:
    home.append(Line(1, model="nobody-knows-9").text())
    home.start()
    home.until_counted(1)
    check = found(home, "unpriced_models")
    assert "costd reprice" in check["fix"]
    with home.config.open("a") as config:
        config.write('[prices.aliases]\n"nobody-knows-9" = "claude-opus-5"\n')
    assert home.run("config", "reload").returncode == 0
    assert home.run("reprice").returncode == 0
    assert is_well(home, "unpriced_models")


def test_a_ledger_that_somebody_locks(home: Home) -> None:
    home.respond(1)
    home.start()
    home.until_counted(1)
    path = home.top / "state" / "ledger.db"
    other = sqlite3.connect(path, PATIENCE_SECONDS, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    home.respond(2)
    until(lambda: "ledger_busy" in home.problems(), "that it is said")
    assert "fuser -v" in found(home, "ledger_busy")["fix"]
    other.close()
    until(lambda: is_well(home, "ledger_busy"), "its end")


def test_a_ledger_that_was_taken_away(home: Home) -> None:
    home.config.write_text(SLOW)
    home.respond(1)
    home.start()
    home.until_counted(1)
    (home.top / "state" / "ledger.db").unlink()
    assert "costd service restart" in found(home, "ledger_replaced")["fix"]


def test_a_ledger_whose_sums_are_wrong(home: Home) -> None:
    home.respond(1, 2)
    assert home.run("sync").returncode == 0
    with sqlite3.connect(home.top / "state" / "ledger.db") as connection:
        connection.execute("UPDATE response SET output_tokens = 9 WHERE id = 1")
    connection.close()
    assert "costd service start" in found(home, "ledger_damaged")["fix"]
    assert home.run("verify").returncode == 1
    home.start()  # which is what it says
    until(lambda: is_well(home, "ledger_damaged"), "that it is mended")
    obey(found(home, "ledger_recovered"))
    until(lambda: is_well(home, "ledger_recovered"), "an end of saying so")


def test_snapshots_that_cannot_be_made(home: Home) -> None:
    state = home.top / "state"
    state.mkdir(mode=0o700)
    (state / "snapshots").write_text("a file where a directory should be")
    home.respond(1)
    home.start()
    until(lambda: "snapshot_failed" in home.problems(), "that it is said")
    assert "ls -ld" in found(home, "snapshot_failed")["fix"]


def test_snapshots_that_are_old(home: Home) -> None:
    folder = home.top / "state" / "snapshots"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    (folder / "ledger-20260101T000000Z.db").write_bytes(b"")
    folder.chmod(0o500)
    home.respond(1)
    home.start(*without_privileges())
    until(lambda: "snapshot_old" in home.problems(), "that it is said")
    check = found(home, "snapshot_old")
    assert "costd backup" in check["fix"]
    folder.chmod(0o700)
    done = home.run(*shlex.split("backup"))
    assert done.returncode == 0, done.stderr


# SQLite refuses what is recorded, for a reason that is given; the real causes are
# rows 57, 58 and 61.
REFUSES = """
import sqlite3
from costd.ledger import Ledger
from costd.ledger.database import translated
def record(self, *values):
    with translated(self.database.path):
        error = sqlite3.OperationalError("refused")
        error.sqlite_errorcode = sqlite3.{code}
        raise error
Ledger.record = record
"""


@pytest.mark.parametrize(
    ("code", "name", "fix"),
    [
        ("disk_full", "SQLITE_FULL", "df -h"),
        ("ledger_readonly", "SQLITE_READONLY", "chmod u+w"),
        ("ledger_io", "SQLITE_IOERR", "df -h"),
    ],
)
def test_a_disk_that_takes_nothing(home: Home, code: str, name: str, fix: str) -> None:
    home.respond(1)
    home.start(hook=REFUSES.format(code=name), wait="up")
    until(lambda: code in home.problems(), "that it is said")
    check = found(home, code)
    assert fix in check["fix"]
    assert str(home.top / "state") in check["fix"]


def test_a_beat_that_has_stopped(home: Home) -> None:
    home.respond(1)
    home.start(hook="from costd.schedule import Beat\nBeat.start = lambda self: None\n")
    assert "costd service restart" in found(home, "stale")["fix"]


def test_bytes_that_nobody_reads(home: Home) -> None:
    home.respond(1)
    home.start(
        hook="import time, costd.engine.alarm as alarm\nalarm.STUCK_MS = 1\n"
        "from costd.engine.intake import Intake\n"
        "Intake.advance = lambda self, *values: time.sleep(0.05)\n",
        wait="up",
    )
    check = found(home, "stuck")
    assert "bytes wait" in check["message"]
    assert "costd service restart" in check["fix"]


def test_a_configuration_that_was_refused_and_is_right_again(home: Home) -> None:
    home.start()
    right = home.config.read_text()
    home.config.write_text("[engine]\ntick_seconds = 0\n")
    home.signal(signal.SIGHUP)
    until(lambda: "config" in home.problems(), "that it is refused")
    home.config.write_text(right)
    assert "costd config reload" in found(home, "config")["fix"]
    assert home.run("config", "reload").returncode == 0
    assert is_well(home, "config")


def test_little_space(home: Home) -> None:
    home.respond(1)
    home.start(
        hook="import os\nreal = os.statvfs\n"
        "class Little:\n    f_bavail, f_frsize = 1000, 4096\n"
        "os.statvfs = lambda place: Little\n"
    )
    assert "df -h" in found(home, "disk_low")["fix"]


def test_a_clock_that_was_set(home: Home) -> None:
    clock = Clock(home)
    home.respond(1)
    home.start(hook=HOOK)
    home.until_counted(1)
    clock.move(600)
    until(lambda: "clock_jumped" in home.problems(), "that it is seen")
    check = found(home, "clock_jumped")
    assert "+600 s" in check["message"]
    assert "timedatectl" in check["fix"]
    assert home.words.read_text().count("clock_jumped") == 1


def test_too_few_watches(home: Home) -> None:
    for number in range(200):
        home.log(number, project=f"-w-{number}")
    home.respond(1)
    home.start(*limited("max_inotify_watches", 60))
    until(lambda: "watch_polling" in home.problems(), "that it is seen")
    assert "sysctl" in found(home, "watch_polling")["fix"]
    watch = home.status()["watch"]
    assert watch["mode"] == "polling"
    assert watch["reason"]


def test_a_place_for_the_summary_files_that_is_none(home: Home) -> None:
    home.config.write_text(
        CONFIG + f'[output]\nmirror_dirs = ["{home.top / "nowhere"}"]\n'
    )
    home.respond(1)
    home.start()
    until(lambda: "publish" in home.problems(), "that it is said")
    assert "ls -ld" in found(home, "publish")["fix"]
    (home.top / "nowhere").mkdir()
    until(lambda: is_well(home, "publish"), "its end")


def spooled(home: Home) -> None:
    spool = home.top / "state" / "spool"
    spool.mkdir(parents=True, mode=0o700)
    spool.parent.chmod(0o700)
    (spool / "x.json.bad").write_text("{")


def mapped(home: Home) -> None:
    (home.top / "output").mkdir(mode=0o700)
    (home.top / "output" / "session-map.json").write_text("[1, 2")


@pytest.mark.parametrize(
    ("code", "make"), [("spool", spooled), ("session_map", mapped)]
)
def test_what_was_told_and_cannot_be_used(
    home: Home, code: str, make: Callable[[Home], None]
) -> None:
    home.respond(1)
    make(home)
    home.start()
    until(lambda: code in home.problems(), "that it is said")
    assert found(home, code)["fix"]


def test_healthz_and_the_exit_code_say_the_same(home: Home) -> None:
    path = home.respond(1)
    home.start(*without_privileges())
    home.until_counted(1)
    assert home.ask("/healthz")["ok"]
    assert home.run("status").returncode == 0
    home.respond(2)
    path.chmod(0)
    until(lambda: "unreadable_logs" in home.problems(), "that it is seen")
    code, body = raw(home, "/healthz")
    assert (code, body["ok"], body["errors"]) == (503, False, ["unreadable_logs"])
    assert home.run("status").returncode == 4
    assert home.run("report", "--by", "day").returncode == 4
    (part,) = [p for p in home.status()["parts"] if p["name"] == "logs"]
    assert not part["ok"]
    until(lambda: "data_stopped" in home.words.read_text(), "one line in the log")
    path.chmod(0o600)
    home.until_counted(2)
    until(lambda: "data_flows" in home.words.read_text(), "and one at its end")
    assert home.words.read_text().count("data_stopped") == 1
    (part,) = [p for p in home.status()["parts"] if p["name"] == "logs"]
    assert part["ok"]
    assert "cannot be read" in part["last_error"]


def raw(home: Home, target: str) -> tuple[int, Any]:
    code, body = fetched(home, target)
    return code, json.loads(body)


def text_of(home: Home, target: str) -> str:
    return fetched(home, target)[1].decode()


def fetched(home: Home, target: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("costd")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(home.top / "run" / "costd.sock"))
    connection.request("GET", target)
    reply = connection.getresponse()
    found = reply.status, reply.read()
    connection.close()
    return found


SAMPLE = re.compile(
    r'([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? '
    r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
)


def test_the_metrics_can_be_parsed_and_stay_few(home: Home) -> None:
    for number in range(60):
        home.append(
            Line(number, model=f'odd"\\{number}', session_id=session(number)).text(),
            number + 1,
        )
    home.respond(500, log=99)
    home.start()
    home.until_counted(61)
    text = text_of(home, "/metrics")
    families: dict[str, str] = {}
    samples: dict[str, int] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in families
            families[name] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert match[1] in families
            float(match[3])
            samples[match[1]] = samples.get(match[1], 0) + 1
    assert text.endswith("\n")
    assert max(samples.values()) <= 50
    assert {
        "costd_disk_free_bytes",
        "costd_ledger_bytes",
        "costd_unattributed_cost_ratio",
        "costd_unpriced_tokens_ratio",
        "costd_health_problem",
        "costd_watch_mode",
    } <= set(samples)
    assert session(1) not in text


def test_an_alarm_sounds_once_and_ends_once() -> None:
    alarm, said, shown = Alarm(), list[str](), list[str]()
    alarm.say = lambda event, **_: said.append(event)
    alarm.notice = lambda title, _text: shown.append(title)
    bad = {"code": "disk_full", "message": "full", "severity": "error"}
    mild = {"code": "skipped_lines", "message": "few", "severity": "warning"}
    for problems in ([bad], [], [bad, mild], [bad], [bad], [mild], [mild], []):
        alarm.beat(problems, 1)
    assert said == ["data_stopped", "data_flows"]
    assert len(shown) == 2


def test_bytes_that_wait_and_are_not_read() -> None:
    alarm = Alarm()
    alarm.note_reading(100, 5, 0)
    alarm.note_reading(100, 5, STUCK_MS - 1)
    assert not alarm.stuck_ms(STUCK_MS - 1)
    assert alarm.stuck_ms(STUCK_MS) == STUCK_MS
    alarm.note_reading(100, 6, STUCK_MS + 1)
    assert not alarm.stuck_ms(STUCK_MS + 2)
    alarm.note_reading(0, 6, STUCK_MS + 2)
    assert not alarm.stuck_ms(9 * STUCK_MS)


def test_a_notice_is_given_by_the_systems_own_program(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = home.top / "bin" / "notify-send"
    fake.parent.mkdir()
    told = home.top / "told"
    fake.write_text(f'#!/bin/sh\nfor word in "$@"; do echo "$word"; done > {told}\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    desktop.show("costd: a title", "-rf $(x) `y`")
    until(lambda: told.exists() and told.read_text().count("\n") == 4, "the notice")
    assert told.read_text().splitlines()[2:] == ["costd: a title", "-rf $(x) `y`"]
    assert desktop.command("a", "b", "darwin")[-2:] == ["a", "b"]
    monkeypatch.setenv("PATH", str(Path(home.top, "nothing")))
    desktop.show("nobody", "sees this")
