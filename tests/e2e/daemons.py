"""A real daemon in a process of its own, which may be killed at any moment."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Env = dict[str, str]
PATIENCE_SECONDS = 100.0


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


class RealDaemon:
    """``costd run`` in the environment ``env``."""

    def __init__(self, env: Env) -> None:
        self.env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        about = Path(self.env["COSTD_STATE_DIR"], "daemon.json")
        about.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "costd", "run", "--no-live"],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(about.exists, "the daemon")

    def kill(self) -> None:
        """As a power cut does it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

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


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
