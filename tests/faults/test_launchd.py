"""Row 54 of the fault table: the agent as launchd runs it, in a home with spaces."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.daemons import PATIENCE_SECONDS, until
from faults.launchd import Launchd
from loglines import Line


class Mac:
    """A user of it, with one log; nothing of this test's own environment is there."""

    def __init__(self, top: Path) -> None:
        self.launchd = Launchd(top)
        self.home = top / "a user & <more>"
        (self.home / "Library/Logs").mkdir(parents=True)  # every Mac has it
        log = self.home / ".claude/projects/-w-app/a.jsonl"
        log.parent.mkdir(parents=True)
        log.write_bytes(Line(1).text())

    def costd(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in a shell of that user."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "costd", *words],
            env={
                "HOME": str(self.home),
                "PATH": f"{self.launchd.programs}:/usr/bin:/bin",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def service(self, verb: str, *options: str) -> subprocess.CompletedProcess[str]:
        """``costd service``, which is told that this is a Mac."""
        done = self.costd("service", verb, "--manager", "launchd", *options)
        assert done.returncode in {0, 3}, done.stderr
        return done

    @property
    def status(self) -> Any:
        """What ``costd service status`` says."""
        return json.loads(self.service("status", "--json").stdout)

    @property
    def pid(self) -> int:
        """Of the agent; 0 while none runs."""
        return int((self.launchd.job or {"pid": 0})["pid"])

    def is_up(self) -> bool:
        """Whether the agent answers."""
        return self.pid > 0 and (self.status["daemon"] or {}).get("pid") == self.pid


@pytest.fixture
def mac(tmp_path: Path) -> Iterator[Mac]:
    made = Mac(tmp_path)
    yield made
    made.launchd.close()
    until(lambda: made.launchd.job is None, "the end of launchd")


def test_54_launchd_starts_it_again_after_a_crash_and_a_stop_stays(mac: Mac) -> None:
    mac.service("install")
    until(mac.is_up, "the daemon")
    status = mac.status
    assert (status["running"], status["enabled"]) == (True, True)
    assert [file["state"] for file in status["files"]] == ["current"]
    log = mac.home / "Library/Logs/costd.log"
    until(lambda: "daemon_started" in log.read_text(), "its first word")
    first = mac.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: mac.pid not in {0, first} and mac.is_up(), "another one")
    stopped = mac.pid
    mac.service("stop")
    # It has ended when the command has, and does not come back.
    assert not Path(f"/proc/{stopped}").exists()
    status = mac.status
    assert (status["running"], status["enabled"]) == (False, True)
    assert mac.service("stop").stdout.startswith("It did not run.")
    mac.service("start")
    until(mac.is_up, "the daemon")
    before = mac.pid
    mac.service("restart")
    until(lambda: mac.pid != before and mac.is_up(), "the daemon anew")
    until(lambda: log.read_text().count("daemon_started") == 4, "a word of each")
    assert log.stat().st_mode & 0o077 == 0
    mac.service("uninstall")
    assert mac.launchd.job is None
    assert not (mac.home / "Library/LaunchAgents").exists()
    counted = json.loads(mac.costd("status", "--json").stdout)
    assert (counted["daemon"], counted["totals"]["all"]["responses"]) == (False, 1)


def test_54_what_is_hopeless_launchd_tries_once(mac: Mac) -> None:
    mac.service("install")
    until(mac.is_up, "the daemon")
    config = mac.home / ".config/costd/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("[engine]\ntick_seconds = 0\n")
    config.chmod(0o600)
    os.kill(mac.pid, signal.SIGKILL)
    until(lambda: (mac.launchd.job or {})["code"] == 0, "an end that looks well")
    job = mac.launchd.job
    assert job is not None
    assert (job["pid"], job["starts"]) == (0, 2)
    assert "engine.tick_seconds" in (mac.home / "Library/Logs/costd.log").read_text()
    shown = mac.service("status")
    assert (shown.returncode, "engine.tick_seconds" in shown.stdout) == (3, True)
    config.unlink()
    mac.launchd.kickstart()
    until(mac.is_up, "the daemon")
