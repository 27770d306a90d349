"""A costd of the benchmark's own: its places, its commands, its daemon."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from benchmarks.timing import FailedRunError, Program
from costd.cli.client import Connection, connect
from costd.core.errors import NoDaemonError

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.02
REST_SECONDS, REST_SHARE = 33.0, 0.005


class Costd:
    """One installation, from an empty state on.

    Args:
        home: its home directory; ``.claude/projects`` in it are its logs.
        state: for the ledger and all other files, on a real disk.
        runtime: for the socket, with a short path.
        more: a second place of logs, like ``home/.claude``: a benchmark may write there.
    """

    def __init__(self, home: Path, state: Path, runtime: Path, more: Path) -> None:
        self.state = state
        self.output = state / "output"
        self.socket = str(runtime / "costd.sock")
        self.more_logs = more / "projects"
        self.more_logs.mkdir()
        environment = base_environment(home) | {
            "COSTD_STATE_DIR": str(state / "state"),
            "COSTD_OUTPUT_DIR": str(self.output),
            "COSTD_RUNTIME_DIR": str(runtime),
            "CLAUDE_CONFIG_DIR": str(more),
        }
        command, variables = _command()
        self.program = Program("costd", command, environment | variables)

    @property
    def ledger_bytes(self) -> int:
        """The size of the ledger with its write-ahead log."""
        return sum(f.stat().st_size for f in (self.state / "state").glob("ledger.db*"))

    @contextmanager
    def daemon(self, responses: int) -> Iterator[Daemon]:
        """Its daemon, once it has ``responses`` in the ledger and nothing to read."""
        with (self.state / "daemon.log").open("ab") as log:
            program = self.program.with_arguments("run")
            process = subprocess.Popen(
                program.command,
                env=program.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            daemon = Daemon(self, process.pid, self._connected(process))
            daemon.wait_for(responses)
            yield daemon
        finally:
            process.terminate()
            process.wait()

    def _connected(self, process: subprocess.Popen[bytes]) -> Connection:
        for _ in _until(PATIENCE_SECONDS):
            connection = connect(self.socket)
            if connection is not None:
                return connection
            if process.poll() is not None:
                break
        log = self.state / "daemon.log"
        raise FailedRunError(
            f"the daemon did not start: {log.read_text('utf-8', 'replace')[-500:]}"
        )


class Daemon:
    """A daemon that runs, and a connection to it that is used again and again."""

    def __init__(self, costd: Costd, pid: int, connection: Connection) -> None:
        self.pid = pid
        self._costd = costd
        self._connection = connection

    def status(self) -> dict[str, Any]:
        """What ``costd status --json`` prints, without the process that prints it."""
        try:
            body = self._connection.ask("GET", "/api/status")
        except NoDaemonError:  # it hangs up on those who are silent for long
            connection = connect(self._costd.socket)
            if connection is None:
                raise
            self._connection.close()
            self._connection = connection
            body = connection.ask("GET", "/api/status")
        answer: dict[str, Any] = orjson.loads(body)
        return answer

    def wait_for(self, responses: int) -> dict[str, Any]:
        """Wait until so many responses are in the ledger and nothing is to be read."""
        for _ in _until(PATIENCE_SECONDS):
            status = self.status()
            behind = sum(source["bytes_behind"] for source in status["sources"])
            if counted(status) >= responses and not behind:
                return status
        raise FailedRunError(f"the daemon did not find {responses} responses")

    def wait_until_published(self, responses: int) -> None:
        """Wait for the summary files to say so; the daemon itself is not asked."""
        file = self._costd.output / "status.json"
        for _ in _until(PATIENCE_SECONDS):
            if counted(orjson.loads(file.read_bytes())) >= responses:
                return
        raise FailedRunError(f"{responses} responses were not published")

    def rest(self, most: float) -> None:
        """Wait until it has done what comes once a day and once after a start.

        A check of the ledger, a snapshot, the files of all issues: none of it is what
        an idle daemon takes, nor what new lines take. It is over when there was hardly
        anything for longer than it ever waits in between, but for ``most`` seconds.
        """
        seconds = min(REST_SECONDS, most)
        while self.status()["ledger"]["checked_at"] is None:
            time.sleep(PAUSE_SECONDS)
        for _ in _until(3 * PATIENCE_SECONDS):
            before = self.cpu_seconds()
            time.sleep(seconds)
            if self.cpu_seconds() - before < REST_SHARE * REST_SECONDS:
                return
        raise FailedRunError("the daemon did not come to rest")

    def cpu_seconds(self) -> float:
        """CPU time so far, of threads that have ended too; Linux only."""
        # The number of the CPU clock of another process, as libc makes it.
        return time.clock_gettime((~self.pid << 3) | 2)

    def memory(self) -> dict[str, int]:
        """Bytes in memory: ``rss``, and of them ``own`` (not backed by a file)."""
        text = Path(f"/proc/{self.pid}/status").read_text("ascii", "replace")
        pairs = (line.split()[:2] for line in text.splitlines() if "kB" in line)
        found = {name.rstrip(":"): int(value) * 1024 for name, value in pairs}
        return {"rss": found["VmRSS"], "own": found["RssAnon"]}


def counted(status: dict[str, Any]) -> int:
    """All the responses that a status knows."""
    count: int = status["totals"]["all"]["responses"]
    return count


def base_environment(home: Path) -> dict[str, str]:
    """What every measured program gets: no variable of the person who measures."""
    return {
        "HOME": str(home),
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }


def _command() -> tuple[tuple[str, ...], dict[str, str]]:
    """The ``costd`` of this environment, or the checkout's by hand."""
    script = Path(sys.executable).with_name("costd")
    if script.is_file():
        return (str(script),), {}
    code = "from costd.cli.entry import main; main()"
    return (sys.executable, "-P", "-c", code), {"PYTHONPATH": str(ROOT / "daemon")}


def _until(seconds: float) -> Iterator[None]:
    """Again and again, with pauses, for at most ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(PAUSE_SECONDS)
