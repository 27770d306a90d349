"""``status --watch``: in a pipe what changes, on a terminal in place, until Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli import canned
from cli.canned import Daemon
from cli.conftest import with_sources
from cli.screens import drain, until
from publish.wire import PATIENCE, wait_until


@contextmanager
def watch(
    *argv: str, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """The command, which ends with the test whatever happens."""
    command = [sys.executable, "-m", "costd", "status", "--watch", "--interval=0.1"]
    size = {"COLUMNS": "80", "LINES": "50"}
    env = {**with_sources(), **size, "TERM": "xterm"}
    with subprocess.Popen(
        [*command, *argv], env=env, stdout=stdout, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def asked_again(daemon: Daemon, times: int) -> None:
    enough = len(daemon.asked) + times
    wait_until(lambda: len(daemon.asked) >= enough)


def test_a_pipe_gets_what_has_changed(daemon: Daemon) -> None:
    with watch("--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["pid"] == 4711
        daemon.put(status=canned.status(generated_at="2026-11-22T10:00:01Z"))
        asked_again(daemon, 3)
        daemon.put(status=canned.status(pid=4712))
        assert json.loads(process.stdout.readline())["pid"] == 4712
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said) == (130, b"")


def test_a_terminal_is_drawn_again_in_place(daemon: Daemon, state_dir: Path) -> None:
    ours, theirs = pty.openpty()
    with watch(stdout=theirs) as process:
        os.close(theirs)
        until(ours, b"$12.34")
        totals = canned.status()["totals"]
        totals["today"]["cost_usd"] = 98.76
        daemon.put(status=canned.status(totals=totals))
        drawn = until(ours, b"$98.76")
        assert b"\x1b[1A" in drawn  # the cursor goes up, over what was there
        daemon.put(status=(503, {"error": "costd is stopping.", "fix": "", "code": 1}))
        until(ours, b"costd is stopping.")
        process.send_signal(signal.SIGINT)
        rest = drain(ours)
        process.wait(PATIENCE)
    assert process.returncode == 130
    assert b"\x1b[?25h" in rest  # the cursor is back
