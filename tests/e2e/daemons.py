"""A real daemon in a process of its own, which may be killed at any moment."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import pytest

from costd.cli.client import connect
from costd.core.errors import BusyError, NoDaemonError

Env = dict[str, str]
Wait = Literal["read", "up", "no"]
"""What a start waits for: that the logs are read, that it answers, for nothing."""
PATIENCE_SECONDS = 150.0


def environment(top: Path) -> Env:
    """Places below ``top``, for costd and for the agents."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "HOME": str(top),
        "COSTD_STATE_DIR": str(top / "state"),
        "COSTD_RUNTIME_DIR": str(top / "run"),
        "COSTD_OUTPUT_DIR": str(top / "output"),
        "CLAUDE_CONFIG_DIR": str(top / "claude"),
    }


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"it never came: {what}"
        time.sleep(0.02)


def has_read(about: Path) -> bool:
    """Whether a daemon has read the logs that it found, or says why it cannot.

    It answers before it has: whoever counts at once may count nothing.

    Args:
        about: its ``daemon.json``.
    """
    try:
        connection = connect(json.loads(about.read_bytes())["socket"])
        if connection is None:
            return False
        try:
            status = json.loads(connection.ask("GET", "/api/status"))
        finally:
            connection.close()
    except (OSError, NoDaemonError, BusyError):
        return False
    is_wrong = any(problem["severity"] == "error" for problem in status["health"])
    return bool(status["complete"] or is_wrong)


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has ended when the test has, also when that has failed."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


class RealDaemon:
    """``costd run`` in the environment ``env``."""

    def __init__(self, env: Env) -> None:
        self.env = env
        self._process: subprocess.Popen[bytes] | None = None
        self._words: IO[bytes] | None = None

    def start(self, wait: Wait = "read") -> None:
        """Start it, and wait until it has read the logs that are there."""
        about = Path(self.env["COSTD_STATE_DIR"], "daemon.json")
        about.unlink(missing_ok=True)
        self._words = words = tempfile.TemporaryFile()  # noqa: SIM115 - kill closes it
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", "costd", "run", "--no-live"],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
        )

        def lives() -> bool:
            if process.poll() is not None:
                words.seek(0)
                pytest.fail(f"it has ended: {words.read()!r}")
            return True

        if wait != "no":
            until(lambda: lives() and about.exists(), "the daemon")
        if wait == "read":
            until(lambda: lives() and has_read(about), "what its logs hold")

    def kill(self) -> None:
        """As a power cut does it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._words is not None:
            self._words.close()

    def ask(self, *words: str) -> Any:
        """What a command answers with ``--json``."""
        done = subprocess.run(
            [sys.executable, "-m", "costd", *words, "--json"],
            env=self.env,
            capture_output=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


_PORTS = itertools.count(os.getpid() * 97)


def free_port() -> int:
    """A TCP port of this machine that nobody listens on, and that stays free.

    One of those that the kernel hands out could be somebody's the moment after: these
    lie below them, and each process of tests has a part of its own.
    """
    while True:
        port = 10_000 + next(_PORTS) % 20_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
